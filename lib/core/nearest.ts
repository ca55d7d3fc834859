/**
 * The names nearest to one that does not exist: for "did you mean".
 *
 * @module
 */

/**
 * The known names nearest to one that is not known, best first; capitals and small letters count as the same.
 *
 * @param name What was asked for.
 * @param known What exists.
 * @param most How many to return at most.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nearestNames } from "./nearest.ts";
 * assertEquals(nearestNames("snapshots", ["symbols", "snapshot"]), ["snapshot"]);
 * ```
 */
export function nearestNames(name: string, known: Iterable<string>, most = 3): string[] {
  const wanted = name.toUpperCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const ranked: { candidate: string; distance: number; rank: number }[] = [];
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    const upper = candidate.toUpperCase();
    const distance = editDistance(wanted, upper);
    // At the same distance: what only goes on longer first, and the usual quote of a symbol before others.
    const rank = (upper.startsWith(wanted) ? 0 : 2) + (upper.endsWith("USDT") ? 0 : 1);
    if (distance <= limit) ranked.push({ candidate, distance, rank });
  }
  ranked.sort((a, b) =>
    a.distance - b.distance || a.rank - b.rank || (a.candidate < b.candidate ? -1 : 1)
  );
  const best = ranked[0]?.distance ?? 0;
  return ranked.filter(({ distance }) => distance <= best + 1).slice(0, most)
    .map(({ candidate }) => candidate);
}

/**
 * The same for symbols, which people also write as ccxt does, with dashes, or as an asset alone; and of which some count by
 * the thousand.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nearestSymbols } from "./nearest.ts";
 * const known = ["1000PEPEUSDT", "BTCUSDT", "BTCUSDT_240329"];
 * assertEquals(nearestSymbols("BTC/USDT:USDT", known), ["BTCUSDT"]);
 * assertEquals(nearestSymbols("BTC/USDT:USDT-240329", known), ["BTCUSDT_240329"]);
 * assertEquals(nearestSymbols("pepe", known), ["1000PEPEUSDT"]);
 * ```
 */
export function nearestSymbols(symbol: string, known: readonly string[], most = 3): string[] {
  const [pair = "", settled = ""] = symbol.toUpperCase().split(":");
  const ends = /-(\d{6})$/.exec(settled)?.[1];
  const name = pair.replaceAll(/[/\s-]|\.P$/g, "") + (ends ? `_${ends}` : "");
  const meant = known.filter((candidate) => {
    const counted = candidate.replace(/^10+(?=\D)|^1M/, "");
    return [candidate, counted].some((text) => text === name || text === `${name}USDT`);
  });
  return meant.length ? meant.slice(0, most) : nearestNames(symbol, known, most);
}

/** Levenshtein distance; an inserted letter at the end costs as much as any other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substituted, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
