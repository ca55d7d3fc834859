/**
 * Which symbols the bucket has.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { symbolOfPrefix } from "../core/vision_keys.ts";
import type { OddKey } from "../engine/observations.ts";
import type { VisionLister } from "../source/vision.ts";

/** The bucket's directories. */
export interface SymbolsListed {
  readonly symbols: readonly string[];
  /** Directories that are no symbol's, and what lies beside them. */
  readonly odd: readonly OddKey[];
}

/** Lists them all. */
export async function listSymbols(lister: VisionLister): Promise<SymbolsListed> {
  const symbols: string[] = [];
  const odd: OddKey[] = [];
  for await (const prefix of lister.directories()) {
    const symbol = symbolOfPrefix(prefix);
    if (symbol === undefined) odd.push({ key: prefix, reason: "not the name of a symbol" });
    else symbols.push(symbol);
  }
  return { symbols, odd };
}

/**
 * Lists them while the work begins: to load DuckDB and open the store takes as long. That keeps this thread busy, so
 * the requests leave before it.
 */
export async function whileListing<T>(
  lister: VisionLister,
  work: (listed: Promise<SymbolsListed>) => Promise<T>,
): Promise<T> {
  const listed = listSymbols(lister);
  listed.catch(() => {}); // the work awaits it later; until then nobody looks
  await delay(0);
  try {
    return await work(listed);
  } finally {
    await Promise.allSettled([listed]);
  }
}
