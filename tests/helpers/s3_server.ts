/** A real S3 server (versitygw) on a free port of this machine, with one empty bucket. @module */

import { program } from "./interop.ts";
import { spawn } from "./process.ts";

/** How to reach it. */
export interface S3Server {
  readonly url: string;
  readonly key: string;
  readonly secret: string;
}

/** Runs a test with a server. */
export async function withS3(bucket: string, test: (s3: S3Server) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "bfa-s3-" });
  await Deno.mkdir(`${root}/${bucket}`);
  const [key, secret] = ["test", "testsecret"];
  const port = freePort();
  const server = spawn(
    await program("./bin/versitygw"),
    ["--port", `127.0.0.1:${port}`, "posix", root],
    { ROOT_ACCESS_KEY: key, ROOT_SECRET_KEY: secret },
  );
  try {
    const url = `http://127.0.0.1:${port}`;
    await answers(url, server.finished);
    await test({ url, key, secret });
  } finally {
    await server.stop("SIGTERM");
    await Deno.remove(root, { recursive: true });
  }
}

/** A port that nobody listens on: the server takes none by itself. */
function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

/** Resolves when it answers, and rejects when it ends before that. */
async function answers(url: string, finished: Promise<{ err: string }>): Promise<void> {
  let over: string | undefined;
  finished.then(({ err }) => over = err);
  for (;;) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch (error) {
      if (over !== undefined) throw new Error(`The S3 server ended:\n${over}`, { cause: error });
    }
  }
}
