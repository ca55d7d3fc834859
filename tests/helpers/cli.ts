/** Calls the CLI in this process, with captured streams and a made-up environment. @module */

import { main } from "../../cli.ts";

/** What a call did. */
export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was printed as bytes, not as text. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The world of a call. */
export interface CallOptions {
  env?: Record<string, string>;
  terminal?: boolean;
  now?: Date;
  files?: Record<string, string>;
  /** What ends the call, as Ctrl-C does. */
  stop?: AbortSignal;
}

/** Calls the CLI. */
export async function bfa(args: string[], options: CallOptions = {}): Promise<Called> {
  const { env = {}, terminal = false, now = new Date("2024-04-01T13:00:00Z"), files = {} } =
    options;
  const { stop = new AbortController().signal } = options;
  const decoder = new TextDecoder();
  const chunks: Uint8Array[] = [];
  let out = "";
  let err = "";
  const code = await main(args, {
    out(data) {
      if (typeof data !== "string") chunks.push(data);
      out += typeof data === "string" ? data : decoder.decode(data, { stream: true });
    },
    err: (text) => err += text,
    outIsTerminal: terminal,
    errIsTerminal: false,
    columns: 80,
    env: (name) => env[name],
    readTextFile: (path) => files[path],
    now: () => now,
    onInterrupt: () => stop,
  });
  return { code, out, err, bytes: await new Blob(chunks as BlobPart[]).bytes() };
}

/** Runs a test with a cache folder of its own and nothing else in the environment. */
export async function withCacheDir(
  test: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-cli-" });
  try {
    await test({ BFA_CACHE_DIR: `${dir}/cache`, BFA_DATA_DIR: `${dir}/data`, HOME: dir });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
