/** `main.ts` as a process, over a KV file and a mirror. @module */

import { join } from "@std/path";
import { spawnDeno, type Spawned, waitForLine } from "./process.ts";

/** A name that no artifact has by its bytes: the service does not read what it serves. */
export const SHA = "a".repeat(64);

/** The path of a file of {@linkcode LARGE_FILE_BYTES} zeros. */
export const LARGE_FILE = `/v1/artifacts/${SHA}/large.parquet`;

/** Too large for the buffers between a server and a client that does not read. */
export const LARGE_FILE_BYTES = 64 * 1024 * 1024;

/** `main.ts`, listening. */
export interface MainProcess {
  readonly url: string;
  readonly process: Spawned;
  /** Its resident memory, bytes. */
  memory(): Promise<number>;
}

/** How long a test waits for it to stop, ms: its own limit is 4 s, and the machine may be slow. */
export const EXIT_MS = 60_000;

/** Starts `main.ts` in a folder of its own, until the test has ended; `env` comes on top. */
export async function withMain(
  test: (main: MainProcess, dir: string) => Promise<void>,
  options: { env?: Record<string, string>; prepare?: (dir: string) => Promise<void> } = {},
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  await Deno.mkdir(join(dir, "mirror", SHA), { recursive: true });
  const file = join(dir, "mirror", SHA, "large.parquet");
  await Deno.writeFile(file, new Uint8Array());
  await Deno.truncate(file, LARGE_FILE_BYTES);
  await options.prepare?.(dir);
  const process = spawnDeno(["run", "-A", "--no-check", "--quiet", "main.ts"], {
    BFA_KV: join(dir, "kv.sqlite3"),
    BFA_MIRROR: join(dir, "mirror"),
    BFA_HOST: "127.0.0.1",
    BFA_RATE_LIMIT: "off",
    PORT: "0",
    ...options.env,
  });
  try {
    const url = (await waitForLine(process, /bfa serves on (\S+)\n/))[1]!;
    const memory = async () => {
      const status = await Deno.readTextFile(`/proc/${process.pid}/status`);
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
    };
    await test({ url, process, memory }, dir);
  } finally {
    await process.stop("SIGKILL");
    await Deno.remove(dir, { recursive: true });
  }
}

/** Asks a process to stop, and kills it when it is not gone in time; returns its exit code. */
export async function stopInTime(process: Spawned, signal: Deno.Signal): Promise<number> {
  const kill = setTimeout(() => process.stop("SIGKILL"), EXIT_MS);
  const { code } = await process.stop(signal);
  clearTimeout(kill);
  return code;
}
