/**
 * The rows of a version in pieces that are named by their bytes: what two versions share is seen without
 * reading it.
 *
 * @module
 */

import { type Day, type DayRange, FIRST_DAY, parseDay } from "../core/day.ts";
import type { Piece } from "../core/diff_numbers.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import { partsOf, periodOf, reachOf } from "../core/reach.ts";
import { DAILY_AVAILABILITY } from "../core/schema.ts";
import type { Cell } from "../core/table.ts";
import { readBlockIndex, type ReadOptions, readRows } from "../engine/row_reader.ts";
import { rowFile, rowsOfParts, rowsOfSymbol } from "./row_files.ts";

/** How rows are cut: into the blocks of `availability.parquet`, or into `parts/…`. */
export type Layout = "blocks" | "parts";

/** All rows of a version. */
export interface RowPieces {
  /** The layouts it can be read by, the one that takes the fewest bytes first. */
  readonly layouts: readonly Layout[];
  /** Its pieces, by day. */
  pieces(layout: Layout, signal?: AbortSignal): Promise<readonly Piece[]>;
  /** The rows of some days with all columns, by day and then by symbol. */
  cells(layout: Layout, days: DayRange, signal?: AbortSignal): Promise<Cell[][]>;
  /**
   * The rows of one symbol on some days with all columns, by day. Left out where a symbol cannot be read without
   * all others.
   */
  readonly cellsOfSymbol?:
    | ((symbol: string, days: readonly DayRange[], signal?: AbortSignal) => Promise<Cell[][]>)
    | undefined;
}

const COLUMNS = DAILY_AVAILABILITY.map(({ name }) => name);
const DATE = COLUMNS.indexOf("date");

/** The rows of a version; `undefined` when it was published without them. */
export function rowPieces(
  body: ManifestBody,
  options: Omit<ReadOptions, "signal"> & { readonly byParts: boolean },
): RowPieces | undefined {
  const { ranges, cache, byParts } = options;
  const whole = body.artifacts.find(({ role }) => role === "availability");
  const fileOf = (artifact: Artifact) => rowFile(body, artifact, byParts);
  const index = whole && fileOf(whole).index;
  const parts = partsOf(body, [FIRST_DAY, body.dataThrough]);
  const layouts: Layout[] = [
    ...index && reachOf(whole, body) === body.dataThrough ? ["blocks" as const] : [],
    ...parts.length ? ["parts" as const] : [],
  ];
  if (layouts.length === 0) return undefined;
  const bySymbol = body.artifacts.some(({ role }) => role === "availability-by-symbol");
  return {
    layouts,
    async pieces(layout, signal) {
      if (layout === "parts") {
        return parts.map((part) => ({ first: firstDay(part), id: part.sha256 }));
      }
      const { blocks, columns } = await readBlockIndex(whole!, index!, { ranges, cache, signal });
      const schema = JSON.stringify(columns); // a block's own digest covers no names
      return blocks.map(({ first, check }) => ({ first: first as Day, id: `${check} ${schema}` }));
    },
    async cells(layout, [from, to], signal) {
      const files = layout === "blocks" ? [whole!] : partsOf(body, [from, to]);
      const question = { key: "date", from, to, columns: COLUMNS } as const;
      const read = [];
      for (const file of files) {
        read.push(await readRows(fileOf(file), question, { ranges, cache, signal }));
      }
      return read.flat();
    },
    cellsOfSymbol: byParts || bySymbol
      ? async (symbol, days, signal) => {
        const how = { ranges, cache, signal, symbol, columns: COLUMNS };
        if (byParts) {
          const found: Cell[][] = [];
          for (const range of days) found.push(...await rowsOfParts(body, range, how));
          return found;
        }
        const span: DayRange = [days[0]![0], days.at(-1)![1]];
        const rows = await rowsOfSymbol(body, span, how);
        return rows.filter((row) =>
          days.some(([from, to]) => from <= String(row[DATE]) && String(row[DATE]) <= to)
        );
      }
      : undefined,
  };
}

function firstDay(part: Artifact): Day {
  return parseDay(`${periodOf(part)}-01-01`.slice(0, 10));
}
