/**
 * Blocks: how the Parquet files that answer questions about rows are cut, and which bytes a question
 * needs. A block holds whole days (or whole symbols) and is one Parquet row group with a header before
 * it. Where the blocks of a table's files are is told by one more file, their index: some KB for all
 * files of the table, where one Parquet footer is a few hundred.
 *
 * ```text
 * PAR1 | header, columns | header, columns | … | Parquet footer | PAR1
 * ```
 *
 * Bytes are trusted from the signed manifest down: it names the digest of the index, the index that of
 * every block's header, the header that of every column.
 *
 * @module
 */

import type { Column } from "./schema.ts";

/** Bytes of a header for each column: its length (4, little endian), the start of its digest (8). */
export const HEADER_BYTES_PER_COLUMN = 12;

/**
 * A block is closed before it would have more rows than this, unless one day or symbol has. Smaller blocks are
 * less to read and a longer index: with these, a day of the last years has one of its own.
 */
export const BLOCK_ROWS = 1_400;

/** What must be known of a column to read its bytes. */
export type BlockColumn = Pick<Column, "name" | "type" | "required">;

/** One block. */
export interface Block {
  /** The first day or symbol in it. */
  readonly first: string;
  /** How many rows it has. */
  readonly rows: number;
  /** Where its header starts in the file. */
  readonly start: number;
  /** For every tier of columns: how many bytes the header and the columns so far take. */
  readonly ends: readonly number[];
  /** The first 8 bytes of its header's SHA-256, as a little-endian number. */
  readonly check: bigint;
}

/** The index of a file's blocks. */
export interface BlockIndex {
  /** What the file is sorted and cut by. */
  readonly key: "date" | "symbol";
  /** The columns in the order of their bytes; those asked for most often come first. */
  readonly columns: readonly BlockColumn[];
  /** How many of the columns each tier holds. */
  readonly tiers: readonly number[];
  /** The blocks, ascending by key. No key is in two of them. */
  readonly blocks: readonly Block[];
}

/** What is asked of a file: which keys, both ends included, and which columns. */
export interface BlockQuestion {
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
}

/** One range of bytes to read, and the blocks in it. */
export interface PlannedRange {
  /** First byte. */
  readonly start: number;
  /** After the last byte. */
  readonly end: number;
  /** Which blocks. */
  readonly blocks: readonly Block[];
}

/** Which bytes answer a question, and why. */
export interface BlockPlan {
  /** How many of the columns are read, from the first on. */
  readonly columns: number;
  /** The tier that has them. */
  readonly tier: number;
  /** What to read. */
  readonly ranges: readonly PlannedRange[];
  /** One line for people. */
  readonly why: string;
}

/** Reading over a gap of up to so many bytes is cheaper than another request. */
const MERGED_GAP = 96 * 1024;

/** A merged range does not grow beyond this. */
const MERGED_BYTES = 4 * 1024 * 1024;

/**
 * Plans which bytes answer a question. A block is left out only when the index proves that nothing in
 * it is asked for.
 *
 * @param isWanted Leaves out blocks that are at hand already.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planBlocks } from "./blocks.ts";
 * const block = (first: string, start: number) =>
 *   ({ first, rows: 10, start, ends: [40, 100], check: 0n });
 * const { ranges } = planBlocks({
 *   key: "date",
 *   columns: [{ name: "symbol", type: "VARCHAR" }, { name: "open_price", type: "DOUBLE" }],
 *   tiers: [1, 2],
 *   blocks: [block("2024-01-01", 4), block("2024-01-05", 104), block("2024-01-09", 204)],
 * }, { from: "2024-01-07", to: "2024-01-07", columns: ["symbol"] });
 * assertEquals(ranges.map(({ start, end }) => [start, end]), [[104, 144]]);
 * ```
 */
export function planBlocks(
  index: BlockIndex,
  { from, to, columns }: BlockQuestion,
  isWanted: (block: Block) => boolean = () => true,
): BlockPlan {
  const { blocks, tiers } = index;
  const last = Math.max(...columns.map((name) => index.columns.findIndex((c) => c.name === name)));
  const tier = tiers.findIndex((count) => count > last);
  const wanted = blocks.filter(({ first }, i) => {
    const next = blocks[i + 1]?.first;
    return compareKeys(first, to) <= 0 && (next === undefined || compareKeys(next, from) > 0);
  }).filter(isWanted);
  const ranges: { start: number; end: number; blocks: Block[] }[] = [];
  for (const block of wanted) {
    const end = block.start + block.ends[tier]!;
    const before = ranges.at(-1);
    if (
      before && block.start - before.end <= MERGED_GAP && end - before.start <= MERGED_BYTES
    ) {
      before.end = end;
      before.blocks.push(block);
    } else {
      ranges.push({ start: block.start, end, blocks: [block] });
    }
  }
  const bytes = ranges.reduce((sum, range) => sum + range.end - range.start, 0);
  return {
    columns: tiers[tier]!,
    tier,
    ranges,
    why: `${index.key} ${from}${to === from ? "" : ` to ${to}`}: ` +
      `${wanted.length} of ${blocks.length} blocks, ${tiers[tier]} of ${index.columns.length} ` +
      `columns, ${bytes} bytes in ${ranges.length} ${ranges.length === 1 ? "range" : "ranges"}`,
  };
}

/** Compares keys as the files are sorted: by the bytes of their UTF-8 form. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [one, other] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (one === other) continue;
    // Surrogates stand for what comes after all other characters.
    const [up, down] = [isSurrogate(one), isSurrogate(other)];
    return up === down ? one - other : up ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

/** A table's columns in the order of their bytes, and how many of them each tier holds. */
export function tiersOf(
  table: readonly Column[],
  names: readonly (readonly string[])[],
): { columns: readonly Column[]; tiers: readonly number[] } {
  const first = names.flat();
  const rest = table.filter(({ name }) => !first.includes(name));
  const columns = [...first.map((name) => table.find((c) => c.name === name)!), ...rest];
  let count = 0;
  const tiers = names.map((tier) => count += tier.length);
  return { columns, tiers: rest.length ? [...tiers, columns.length] : tiers };
}
