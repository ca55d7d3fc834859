/**
 * Reads the index of a file's blocks: a small Parquet file of one row per block.
 *
 * @module
 */

import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Block, BlockIndex } from "../core/blocks.ts";

/** Where the first block starts: after the 4 bytes that every Parquet file begins with. */
const FIRST_BLOCK = 4;

/** Reads an index whose digest has been verified. */
export async function parseBlockIndex(bytes: Uint8Array<ArrayBuffer>): Promise<BlockIndex> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const metadata = parquetMetadata(file);
  const facts = metadata.key_value_metadata?.find(({ key }) => key === "bfa.blocks")?.value;
  const { key, columns, tiers } = JSON.parse(facts!) as Omit<BlockIndex, "blocks">;
  const rows = await parquetReadObjects({ file, metadata, compressors });
  let start = FIRST_BLOCK;
  const blocks = rows.map((row): Block => {
    const ends = tiers.map((_, tier) => Number(row[`end_${tier}`]));
    const block = { first: row.first, rows: row.rows, start, ends, check: row.check };
    start += ends.at(-1)!;
    return block;
  });
  return { key, columns, tiers, blocks };
}
