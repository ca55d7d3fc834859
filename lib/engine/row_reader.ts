/**
 * Reads rows out of Parquet artifacts by ranges of bytes: by blocks where there is an index of them,
 * else by the file's footer.
 *
 * @module
 */

import { toHex } from "../core/bytes.ts";
import { type AsyncBuffer, type FileMetaData, parquetMetadata } from "hyparquet";
import { LRUCache } from "lru-cache";
import { type BlockIndex, type BlockQuestion, compareKeys } from "../core/blocks.ts";
import { BfaError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import type { Cell } from "../core/table.ts";
import { untilAborted } from "../core/until_aborted.ts";
import { type BlockIndexes, parseBlockIndexes } from "./block_index.ts";
import { readBlocks } from "./block_reader.ts";
import { SharedRanges } from "./shared_ranges.ts";
import { asDamage, cellOf, type KeyRange, parquetRows } from "./parquet_rows.ts";

/** What reading leaves behind for the next question. Everything in it is named by digest. */
export class RowCache {
  /** Indexes of blocks, by digest. */
  readonly indexes: LRUCache<string, Promise<BlockIndexes>>;

  /** Footers, by the digest of their file. */
  readonly footers: LRUCache<string, Promise<FileMetaData>>;

  /** Blocks, by the digest of their file and where they start. */
  readonly blocks: LRUCache<string, Uint8Array<ArrayBuffer>>;

  /** Whole files that a copy has verified, by digest. */
  readonly files: LRUCache<string, Uint8Array<ArrayBuffer>>;

  /** Ranges that are being read. */
  readonly reading: SharedRanges = new SharedRanges();

  /** Makes an empty cache that keeps up to so many bytes of blocks, and four times as many of files. */
  constructor(maxBytes: number = 16 * 1024 * 1024) {
    const sizeCalculation = (bytes: Uint8Array<ArrayBuffer>) => bytes.length;
    this.indexes = new LRUCache({ max: 16 });
    this.footers = new LRUCache({ max: 64 });
    this.blocks = new LRUCache({ maxSize: maxBytes, sizeCalculation });
    this.files = new LRUCache({ maxSize: 4 * maxBytes, sizeCalculation });
  }
}

/** What is asked of one file. */
export interface RowQuestion extends BlockQuestion {
  /** Which column the range is about: what the file is sorted by. */
  readonly key: "date" | "symbol";
  /** One symbol alone, in a file that is sorted by day. */
  readonly symbol?: string | undefined;
}

/** How to read. */
export interface ReadOptions {
  readonly ranges: RangeReader;
  readonly cache: RowCache;
  readonly signal?: AbortSignal | undefined;
}

/** What is read, and by what. */
export interface RowFile {
  readonly artifact: Artifact;
  /** The artifact with the index of its blocks; without it the file is read by its footer. */
  readonly index?: Artifact | undefined;
}

/**
 * The rows of a file whose key is in a range, in the file's order, with the columns in the order asked
 * for; the key is one of them.
 *
 * @throws {BfaError} `integrity` for bytes that are not what the manifest promises.
 */
export async function readRows(
  { artifact, index }: RowFile,
  question: RowQuestion,
  options: ReadOptions,
): Promise<Cell[][]> {
  const { from, to, key, symbol } = question;
  const where: KeyRange[] = [{ column: key, from, to }];
  // Looked at first: few rows are of one symbol.
  if (symbol !== undefined) where.unshift({ column: "symbol", from: symbol, to: symbol });
  if (!index) return await readByFooter(artifact, { ...question, where }, options);
  const blocks = await readBlockIndex(artifact, index, options);
  const { ranges, cache, signal } = options;
  return await readBlocks(artifact, blocks, question, {
    ranges,
    known: cache.blocks,
    signal,
    where,
  });
}

/** Where the blocks of a file are: one request for all files of its table, unless the cache has it. */
export async function readBlockIndex(
  artifact: Artifact,
  index: Artifact,
  { ranges, cache, signal }: ReadOptions,
): Promise<BlockIndex> {
  const isSound = async (read: Uint8Array<ArrayBuffer>) => await sha256(read) === index.sha256;
  const indexes = await remembered(cache.indexes, index, signal, async () => {
    return await parseBlockIndexes(
      await ranges.read(index, 0, index.bytes, { signal, isSound }),
    );
  });
  const found = indexes.get(artifact.name);
  if (found) return found;
  throw new BfaError("integrity", `Cannot read ${artifact.name}: ${index.name} does not know it`);
}

async function readFooter(
  artifact: Artifact,
  { ranges, cache, signal }: ReadOptions,
): Promise<FileMetaData> {
  return await remembered(cache.footers, artifact, signal, async () => {
    const { name, bytes, parquet } = artifact;
    if (!parquet) throw new BfaError("integrity", `Cannot read ${name}: it is no Parquet file`);
    const start = bytes - parquet.footerBytes;
    return parquetMetadata(asBuffer(await ranges.read(artifact, start, bytes, { signal })));
  });
}

/** What was made of an artifact before, or is being made. */
async function remembered<T>(
  known: LRUCache<string, Promise<T>>,
  { name, sha256 }: Artifact,
  signal: AbortSignal | undefined,
  load: () => Promise<T>,
): Promise<T> {
  for (let first: Promise<T> | undefined; (first = known.get(sha256));) {
    const made = first.catch(() => undefined);
    const found = await untilAborted(signal, () => made);
    if (found) return found;
    // Whoever asked first gave up: then it is asked for again, by one of those who waited.
    if (known.peek(sha256) === first) known.delete(sha256);
  }
  const loading = load();
  known.set(sha256, loading);
  try {
    return await loading;
  } catch (error) {
    if (known.peek(sha256) === loading) known.delete(sha256);
    throw asDamage(error, name);
  }
}

/** Files without an index of blocks: row groups are left out by the bounds that the footer knows. */
async function readByFooter(
  artifact: Artifact,
  { key, from, to, columns, where }: RowQuestion & { readonly where: readonly KeyRange[] },
  options: ReadOptions,
): Promise<Cell[][]> {
  const metadata = await readFooter(artifact, options);
  const { ranges, signal } = options;
  const { name, bytes } = artifact;
  const file: AsyncBuffer = {
    byteLength: bytes,
    slice: async (start, end = bytes) =>
      asBuffer(await ranges.read(artifact, start, end, { signal })),
  };
  const at = metadata.schema.slice(1).findIndex((column) => column.name === key);
  const rows: Cell[][] = [];
  let rowEnd = 0;
  for (const group of metadata.row_groups) {
    const rowStart = rowEnd;
    rowEnd += Number(group.num_rows);
    const bounds = group.columns[at]?.meta_data?.statistics;
    const least = cellOf(bounds?.min_value, key === "date");
    const most = cellOf(bounds?.max_value, key === "date");
    // What is not known, or not exactly, leaves nothing out.
    if (least !== null && compareKeys(String(least), to) > 0) continue;
    const isExact = most !== null && bounds?.is_max_value_exact !== false;
    if (isExact && compareKeys(String(most), from) < 0) continue;
    const part = { name, columns, where, rowStart, rowEnd };
    for (const row of await parquetRows(file, metadata, part)) rows.push(row);
  }
  return rows;
}

function asBuffer(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
