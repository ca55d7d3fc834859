/**
 * Reads rows out of Parquet artifacts by ranges of bytes: by blocks where the file has an index of
 * them, else by its footer.
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
import { parseBlockIndex } from "./block_index.ts";
import { readBlocks } from "./block_reader.ts";
import { SharedRanges } from "./shared_ranges.ts";
import { asDamage, cellOf, type KeyRange, parquetRows } from "./parquet_rows.ts";

/** What reading leaves behind for the next question. Everything in it is named by digest. */
export class RowCache {
  /** Indexes and footers, by the digest of their file. */
  readonly directories: LRUCache<string, Promise<BlockIndex | FileMetaData>>;
  /** Blocks, by the digest of their file and where they start. */
  readonly blocks: LRUCache<string, Uint8Array<ArrayBuffer>>;

  /** Whole files that a copy has verified, by digest. */
  readonly files: LRUCache<string, Uint8Array<ArrayBuffer>>;

  /** Ranges that are being read. */
  readonly reading: SharedRanges = new SharedRanges();

  /** Makes an empty cache that keeps up to so many bytes of blocks, and four times as many of files. */
  constructor(maxBytes: number = 16 * 1024 * 1024) {
    const sizeCalculation = (bytes: Uint8Array<ArrayBuffer>) => bytes.length;
    this.directories = new LRUCache({ max: 64 });
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

/**
 * The rows of a file whose key is in a range, in the file's order, with the columns in the order asked
 * for; the key is one of them.
 *
 * @throws {BfaError} `integrity` for bytes that are not what the manifest promises.
 */
export async function readRows(
  artifact: Artifact,
  question: RowQuestion,
  options: ReadOptions,
): Promise<Cell[][]> {
  const { ranges, cache, signal } = options;
  const directory = await directoryOf(artifact, options);
  const { from, to, key, symbol } = question;
  const where: KeyRange[] = [{ column: key, from, to }];
  // Looked at first: few rows are of one symbol.
  if (symbol !== undefined) where.unshift({ column: "symbol", from: symbol, to: symbol });
  return "blocks" in directory
    ? await readBlocks(artifact, directory, question, {
      ranges,
      known: cache.blocks,
      signal,
      where,
    })
    : await readByFooter(artifact, directory, { ...question, where }, options);
}

/** The index of a file that has one. */
export async function readBlockIndex(
  artifact: Artifact,
  options: ReadOptions,
): Promise<BlockIndex> {
  const directory = await directoryOf(artifact, options);
  if ("blocks" in directory) return directory;
  throw new BfaError("integrity", `Cannot read ${artifact.name}: it has no index of blocks`);
}

/** The index or the footer: one request, unless the cache has it. */
async function directoryOf(
  artifact: Artifact,
  options: ReadOptions,
): Promise<BlockIndex | FileMetaData> {
  const { directories } = options.cache;
  for (let first; (first = directories.get(artifact.sha256));) {
    const known = await first.catch(() => undefined);
    if (known) return known;
    // Whoever asked first gave up: then it is asked for again, by one of those who waited.
    if (directories.peek(artifact.sha256) === first) directories.delete(artifact.sha256);
  }
  const loading = loadDirectory(artifact, options);
  directories.set(artifact.sha256, loading);
  try {
    return await loading;
  } catch (error) {
    if (directories.peek(artifact.sha256) === loading) directories.delete(artifact.sha256);
    throw error;
  }
}

async function loadDirectory(
  artifact: Artifact,
  { ranges, signal }: ReadOptions,
): Promise<BlockIndex | FileMetaData> {
  const { name, bytes, parquet } = artifact;
  if (!parquet) throw new BfaError("integrity", `Cannot read ${name}: it is no Parquet file`);
  const { footerBytes, blockIndex } = parquet;
  const end = bytes - footerBytes;
  try {
    if (blockIndex) {
      const isSound = async (read: Uint8Array<ArrayBuffer>) =>
        await sha256(read) === blockIndex.sha256;
      const start = end - blockIndex.bytes;
      return await parseBlockIndex(await ranges.read(artifact, start, end, { signal, isSound }));
    }
    return parquetMetadata(asBuffer(await ranges.read(artifact, end, bytes, { signal })));
  } catch (error) {
    throw asDamage(error, name);
  }
}

/** Files without an index of blocks: row groups are left out by the bounds that the footer knows. */
async function readByFooter(
  artifact: Artifact,
  metadata: FileMetaData,
  { key, from, to, columns, where }: RowQuestion & { readonly where: readonly KeyRange[] },
  { ranges, signal }: ReadOptions,
): Promise<Cell[][]> {
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
