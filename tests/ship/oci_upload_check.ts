/** Uploads to a real registry: in chunks, cut, of other bytes. @module */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { putArtifact } from "../../lib/jobs/put_artifact.ts";
import { CHUNK_BYTES } from "../../lib/mirror/oci_upload.ts";
import { bodyOf, bytesOf, pathOf } from "../helpers/counted_mirror.ts";
import { manyBytes, someBytes } from "../helpers/fault_world.ts";
import { ociMirrorOn, withRegistry } from "../helpers/registry.ts";
import { tcpCutter } from "../helpers/tcp_cutter.ts";

Deno.test("a large file goes up in chunks, and comes back whole", async () => {
  await withRegistry(async (registry) => {
    const { mirror, sent } = await ociMirrorOn(registry.host);
    const bytes = manyBytes(2 * CHUNK_BYTES + 5, 3);
    const path = await pathOf(bytes, "a.parquet");
    assertEquals(await mirror.digest!(path), null);
    sent.length = 0;
    await mirror.put(path, bodyOf(bytes));
    assertEquals(sent, [
      "POST blobs/uploads/",
      ...["PATCH", "PATCH", "PATCH", "PUT"].map((method) => `${method} blobs/uploads/…`),
    ]);
    assertEquals(await mirror.digest!(path), path.slice(0, 64));
    assertEquals(await mirror.size(path), bytes.length);
    assertEquals(await bytesOf(mirror, path), bytes);
    const file = await mirror.open(path, { start: CHUNK_BYTES - 1, end: CHUNK_BYTES + 1 });
    assertEquals(
      await new Response(file!.body).bytes(),
      bytes.slice(CHUNK_BYTES - 1, CHUNK_BYTES + 2),
    );
  });
});

Deno.test("an upload that is cut is begun again; one that is cut for good leaves nothing", async () => {
  await withRegistry(async (registry) => {
    const cutter = tcpCutter(registry.url);
    const { mirror, sent } = await ociMirrorOn(new URL(cutter.url).host);
    const bytes = manyBytes(2 * CHUNK_BYTES + 5, 4);
    const path = await pathOf(bytes, "a.parquet");
    const [sha256 = ""] = path.split("/");
    const artifact = { name: "a.parquet", sha256, bytes: bytes.length, role: "x", mediaType: "x" };
    cutter.cutAfter = () => CHUNK_BYTES + 5_000_000; // in the second chunk, always
    const put = () => putArtifact(mirror, artifact, () => Promise.resolve(bodyOf(bytes)));
    assertEquals((await assertRejects(put, BfaError)).code, "network");
    assertEquals(sent.filter((line) => line === "POST blobs/uploads/").length, 3);
    cutter.cutAfter = (connection) => connection === cut ? CHUNK_BYTES + 5_000_000 : undefined;
    const cut = cutter.connections + 1;
    assertEquals(await mirror.open(path), undefined);
    sent.length = 0;
    assertEquals(await put(), true);
    assertEquals(sent.filter((line) => line === "POST blobs/uploads/").length, 2);
    assertEquals(await bytesOf(mirror, path), bytes);
    assertEquals(await put(), false);
    await cutter.close();
  });
});

Deno.test("a registry takes no other bytes than the digest says", async () => {
  await withRegistry(async (registry) => {
    const { mirror } = await ociMirrorOn(registry.host);
    const path = `${"0".repeat(64)}/a.parquet`;
    const error = await assertRejects(() => mirror.put(path, bodyOf(someBytes(100, 1))), BfaError);
    assertEquals(error.code, "integrity");
    assertStringIncludes(error.message, "it received other bytes than were sent");
    assertEquals(await mirror.size(path), undefined);
  });
});
