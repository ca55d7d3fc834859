/**
 * A refresh in a process that kills itself in the middle of one of its writes.
 *
 * `deno run -A dying_refresh.ts <endpoint> <cacheDir> <step>`
 *
 * @module
 */

import { open } from "../../lib/mod.ts";
import { lines, spawnDeno } from "./process.ts";

/** What a refresh did to the disk. */
export interface DyingRefresh {
  /** Every step, as `write tmp/….part`, up to the one it died in. */
  readonly steps: string[];
  /** How it ended: 137 when it was killed. */
  readonly code: number;
}

/** Runs a refresh that is killed in a step, counted from 1; a write is cut in its middle, all else does not happen. */
export async function dyingRefresh(
  endpoint: string,
  cacheDir: string,
  step: number,
): Promise<DyingRefresh> {
  const args = ["run", "-A", "--cached-only", "--quiet", import.meta.url];
  const { out, code } = await spawnDeno([...args, endpoint, cacheDir, String(step)]).finished;
  return { steps: lines(out), code };
}

/** Tells of each step before it happens. */
function watchDisk(told: (step: string, file?: Deno.FsFile, chunk?: Uint8Array) => void): void {
  const real = { open: Deno.open, rename: Deno.rename };
  const { write, sync } = Deno.FsFile.prototype;
  const paths = new WeakMap<Deno.FsFile, string>();
  Deno.open = async (path, options) => {
    const file = await real.open(path, options);
    paths.set(file, String(path));
    return file;
  };
  Deno.rename = (from, to) => {
    told(`rename ${to}`);
    return real.rename(from, to);
  };
  Deno.FsFile.prototype.write = function (chunk) {
    told(`write ${paths.get(this)}`, this, chunk);
    return write.call(this, chunk);
  };
  Deno.FsFile.prototype.sync = function () {
    told(`sync ${paths.get(this)}`);
    return sync.call(this);
  };
}

if (import.meta.main) {
  const [endpoint, cacheDir, last] = Deno.args as [string, string, string];
  let steps = 0;
  watchDisk((step, file, chunk) => {
    console.log(step.replace(`${cacheDir}/v1/`, "").replace(/[0-9a-f-]{36}\.tmp$/, "tmp"));
    if (++steps < Number(last)) return;
    if (chunk) file!.writeSync(chunk.subarray(0, chunk.length >> 1));
    Deno.kill(Deno.pid, "SIGKILL");
  });
  await (await open({ endpoint, cacheDir })).refresh();
}
