/**
 * A progress bar on stderr, for downloads that take longer than a second.
 *
 * @module
 */

import type { OnProgress } from "../lib/cache/download.ts";
import { formatBytes } from "./output.ts";
import { CLEAR_LINE } from "./terminal_text.ts";
import type { World } from "./tools.ts";

/** Downloads shorter than this show nothing, ms. */
const QUIET_MS = 1_000;

/** Without a byte for longer, what comes is another download, ms. */
const PAUSE_MS = 5_000;

/** How often the bar moves, ms. */
const STEP_MS = 100;

const BAR_WIDTH = 24;

/** A file on its way: its bytes so far, and in all. */
interface Coming {
  readonly bytes: number;
  readonly total: number;
}

/** Makes a progress bar, which wipes itself away when all files are there whole. Several may come at once. */
export function progressBar(world: World): OnProgress {
  const coming = new Map<string, Coming>();
  let begun = 0;
  let heard = -Infinity;
  let arrived = 0;
  let drawn = 0;
  let shown = false;
  return ({ name, bytes: total }, bytes) => {
    const now = performance.now();
    if (now - heard > PAUSE_MS) {
      coming.clear();
      [begun, arrived] = [now, 0];
    }
    heard = now;
    // What an earlier try left came at no speed of today's.
    arrived += Math.max(0, bytes - (coming.get(name)?.bytes ?? bytes));
    coming.set(name, { bytes, total });
    if (bytes >= total) coming.delete(name);
    if (coming.size === 0) {
      if (shown) world.err(CLEAR_LINE);
      shown = false;
      return;
    }
    if (now - begun < QUIET_MS || now - drawn < STEP_MS) return;
    drawn = now;
    shown = true;
    const room = Math.max(20, world.columns - 1);
    const text = barText(coming, arrived / ((now - begun) / 1000), room);
    world.err(`${CLEAR_LINE}${text.slice(0, room)}`);
  };
}

/** What is on its way, how far it is, how fast, and how long it takes; where that is too long, the bar gives way first. */
function barText(coming: ReadonlyMap<string, Coming>, rate: number, room: number): string {
  const files = [...coming.values()];
  const sum = (of: (file: Coming) => number) => files.reduce((all, file) => all + of(file), 0);
  const [bytes, total] = [sum((file) => file.bytes), sum((file) => file.total)];
  const [first] = coming.keys();
  const what = files.length === 1 ? first : `${files.length} files`;
  const left = rate > 0 ? Math.ceil((total - bytes) / rate) : 0;
  const numbers = `${formatBytes(bytes)} of ${formatBytes(total)}, ${
    formatBytes(Math.round(rate))
  }/s, ${left} s left`;
  const width = Math.min(BAR_WIDTH, room - `${what}  ${numbers}`.length);
  if (width < 1) return `${what} ${numbers}`;
  const full = Math.round(width * bytes / total);
  return `${what} ${"█".repeat(full)}${"░".repeat(width - full)} ${numbers}`;
}

/** Whether a terminal is one that a bar can be drawn on. */
export function wantsProgress(world: World): boolean {
  return world.errIsTerminal && !world.env("CI") && !world.env("NO_COLOR") &&
    world.env("TERM") !== "dumb";
}
