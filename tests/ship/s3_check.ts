/** S3 mirrors against a real server: publish, read, refuse, break. @module */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hashStream } from "../../lib/files/file_facts.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { type MirrorWorld, openFileMirror } from "../../lib/jobs/open_mirrors.ts";
import { artifactPath, type Mirror, textBody } from "../../lib/mirror/mirror.ts";
import { PART_BYTES } from "../../lib/mirror/s3.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { manyBytes, NEW, OLD, someBytes, withCopy } from "../helpers/fault_world.ts";
import { buildListings, SMALL_LISTINGS } from "../helpers/publisher.ts";
import { type S3Server, withS3 } from "../helpers/s3_server.ts";
import { tcpCutter } from "../helpers/tcp_cutter.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

/** A mirror on the server, and every request that went there. */
async function mirrorOn(
  server: S3Server,
  options: {
    place?: string;
    env?: Record<string, string>;
    answer?: (n: number) => Response | undefined;
  } = {},
): Promise<{ mirror: Mirror; sent: string[]; waits: string[] }> {
  const sent: string[] = [];
  const waits: string[] = [];
  const env: Record<string, string> = { ...server.env, ...options.env };
  const world: MirrorWorld = {
    env: (name) => env[name],
    now: () => new Date(),
    onWait: (line) => waits.push(line),
    retry: { tries: 3, baseMs: 0, mostMs: 0 },
    async fetch(url, init) {
      const { pathname, search } = new URL(url);
      const key = pathname.slice(`/${server.bucket}/`.length).replace(/[0-9a-f]{64}\//, "");
      sent.push(`${init.method} ${key}${search.replace(/=[^&]*/g, "")}`);
      return options.answer?.(sent.length) ?? await fetch(url, init);
    },
  };
  return {
    mirror: await openFileMirror(options.place ?? `s3://${server.bucket}/um`, world),
    sent,
    waits,
  };
}

const bytesOf = async (mirror: Mirror, path: string) =>
  await new Response((await mirror.open(path))!.body).bytes();

const bodyOf = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream();

const digestOf = async (bytes: Uint8Array<ArrayBuffer>) => (await hashStream(bodyOf(bytes))).sha256;

Deno.test("a version on S3: whoever may write publishes it, anybody reads it with 2 requests and no service", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror, sent } = await mirrorOn(server);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      await world.publishFiles(NEW, { "parts/a.parquet": someBytes(5_000, 1) }, { publisher });
      assertEquals(sent, [
        ...["GET um/manifests/2.json", "GET um/manifest.json"],
        ...["HEAD um/listings.json", "PUT um/listings.json", "HEAD um/listings.json"],
        ...["HEAD um/parts/a.parquet", "PUT um/parts/a.parquet", "HEAD um/parts/a.parquet"],
        ...["PUT um/manifests/2.json", "HEAD um/manifests/1.json", "PUT um/manifests/1.json"],
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
      const { mirror } = await mirrorOn(server);
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
      const { mirror, sent } = await mirrorOn(server);
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

Deno.test("a large file goes up in parts, is one object, and leaves no upload behind", async () => {
  await withS3(async (server) => {
    const { mirror, sent } = await mirrorOn(server);
    const bytes = manyBytes(2 * PART_BYTES + 12_345, 7);
    const path = `${await digestOf(bytes)}/big.parquet`;
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
    const { mirror, sent } = await mirrorOn(server, { env: { AWS_ENDPOINT_URL: cutter.url } });
    const bytes = manyBytes(2 * PART_BYTES, 8);
    const path = `${await digestOf(bytes)}/big.parquet`;
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
    const { mirror } = await mirrorOn(server, { env: { AWS_ENDPOINT_URL: cutter.url } });
    const bytes = manyBytes(2 * PART_BYTES, 9);
    const path = `${await digestOf(bytes)}/big.parquet`;
    await mirror.put(path, bodyOf(bytes));
    assertEquals(await bytesOf(mirror, path), bytes);
    assertEquals(await server.unfinished(), []);
    await cutter.close();
  });
});

Deno.test("a body that fails in the middle, as of a build that changes meanwhile, leaves nothing", async () => {
  await withS3(async (server) => {
    const { mirror } = await mirrorOn(server);
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
    const { mirror } = await mirrorOn(server);
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
    const { mirror } = await mirrorOn(server);
    for (const length of [1_000, PART_BYTES + 1]) {
      const bytes = manyBytes(length, length);
      const path = `${await digestOf(bytes)}/a.bin`;
      await (await server.api.request("PUT", `um/${path}`, { body: someBytes(10, 1) })).text();
      await mirror.put(path, bodyOf(bytes));
      assertEquals(await bytesOf(mirror, path), bytes);
    }
    assertEquals(await server.unfinished(), []);
  });
});

Deno.test("two publishers write the same file at once: both are content, it is there once", async () => {
  await withS3(async (server) => {
    const bytes = someBytes(200_000, 4);
    const path = `${await digestOf(bytes)}/a.bin`;
    const both = await Promise.all([mirrorOn(server), mirrorOn(server)]);
    await Promise.all(both.map(({ mirror }) => mirror.put(path, bodyOf(bytes))));
    assertEquals(await server.keys(), [`um/${path}`]);
    assertEquals(await bytesOf(both[0].mirror, path), bytes);
  });
});

const REFUSALS: {
  what: string;
  env: Record<string, string>;
  place?: string;
  now?: string;
  exit: number;
  says: string;
}[] = [
  {
    what: "a clock that is years behind",
    env: {},
    now: "2024-04-01T13:00:00Z",
    exit: 2,
    says: "Cannot use s3://bfa-data: this machine's clock is wrong (403: RequestTimeTooSkewed)",
  },
  {
    what: "a wrong secret",
    env: { AWS_SECRET_ACCESS_KEY: "wrong" },
    exit: 2,
    says:
      "Cannot use s3://bfa-data: it does not accept the credentials; check AWS_ACCESS_KEY_ID and its like (403: SignatureDoesNotMatch)",
  },
  {
    what: "no credentials",
    env: { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" },
    exit: 2,
    says:
      "Cannot use s3://bfa-data: it needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (403: AccessDenied)",
  },
  {
    what: "half of the credentials",
    env: { AWS_SECRET_ACCESS_KEY: "" },
    exit: 2,
    says: "Cannot use the AWS credentials: AWS_SECRET_ACCESS_KEY is not set",
  },
  {
    what: "a bucket that does not exist",
    env: {},
    place: "s3://no-such-bucket/um",
    exit: 3,
    says:
      "Cannot use s3://no-such-bucket: there is no bucket no-such-bucket; create it, or check its name and region (404: NoSuchBucket)",
  },
  {
    what: "the wrong region",
    env: { AWS_REGION: "us-west-2" },
    exit: 2,
    says:
      "Cannot use s3://bfa-data: the bucket is in another region: set AWS_REGION=eu-central-1 (400: AuthorizationHeaderMalformed)",
  },
  {
    what: "no name of a bucket",
    env: {},
    place: "s3://B/um",
    exit: 2,
    says: 'Cannot use "s3://B/um": write s3://BUCKET or s3://BUCKET/PREFIX',
  },
];

Deno.test("what S3 refuses: one line, the right exit code, and nothing is published", async (t) => {
  await withS3(async (server) => {
    const dir = await Deno.makeTempDir({ prefix: "bfa-s3-" });
    const own = { BFA_DATA_DIR: `${dir}/data`, HOME: dir };
    await bfa(["keys", "new"], { env: own });
    const built = `${dir}/build`;
    const build = await buildListings(built, NEW, SMALL_LISTINGS);
    await Deno.writeTextFile(`${built}/build.json`, JSON.stringify(build));
    for (const { what, env, now, place = `s3://${server.bucket}/um`, exit, says } of REFUSALS) {
      await t.step(what, async () => {
        const called = await bfa(["publish", built, "--mirror", place], {
          env: { ...own, ...server.env, ...env },
          now: new Date(now ?? Date.now()),
        });
        assertEquals([called.code, called.out, called.err], [exit, "", `bfa: ${says}\n`]);
        assertEquals(await server.keys(), []);
      });
    }
    await Deno.remove(dir, { recursive: true });
  });
});

Deno.test("503 and 429 are tried again, as late as they ask; a long wait ends with exit code 8's error", async () => {
  await withS3(async (server) => {
    const busy = (n: number) =>
      n === 1
        ? new Response("<Error><Code>SlowDown</Code></Error>", { status: 503 })
        : n === 2
        ? new Response(null, { status: 429, headers: { "retry-after": "0" } })
        : undefined;
    const { mirror, sent } = await mirrorOn(server, { answer: busy });
    await mirror.put("manifest.json", textBody("x"));
    assertEquals(sent.length, 3);
    const later = () => new Response(null, { status: 403, headers: { "retry-after": "3600" } });
    const slow = await mirrorOn(server, { answer: later });
    const error = await assertRejects(
      () => slow.mirror.put("manifest.json", textBody("y")),
      BfaError,
    );
    assertEquals([error.code, slow.sent.length], ["limit", 1]);
    assertStringIncludes(
      error.message,
      "Cannot go on with s3://bfa-data: its rate limit is reached (403)",
    );
  });
});

Deno.test("a bucket with other bytes under an artifact: the reader takes the next mirror's, by digest", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(server);
      const other = serveMirror(world.mirrorDir);
      const publisher = {
        ...world.publisher,
        mirrors: [mirror, ...world.publisher.mirrors],
        mirrorUrls: [`${server.publicUrl}um/`, other.url],
      };
      const { artifacts } = await world.publishFiles(NEW, {}, { publisher });
      const path = artifactPath(artifacts[0]!);
      await (await server.api.request("PUT", `um/${path}`, { body: someBytes(60, 1) })).text();
      const dataset = await open({
        endpoint: `${server.publicUrl}um/`,
        cacheDir: null,
        now: () => world.clock,
      });
      assertEquals((await dataset.symbols()).version, NEW);
      assertEquals(other.take().map((line) => line.split(" ")[0]), ["listings.json"]);

      const at = { env: { ...server.env, HOME: world.dir }, now: new Date() };
      const verified = await bfa(["mirror", "verify", "--mirror", "s3://bfa-data/um"], at);
      assertEquals(verified.code, 5);
      assertStringIncludes(
        verified.out,
        '\tintegrity\tCannot use "listings.json of s3://bfa-data/um": its SHA-256 is ',
      );
      const synced = await bfa([
        ...["mirror", "sync", "--from", world.mirrorDir, "--to", "s3://bfa-data/um", "-q"],
      ], at);
      assertEquals([synced.code, synced.err], [0, ""]);
      assertStringIncludes(synced.out, `${NEW}: 1 of 1 copied`);
      const again = await bfa(["mirror", "verify", "--mirror", "s3://bfa-data/um"], at);
      assertEquals([again.code, again.out], [0, ""]);
      await other.close();
    });
  });
});

