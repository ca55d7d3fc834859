/**
 * The sweep: which symbols a run lists whole, so that all have had their turn after some runs. It
 * finds what came, changed or went further back than a run usually looks.
 *
 * @module
 */

import type { KnownSymbol } from "../engine/observations.ts";

/**
 * The symbols whose last listing from the first file on is longest ago: as many as one run's share.
 * A failed run only delays its share: nobody's turn is skipped.
 *
 * @param sweepRuns In so many runs, every symbol has its turn.
 */
export function dueForSweep(
  symbols: readonly string[],
  known: ReadonlyMap<string, Pick<KnownSymbol, "listedWhole">>,
  sweepRuns: number,
): string[] {
  const at = (symbol: string) => known.get(symbol)!.listedWhole ?? "";
  return symbols.filter((symbol) => known.has(symbol))
    .sort((a, b) => at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a < b ? -1 : 1)
    .slice(0, Math.ceil(known.size / sweepRuns));
}
