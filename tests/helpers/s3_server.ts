/** A real S3 server on loopback: versitygw on a temporary folder. @module */

import { type MirrorWorld, openFileMirror } from "../../lib/jobs/open_mirrors.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { s3Mirror } from "../../lib/mirror/s3.ts";
import { type S3Api, s3Api } from "../../lib/mirror/s3_api.ts";
import { readS3Place } from "../../lib/mirror/s3_place.ts";
import { sender } from "../../lib/net/sender.ts";
import { type CountedMirror, countedMirror, type CountedOptions } from "./counted_mirror.ts";
import { spawn } from "./process.ts";
import { onFreePort, tool } from "./tool.ts";

/** A running server with one bucket, which anybody may read and only one account may write. */
export interface S3Server {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly bucket: string;
  /** What anybody reads from, ends with a slash. */
  readonly publicUrl: string;
  /** The environment that publishes there. */
  readonly env: Readonly<Record<string, string>>;
  /** The account's own client. */
  readonly api: S3Api;
  /** Keys of the bucket. */
  keys(): Promise<string[]>;
  /** Uploads in parts that were begun and neither finished nor aborted. */
  unfinished(): Promise<string[]>;
}

const REGION = "eu-central-1";

/** Runs a test with a server. */
export async function withS3(
  test: (server: S3Server) => Promise<void>,
  bucket = "bfa-data",
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-s3-" });
  const [account, secret] = ["publisher", "publishers-secret"];
  await Deno.mkdir(`${dir}/store`);
  const gateway = tool("versitygw");
  const { program, port } = await onFreePort((port) =>
    spawn(gateway, [
      ...["--port", `127.0.0.1:${port}`, "--region", REGION],
      ...["--access", account, "--secret", secret],
      ...["posix", `${dir}/store`],
    ])
  );
  try {
    const url = `http://127.0.0.1:${port}`;
    const env = {
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: url,
    };
    const place = readS3Place(`s3://${bucket}`, (name) => env[name as keyof typeof env]);
    const api = s3Api(place, sender({ place: "test" }));
    await send(api, "PUT", "");
    await send(api, "PUT", "", { policy: "" }, {
      Version: "2012-10-17",
      Statement: [{
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${bucket}/*`,
      }],
    });
    await test({
      url,
      bucket,
      publicUrl: `${url}/${bucket}/`,
      env,
      api,
      keys: async () =>
        matches(await send(api, "GET", "", { "list-type": "2" }), /<Key>([^<]+)<\/Key>/g),
      unfinished: async () =>
        matches(await send(api, "GET", "", { uploads: "" }), /<UploadId>([^<]+)<\/UploadId>/g),
    });
  } finally {
    await program.stop("SIGTERM");
    await Deno.remove(dir, { recursive: true });
  }
}

/** A mirror on the server. */
export async function s3MirrorOn(
  server: S3Server,
  { env, answer, place = `s3://${server.bucket}/um`, partBytes }: CountedOptions & {
    place?: string;
    /** Instead of the length of parts that a publisher sends. */
    partBytes?: number;
  } = {},
): Promise<CountedMirror> {
  const nameOf = (url: string) => {
    const { pathname, search } = new URL(url);
    const key = pathname.slice(`/${server.bucket}/`.length).replace(/[0-9a-f]{64}\//, "");
    return key + search.replace(/=[^&]*/g, "");
  };
  const open = (world: MirrorWorld): Promise<Mirror> => {
    if (partBytes === undefined) return openFileMirror(place, world);
    const at = readS3Place(place, world.env);
    const api = s3Api(at, sender({ place, fetch: world.fetch, retry: world.retry }));
    return Promise.resolve(s3Mirror(api, at.prefix, partBytes));
  };
  return await countedMirror(open, nameOf, { env: { ...server.env, ...env }, answer });
}

async function send(
  api: S3Api,
  method: string,
  key: string,
  query: Record<string, string> = {},
  json?: unknown,
): Promise<string> {
  const body = json === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(json)) };
  return await (await api.request(method, key, { query, ...body })).text();
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!).sort();
}
