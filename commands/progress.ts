/**
 * A progress bar on stderr, for downloads that take longer than a second.
 *
 * @module
 */

import type { OnProgress } from "../lib/cache/download.ts";
import { formatBytes } from "./output.ts";
import type { World } from "./tools.ts";

/** Downloads shorter than this show nothing, ms. */
const QUIET_MS = 1_000;

/** How often the bar moves, ms. */
const STEP_MS = 100;

const BAR_WIDTH = 24;

/** Makes a progress bar, which wipes itself away when a file is there whole. */
export function progressBar(world: World): OnProgress {
  let name = "";
  let started = 0;
  let startedAt = 0;
  let drawn = 0;
  let shown = false;
  return (artifact, bytes) => {
    const now = performance.now();
    if (artifact.name !== name) {
      name = artifact.name;
      started = now;
      startedAt = bytes;
    }
    if (bytes >= artifact.bytes) {
      if (shown) world.err("\r\x1b[K");
      shown = false;
      return;
    }
    if (now - started < QUIET_MS || now - drawn < STEP_MS) return;
    drawn = now;
    shown = true;
    const rate = (bytes - startedAt) / ((now - started) / 1000);
    const left = rate > 0 ? Math.ceil((artifact.bytes - bytes) / rate) : 0;
    const full = Math.round(BAR_WIDTH * bytes / artifact.bytes);
    const bar = "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
    const text = `${name} ${bar} ${formatBytes(bytes)} of ${formatBytes(artifact.bytes)}, ${
      formatBytes(rate)
    }/s, ${left} s left`;
    world.err(`\r\x1b[K${text.slice(0, Math.max(20, world.columns - 1))}`);
  };
}

/** Whether a terminal is one that a bar can be drawn on. */
export function wantsProgress(world: World): boolean {
  return world.errIsTerminal && !world.env("CI") && !world.env("NO_COLOR") &&
    world.env("TERM") !== "dumb";
}