Deno.test("a reader whose file is deleted on S3: the line names it, exit code 6; verify says what is missing, 5", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(server);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const { artifacts } = await world.publishFiles(NEW, {}, { publisher });
      const path = artifactPath(artifacts[0]!);
      await (await server.api.request("DELETE", `um/${path}`)).body?.cancel();
      const env = { ...server.env, HOME: world.dir, BFA_CACHE_DIR: `${world.dir}/c` };
      const at = { env, now: new Date() };
      const url = `${server.publicUrl}um/`;
      const read = await bfa(["snapshot", "latest", "--endpoint", url, "-q"], { env });
      assertEquals(read.code, 6);
      assertEquals(read.err, `bfa: Cannot fetch ${url}${path}: the server answered 404\n`);
      const verified = await bfa(["mirror", "verify", "--mirror", "s3://bfa-data/um"], at);
      assertEquals(verified.code, 5);
      assertStringIncludes(verified.out, "\tnot_found\tno listings.json on s3://bfa-data/um\n");
    });
  });
});

Deno.test("a bucket from which a version goes to a folder and back, only what is missing", async () => {
  await withS3(async (server) => {
    await withCopy(async (world) => {
      const files = { "big.bin": manyBytes(PART_BYTES + 1, 5), "small.bin": someBytes(50, 6) };
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
        `${NEW}: 3 of 3 copied, 16.8 MB\n2 manifests written; latest moved\n`,
      );
      assertEquals(
        await sync("--from", world.mirrorDir, "--to", place),
        `${NEW}: 0 of 3 copied, 0 B\n0 manifests written; latest stays\n`,
      );
      // Another reader than the publisher: plain HTTP.
      assertEquals(
        await sync("--from", `${server.publicUrl}copy/`, "--to", `${world.dir}/back`),
        `${NEW}: 3 of 3 copied, 16.8 MB\n2 manifests written; latest moved\n`,
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
      const { mirror } = await mirrorOn(server, {
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
