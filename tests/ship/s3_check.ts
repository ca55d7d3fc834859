/** S3 mirrors against a real server: publish, read, sync. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { putArtifact } from "../../lib/jobs/put_artifact.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { bodyOf, pathOf } from "../helpers/counted_mirror.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { manyBytes, NEW, OLD, someBytes, withCopy } from "../helpers/fault_world.ts";
import { s3MirrorOn, withS3 } from "../helpers/s3_server.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

Deno.test("a version on S3: whoever may write publishes it, anybody reads it with 2 requests and no service", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror, sent } = await s3MirrorOn(server);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      await world.publishFiles(NEW, { "parts/a.parquet": someBytes(5_000, 1) }, { publisher });
      assertEquals(sent, [
        ...["GET um/manifests/2.json", "GET um/manifest.json"],
        ...["HEAD um/listings.json", "PUT um/listings.json", "HEAD um/listings.json"],
        ...["HEAD um/parts/a.parquet", "PUT um/parts/a.parquet", "HEAD um/parts/a.parquet"],
        ...["HEAD um/manifests/1.json", "PUT um/manifests/1.json", "PUT um/manifests/2.json"],
        ...["PUT um/versions.json", "PUT um/manifest.json"],
      ]);

      const asked: string[] = [];
      const dataset = await open({
        endpoint: `${server.publicUrl}um/`,
        cacheDir: `${world.dir}/reader`,
        now: () => world.clock,
        fetch: async (url, init) => {
          const response = await fetch(url, init);
          asked.push(`${url.split("/").at(-1)} ${response.status}`);
          return response;
        },
      });
      assertEquals((await dataset.snapshot("latest")).symbols, ["AAAUSDT", "BBBUSDT", "DDDUSDT"]);
      assertEquals(asked, ["manifest.json 200", "listings.json 200"]);
      await dataset.refresh();
      assertEquals(asked.slice(2), ["manifest.json 304"]);
      assertEquals((await dataset.versions()).versions.map(({ version }) => version), [NEW, OLD]);
    });
  });
});

Deno.test("files on S3 have the media type and the cache policy that CDNs and browsers go by", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror } = await s3MirrorOn(server);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const { artifacts } = await world.publishFiles(NEW, { "a.parquet": someBytes(99, 1) }, {
        publisher,
      });
      const headers = async (path: string) => {
        const response = await fetch(`${server.publicUrl}um/${path}`);
        await response.body?.cancel();
        return [response.headers.get("content-type"), response.headers.get("cache-control")];
      };
      assertEquals(await headers("manifest.json"), ["application/json", "public, max-age=60"]);
      assertEquals(await headers("versions.json"), ["application/json", "public, max-age=60"]);
      assertEquals(await headers("manifests/2.json"), ["application/json", IMMUTABLE]);
      assertEquals(await headers(artifactPath(artifacts[0]!)), ["application/json", IMMUTABLE]);
      assertEquals(await headers(artifactPath(artifacts[1]!)), [
        "application/vnd.apache.parquet",
        IMMUTABLE,
      ]);
      const range = await fetch(`${server.publicUrl}um/${artifactPath(artifacts[1]!)}`, {
        headers: { range: "bytes=10-19" },
      });
      assertEquals(range.status, 206);
      assertEquals(await range.bytes(), someBytes(99, 1).slice(10, 20));
    });
  });
});

Deno.test("the next version uploads what changed: one HEAD tells that the rest is there, whole", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror, sent } = await s3MirrorOn(server);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const files = { "same.bin": someBytes(3_000, 1), "other.bin": someBytes(3_000, 2) };
      await world.publishFiles(NEW, files, { publisher });
      sent.length = 0;
      await world.publishFiles("2024-04-02.1", { ...files, "other.bin": someBytes(3_000, 3) }, {
        publisher,
      });
      assertEquals(sent.filter((line) => line.includes(".bin")), [
        "HEAD um/same.bin",
        "HEAD um/other.bin",
        "PUT um/other.bin",
        "HEAD um/other.bin",
      ]);
    });
  });
});

Deno.test("a file as large as any of a version is verified by the digest that S3 states: none of it is read", async () => {
  await withS3(async (server) => {
    const { mirror, sent } = await s3MirrorOn(server);
    const bytes = manyBytes(45_000_000, 6);
    const [sha256 = "", name = ""] = (await pathOf(bytes, "big.bin")).split("/");
    const artifact = { name, sha256, bytes: bytes.length, role: "x", mediaType: "x" };
    const put = () => putArtifact(mirror, artifact, () => Promise.resolve(bodyOf(bytes)));
    assertEquals([await put(), sent.splice(0)], [true, [
      "HEAD um/big.bin",
      "PUT um/big.bin",
      "HEAD um/big.bin",
    ]]);
    assertEquals([await put(), sent], [false, ["HEAD um/big.bin"]]);
  });
});

Deno.test("a bucket from which a version goes to a folder and back, only what is missing", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const files = { "big.bin": manyBytes(2_000_000, 5), "small.bin": someBytes(50, 6) };
      await world.publishFiles(NEW, files);
      const at = { env: { ...server.env, HOME: world.dir }, now: new Date() };
      const sync = async (...args: string[]) => {
        const { code, out } = await bfa(["mirror", "sync", ...args, "-q"], at);
        assertEquals(code, 0);
        return out;
      };
      const place = "s3://bfa-data/copy";
      assertEquals(
        await sync("--from", world.mirrorDir, "--to", place),
        `${NEW}: 3 of 3 copied, 2.0 MB\n2 manifests written; latest moved\n`,
      );
      assertEquals(
        await sync("--from", world.mirrorDir, "--to", place),
        `${NEW}: 0 of 3 copied, 0 B\n0 manifests written; latest stays\n`,
      );
      // Another reader than the publisher: plain HTTP.
      assertEquals(
        await sync("--from", `${server.publicUrl}copy/`, "--to", `${world.dir}/back`),
        `${NEW}: 3 of 3 copied, 2.0 MB\n2 manifests written; latest moved\n`,
      );
      const { out } = await bfa(
        ["mirror", "verify", "--json", "--mirror", `${world.dir}/back`],
        at,
      );
      assertEquals(JSON.parse(out).sound, true);
    });
  });
});

Deno.test("a build is published to S3 through `publish()` in one go, or not at all", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror } = await s3MirrorOn(server, {
        // The server dies after the artifacts.
        answer: (n) => n > 6 ? new Response(null, { status: 500 }) : undefined,
      });
      const before = await world.publisher.store.lastSequence();
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const work = world.publishFiles(NEW, { "a.bin": someBytes(50, 6) }, { publisher });
      assertEquals((await assertRejects(() => work, BfaError)).code, "network");
      assertEquals(await world.publisher.store.lastSequence(), before);
      assertEquals((await server.keys()).filter((key) => key.includes("manifest")), []);
    });
  });
});
