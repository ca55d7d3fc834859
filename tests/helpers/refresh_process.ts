/**
 * What another process does with a copy: says that it is there, refreshes, says what it has.
 *
 * `deno run -A refresh_process.ts <endpoint> <cacheDir>`
 *
 * @module
 */

import { open } from "../../lib/mod.ts";
import { denoEnvironment } from "./process.ts";

/** A running refresh in a process of its own. */
export interface RefreshProcess {
  /** Settles when the process is about to refresh. */
  readonly ready: Promise<void>;
  /** What it printed, and how it ended. */
  readonly ended: Promise<{ code: number; signal: string | null; output: string }>;
  kill(): void;
}

/**
 * Starts a process; nothing of its environment reaches it.
 *
 * @param permissions What it may do; everything when left out.
 */
export function startRefresh(
  endpoint: string,
  cacheDir: string,
  permissions: readonly string[] = ["-A"],
): RefreshProcess {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--cached-only", "--quiet", "--no-prompt", ...permissions],
      ...[import.meta.url, endpoint, cacheDir],
    ],
    clearEnv: true,
    env: denoEnvironment(),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  const ended = (async () => {
    let output = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (output.startsWith("ready\n")) ready.resolve();
    }
    const { code, signal } = await child.status;
    ready.resolve();
    return { code, signal, output: output.slice("ready\n".length).trim() };
  })();
  return { ready: ready.promise, ended, kill: () => kill(child) };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // it has ended already
  }
}

if (import.meta.main) {
  const [endpoint, cacheDir] = Deno.args;
  console.log("ready");
  const { version, sequence } = await (await open({ endpoint, cacheDir })).refresh();
  console.log(`${version} ${sequence}`);
}
