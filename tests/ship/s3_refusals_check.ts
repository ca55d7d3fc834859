/** What S3 refuses, loses or has damaged: the line, the exit code, and what is done about it. @module */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { artifactPath, textBody } from "../../lib/mirror/mirror.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { NEW, someBytes, withCopy } from "../helpers/fault_world.ts";
import { assertRefusals, type Refusal } from "../helpers/refusals.ts";
import { s3MirrorOn, withS3 } from "../helpers/s3_server.ts";

const REFUSALS: readonly Refusal[] = [
  {
    what: "a clock that is years behind",
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
    place: "s3://B/um",
    exit: 2,
    says: 'Cannot use "s3://B/um": write s3://BUCKET or s3://BUCKET/PREFIX',
  },
];

Deno.test("what S3 refuses: one line, the right exit code, and nothing is published", async (t) => {
  await withS3(async ({ env, bucket, keys }) => {
    await assertRefusals(t, REFUSALS, { env: { ...env }, place: `s3://${bucket}/um`, left: keys });
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
    const { mirror, sent } = await s3MirrorOn(server, { answer: busy });
    await mirror.put("manifest.json", textBody("x"));
    assertEquals(sent.length, 3);
    const later = () => new Response(null, { status: 403, headers: { "retry-after": "3600" } });
    const slow = await s3MirrorOn(server, { answer: later });
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
      const { mirror } = await s3MirrorOn(server);
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
      const { mirror } = await s3MirrorOn(server);
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
