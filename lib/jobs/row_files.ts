/**
 * Which files of a version hold the rows of some days, or of a symbol, and reading them. Whole files may end
 * before the version does: the days after are in parts and in `recent/`.
 *
 * @module
 */

import { addDays, type Day, type DayRange } from "../core/day.ts";
import { NotFoundError } from "../core/errors.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import { partsOf, reachOf } from "../core/reach.ts";
import type { Cell } from "../core/table.ts";
import { type ReadOptions, readRows, type RowFile } from "../engine/row_reader.ts";

/** Which rows, and how to read them. */
export interface FileRowsOptions extends ReadOptions {
  /** Columns in the order wanted; `date` and `symbol` are among them. */
  readonly columns: readonly string[];
}

/** Days out of the parts that can have them, which are read by their footers: of all symbols, or of one. */
export async function rowsOfParts(
  body: ManifestBody,
  [from, to]: DayRange,
  { symbol, columns, ...options }: FileRowsOptions & { readonly symbol?: string | undefined },
): Promise<Cell[][]> {
  artifactOf(body, "part");
  const question = { key: "date", from, to, symbol, columns } as const;
  const found: Cell[][] = [];
  for (const part of partsOf(body, [from, to])) {
    for (const row of await readRows(rowFile(body, part, true), question, options)) found.push(row);
  }
  return found;
}

/** Days of all symbols; those after the whole file's are in parts. */
export async function rowsOfDays(
  body: ManifestBody,
  [from, to]: DayRange,
  { columns, ...options }: FileRowsOptions,
): Promise<Cell[][]> {
  const whole = artifactOf(body, "availability");
  const reach = reachOf(whole, body);
  const recent: DayRange = [later(from, addDays(reach, 1)), to];
  const found = await Promise.all([
    from <= reach
      ? readRows(
        rowFile(body, whole),
        { key: "date", from, to: earlier(to, reach), columns },
        options,
      )
      : [],
    ...partsOf(body, recent).map((part) =>
      readRows(rowFile(body, part), { key: "date", from: recent[0], to, columns }, options)
    ),
  ]);
  return found.flat();
}

/** The days of a symbol that its files have, and maybe others; those after the whole file's are in a file of their own. */
export async function rowsOfSymbol(
  body: ManifestBody,
  [from, to]: DayRange,
  { symbol, columns, ...options }: FileRowsOptions & { readonly symbol: string },
): Promise<Cell[][]> {
  const whole = artifactOf(body, "availability-by-symbol");
  const reach = reachOf(whole, body);
  const question = { key: "symbol", from: symbol, to: symbol, columns } as const;
  const read = (file: Artifact) => readRows(rowFile(body, file), question, options);
  const [before, after] = await Promise.all([
    from <= reach ? read(whole) : [],
    to > reach ? read(artifactOf(body, `recent-${whole.role}`)) : [],
  ]);
  return [...before, ...after];
}

/**
 * A file to read by ranges: with the index of its blocks, where the version has one.
 *
 * @param isWhole It is at hand whole, and its footer with it: another file would be one more to fetch.
 */
export function rowFile(
  { artifacts }: ManifestBody,
  artifact: Artifact,
  isWhole = false,
): RowFile {
  if (isWhole) return { artifact };
  const index = artifacts.find(({ name }) => name === artifact.parquet?.index);
  return { artifact, index };
}

/**
 * The artifact with a role.
 *
 * @throws {NotFoundError} when the version was published without it.
 */
export function artifactOf(body: ManifestBody, role: string): Artifact {
  const artifact = body.artifacts.find((a) => a.role === role);
  if (artifact) return artifact;
  throw new NotFoundError(`no rows in ${body.version}: it was published without them`);
}

/** The later of two days. */
export function later(a: Day, b: Day = a): Day {
  return a > b ? a : b;
}

/** The earlier of two days. */
export function earlier(a: Day, b: Day = a): Day {
  return a < b ? a : b;
}
