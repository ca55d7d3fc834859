/**
 * Reads the index of the blocks of some files: a small Parquet file of one row per block.
 *
 * @module
 */

import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Block, BlockIndex } from "../core/blocks.ts";

/** The index of each file, by the file's name. */
export type BlockIndexes = ReadonlyMap<string, BlockIndex>;

/** Where the first block starts: after the 4 bytes that every Parquet file begins with. */
const FIRST_BLOCK = 4;

/** Reads an index whose digest has been verified. */
export async function parseBlockIndexes(bytes: Uint8Array<ArrayBuffer>): Promise<BlockIndexes> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const metadata = parquetMetadata(file);
  const facts = metadata.key_value_metadata?.find(({ key }) => key === "bfa.blocks")?.value;
  const { files, columns, tiers } = JSON.parse(facts!) as
    & Pick<BlockIndex, "columns" | "tiers">
    & { files: readonly { name: string; key: BlockIndex["key"] }[] };
  const blocks = new Map<string, Block[]>(files.map(({ name }) => [name, []]));
  const starts = new Map<string, number>();
  for (const row of await parquetReadObjects({ file, metadata, compressors })) {
    const start = starts.get(row.file) ?? FIRST_BLOCK;
    const ends = tiers.map((_, tier) => Number(row[`end_${tier}`]));
    blocks.get(row.file)!.push({ first: row.first, rows: row.rows, start, ends, check: row.check });
    starts.set(row.file, start + ends.at(-1)!);
  }
  return new Map(
    files.map(({ name, key }) => [name, { key, columns, tiers, blocks: blocks.get(name)! }]),
  );
}
