/** Uploads to a real S3 server: in parts, cut, repeated, by two at once. @module */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { hashStream } from "../../lib/files/file_facts.ts";
import { textBody } from "../../lib/mirror/mirror.ts";
import { bodyOf, bytesOf, type CountedOptions, pathOf } from "../helpers/counted_mirror.ts";
import { manyBytes, someBytes } from "../helpers/fault_world.ts";
import { s3MirrorOn, type S3Server, withS3 } from "../helpers/s3_server.ts";
import { tcpCutter } from "../helpers/tcp_cutter.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

/** The shortest parts that S3 takes, bytes. */
const PART_BYTES = 5 * 1024 * 1024;

const smallParts = (server: S3Server, options: CountedOptions = {}) =>
  s3MirrorOn(server, { ...options, partBytes: PART_BYTES });

Deno.test("a large file goes up in parts, is one object, and leaves no upload behind", async () => {
  await withS3(async (server) => {
    const { mirror, sent } = await smallParts(server);
    const bytes = manyBytes(2 * PART_BYTES + 12_345, 7);
    const path = await pathOf(bytes, "big.parquet");
    await mirror.put(path, bodyOf(bytes));
    assertEquals(sent, [
      "POST um/big.parquet?uploads",
      ...[1, 2, 3].map(() => "PUT um/big.parquet?partNumber&uploadId"),
      "POST um/big.parquet?uploadId",
    ]);
    assertEquals(await server.unfinished(), []);
    assertEquals((await hashStream((await mirror.open(path))!.body)).sha256, path.split("/")[0]);
    assertEquals(await mirror.digest!(path), undefined); // a digest of digests: read back instead
    assertEquals(await mirror.size(path), bytes.length);
    const response = await fetch(`${server.publicUrl}um/${path}`, { method: "HEAD" });
    assertEquals(response.headers.get("cache-control"), IMMUTABLE);
    assertEquals(response.headers.get("content-type"), "application/vnd.apache.parquet");
    // Again: what is there stays, and the parts that nobody needs are gone.
    await mirror.put(path, bodyOf(bytes));
    assertEquals(await server.unfinished(), []);
  });
});

Deno.test("an upload that is cut, again and again: nothing is there, nothing is left", async () => {
  await withS3(async (server) => {
    const cutter = tcpCutter(server.url);
    // The first connection begins the upload, the second sends a part, all others break in the middle of one.
    cutter.cutAfter = (connection) => connection > 2 && connection <= 5 ? 3_000_000 : undefined;
    const { mirror, sent } = await smallParts(server, { env: { AWS_ENDPOINT_URL: cutter.url } });
    const bytes = manyBytes(2 * PART_BYTES, 8);
    const path = await pathOf(bytes, "big.parquet");
    const error = await assertRejects(() => mirror.put(path, bodyOf(bytes)), BfaError);
    assertEquals([error.code, sent.at(-1)], ["network", "DELETE um/big.parquet?uploadId"]);
    assertEquals(sent.filter((line) => line.startsWith("PUT")).length, 1 + 3);
    assertEquals([await server.keys(), await server.unfinished()], [[], []]);
    await cutter.close();
  });
});

Deno.test("an upload that is cut once goes on with the same part", async () => {
  await withS3(async (server) => {
    const cutter = tcpCutter(server.url);
    cutter.cutAfter = (connection) => connection === 3 ? 3_000_000 : undefined;
    const { mirror } = await smallParts(server, { env: { AWS_ENDPOINT_URL: cutter.url } });
    const bytes = manyBytes(2 * PART_BYTES, 9);
    const path = await pathOf(bytes, "big.parquet");
    await mirror.put(path, bodyOf(bytes));
    assertEquals(await bytesOf(mirror, path), bytes);
    assertEquals(await server.unfinished(), []);
    await cutter.close();
  });
});

Deno.test("a body that fails in the middle, as of a build that changes meanwhile, leaves nothing", async () => {
  await withS3(async (server) => {
    const { mirror } = await smallParts(server);
    let chunks = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (++chunks > 3) controller.error(new BfaError("integrity", "it changed"));
        else controller.enqueue(manyBytes(PART_BYTES / 1.5, chunks));
      },
    });
    const error = await assertRejects(() => mirror.put(`${"a".repeat(64)}/x.bin`, body), BfaError);
    assertEquals(error.message, "it changed");
    assertEquals([await server.keys(), await server.unfinished()], [[], []]);
  });
});

Deno.test("what never changes is created, not replaced: another publisher's manifest stays", async () => {
  await withS3(async (server) => {
    const { mirror } = await smallParts(server);
    await mirror.put("manifests/7.json", textBody("first"));
    await mirror.put("manifests/7.json", textBody("first")); // safe to repeat
    const error = await assertRejects(
      () => mirror.put("manifests/7.json", textBody("second")),
      BfaError,
    );
    assertEquals(error.code, "conflict");
    assertStringIncludes(error.message, "Cannot write manifests/7.json on s3://bfa-data/um");
    assertEquals(new TextDecoder().decode(await bytesOf(mirror, "manifests/7.json")), "first");
    // Moving files are replaced.
    await mirror.put("manifest.json", textBody("first"));
    await mirror.put("manifest.json", textBody("second"));
    assertEquals(new TextDecoder().decode(await bytesOf(mirror, "manifest.json")), "second");
  });
});

Deno.test("damage under an artifact's name is replaced, small and large", async () => {
  await withS3(async (server) => {
    const { mirror } = await smallParts(server);
    for (const length of [1_000, PART_BYTES + 1]) {
      const bytes = manyBytes(length, length);
      const path = await pathOf(bytes, "a.bin");
      await (await server.api.request("PUT", `um/${path}`, { body: someBytes(10, 1) })).text();
      await mirror.put(path, bodyOf(bytes));
      assertEquals(await bytesOf(mirror, path), bytes);
    }
    assertEquals(await server.unfinished(), []);
  });
});

Deno.test("a publisher that comes while another one writes the same sequence does not replace it", async () => {
  await withS3(async (server) => {
    const other = await s3MirrorOn(server);
    const { mirror, sent } = await s3MirrorOn(server, {
      async answer(n) {
        // S3 has not finished with the other's yet; it has after the look at what is there.
        if (n === 1) return new Response(null, { status: 409 });
        if (n === 3) await other.mirror.put("manifests/7.json", textBody("first"));
      },
    });
    const put = () => mirror.put("manifests/7.json", textBody("second"));
    const error = await assertRejects(put, BfaError);
    assertEquals([error.code, sent], ["network", [
      "PUT um/manifests/7.json",
      "GET um/manifests/7.json",
      "PUT um/manifests/7.json",
    ]]);
    assertEquals((await assertRejects(put, BfaError)).code, "conflict");
    assertEquals(new TextDecoder().decode(await bytesOf(mirror, "manifests/7.json")), "first");
  });
});

Deno.test("two publishers write the same file at once: both are content, it is there once", async () => {
  await withS3(async (server) => {
    const bytes = someBytes(200_000, 4);
    const path = await pathOf(bytes, "a.bin");
    const both = await Promise.all([smallParts(server), smallParts(server)]);
    await Promise.all(both.map(({ mirror }) => mirror.put(path, bodyOf(bytes))));
    assertEquals(await server.keys(), [`um/${path}`]);
    assertEquals(await bytesOf(both[0].mirror, path), bytes);
  });
});
