/**
 * How far a job is, on a terminal.
 *
 * @module
 */

import type { CollectProgress } from "../lib/jobs/collect.ts";
import type { Inputs } from "./command.ts";
import { formatDuration } from "./output.ts";
import { CLEAR_LINE } from "./terminal_text.ts";
import type { World } from "./tools.ts";

/** The time left is told from so many ms on, and from so many things that were done. */
const [ESTIMATE_AFTER_MS, ESTIMATE_AFTER] = [2_000, 50];

/** A line that tells how far a job is, with its rate and the time left; on a terminal only. */
export function progressLine(inputs: Inputs, world: World) {
  const shown = world.errIsTerminal && !inputs.flag("quiet") && !inputs.flag("no-progress");
  let started = performance.now();
  let counting: string | undefined;
  let drawn = -Infinity;

  function line(text: string): void {
    if (shown) world.err(`${CLEAR_LINE}${text}`);
  }

  function draw(done: number, of: number, what: string, facts = ""): void {
    const at = performance.now();
    if (counting !== what) [counting, started] = [what, at];
    if (at - drawn < 100) return;
    drawn = at;
    const elapsed = at - started;
    // Before that, the first answers and the time to begin would tell of hours.
    const left = elapsed > ESTIMATE_AFTER_MS && done >= ESTIMATE_AFTER
      ? `, ${formatDuration(elapsed / done * (of - done))} left`
      : "";
    line(`${done} of ${of} ${what}${facts}${left}`);
  }

  line("listing symbols…");
  return {
    onProgress({ symbols, of, requests, keys }: CollectProgress) {
      const rate = Math.round(requests / ((performance.now() - started) / 1000 + 0.1));
      draw(symbols, of, "symbols", `, ${keys} keys, ${rate} requests/s`);
    },
    onNumbers: (done: number, of: number) => draw(done, of, "days' numbers"),
    onStep: (step: string) => line(`${step}…`),
    done: () => line(""),
  };
}
