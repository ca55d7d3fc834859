/**
 * Reads blocks: the bytes that a plan names, verified, as rows.
 *
 * @module
 */

import type { AsyncBuffer, FileMetaData } from "hyparquet";
import {
  type Block,
  type BlockIndex,
  type BlockPlan,
  type BlockQuestion,
  HEADER_BYTES_PER_COLUMN,
  planBlocks,
} from "../core/blocks.ts";
import { Slices } from "../core/breath.ts";
import type { Artifact } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import type { Cell } from "../core/table.ts";
import { type KeyRange, parquetRows } from "./parquet_rows.ts";
import { parquetSchemaOf } from "./parquet_types.ts";

/** Blocks that were read before, as far as they were read, by digest of their file and their start. */
export interface KnownBlocks {
  get(key: string): Uint8Array<ArrayBuffer> | undefined;
  set(key: string, bytes: Uint8Array<ArrayBuffer>): unknown;
}

/** From so many cells on decoding is long work: a day of all symbols with the usual columns is not. */
const LONG_CELLS = 12_000;

/** How many ranges are read at once. */
const AT_ONCE = 4;

/** The rows asked for, out of all blocks that may hold them. */
export async function readBlocks(
  artifact: Artifact,
  index: BlockIndex,
  question: BlockQuestion,
  { ranges, known, signal, where }: {
    readonly where: readonly KeyRange[];
    readonly ranges: RangeReader;
    readonly known: KnownBlocks;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Cell[][]> {
  const plan = planBlocks(index, question);
  const blocks = plan.ranges.flatMap((range) => range.blocks);
  const keyOf = (block: Block) => `${artifact.sha256}:${block.start}`;
  const found = new Map<Block, Uint8Array<ArrayBuffer>>();
  for (const block of blocks) {
    const bytes = known.get(keyOf(block));
    if (bytes && bytes.length >= block.ends[plan.tier]!) found.set(block, bytes);
  }
  // Planned again without what is known: a range may fall apart, or away.
  const missing = planBlocks(index, question, (block) => !found.has(block)).ranges;
  await withWorkers(missing, AT_ONCE, async ({ start, end, blocks }) => {
    const partOf = (block: Block, bytes: Uint8Array<ArrayBuffer>) =>
      bytes.subarray(block.start - start, block.start - start + block.ends[plan.tier]!);
    const isSound = async (bytes: Uint8Array<ArrayBuffer>) =>
      (await Promise.all(
        blocks.map((block) => isSoundBlock(block, partOf(block, bytes), index, plan)),
      )).every(Boolean);
    const bytes = await ranges.read(artifact, start, end, { signal, isSound });
    for (const block of blocks) {
      // A copy of its own: a slice would keep the whole range alive.
      const part = blocks.length === 1 ? bytes : partOf(block, bytes).slice();
      found.set(block, part);
      known.set(keyOf(block), part);
    }
  });
  const rows: Cell[][] = [];
  const slices = new Slices();
  const cells = blocks.reduce((sum, block) => sum + block.rows, 0) * question.columns.length;
  if (cells > LONG_CELLS) await slices.begin();
  for (const block of blocks) {
    const { file, metadata } = asParquet(found.get(block)!, block, index);
    const part = { name: artifact.name, columns: question.columns, where };
    for (const row of await slices.do(() => parquetRows(file, metadata, part))) rows.push(row);
    signal?.throwIfAborted(); // it may have come while others had their turn
  }
  return rows;
}

/** Whether the header is the one that the index names, and the columns are those of the header. */
async function isSoundBlock(
  block: Block,
  bytes: Uint8Array<ArrayBuffer>,
  index: BlockIndex,
  { columns }: BlockPlan,
): Promise<boolean> {
  const headerBytes = index.columns.length * HEADER_BYTES_PER_COLUMN;
  if (await digestStart(bytes.subarray(0, headerBytes)) !== block.check) return false;
  const checks = readHeader(bytes, index).slice(0, columns).map(async ({ start, end, check }) =>
    end <= bytes.length && await digestStart(bytes.subarray(start, end)) === check
  );
  return (await Promise.all(checks)).every(Boolean);
}

/** Where each column is in a block, and the start of its digest. */
function readHeader(bytes: Uint8Array<ArrayBuffer>, { columns }: BlockIndex) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = columns.length * HEADER_BYTES_PER_COLUMN;
  return columns.map((_, i) => {
    const at = i * HEADER_BYTES_PER_COLUMN;
    const end = start + view.getUint32(at, true);
    const column = { start, end, check: view.getBigInt64(at + 4, true) };
    start = end;
    return column;
  });
}

/** One block as a Parquet file of one row group, with the metadata that a footer would hold. */
function asParquet(
  bytes: Uint8Array<ArrayBuffer>,
  block: Block,
  index: BlockIndex,
): { file: AsyncBuffer; metadata: FileMetaData } {
  const schema = parquetSchemaOf(index.columns);
  const num_rows = BigInt(block.rows);
  const columns = readHeader(bytes, index).map(({ start, end }, i) => ({
    file_offset: 0n,
    meta_data: {
      type: schema[i + 1]!.type!,
      encodings: [],
      path_in_schema: [index.columns[i]!.name],
      codec: "ZSTD" as const,
      num_values: num_rows,
      total_uncompressed_size: 0n,
      total_compressed_size: BigInt(end - start),
      data_page_offset: BigInt(start), // of its dictionary, where it has one: pages say what they are
    },
  }));
  return {
    file: {
      byteLength: bytes.length,
      slice: (start, end = bytes.length) =>
        bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end),
    },
    metadata: {
      version: 2,
      schema,
      num_rows,
      metadata_length: 0,
      row_groups: [{ num_rows, total_byte_size: BigInt(bytes.length), columns }],
    },
  };
}

async function withWorkers<T>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(count, queue.length) }, worker));
}

async function digestStart(bytes: Uint8Array<ArrayBuffer>): Promise<bigint> {
  return new DataView(await crypto.subtle.digest("SHA-256", bytes)).getBigInt64(0, true);
}
