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
  const blocksOf = new Map<string, Block[]>(files.map(({ name }) => [name, []]));
  for (const row of await parquetReadObjects({ file, metadata, compressors })) {
    const blocks = blocksOf.get(row.file)!;
    const before = blocks.at(-1);
    const start = before ? before.start + before.ends.at(-1)! : FIRST_BLOCK;
    const ends = tiers.map((_, tier) => Number(row[`end_${tier}`]));
    blocks.push({ first: row.first, rows: row.rows, start, ends, check: row.check });
  }
  return new Map(
    files.map(({ name, key }) => [name, { key, columns, tiers, blocks: blocksOf.get(name)! }]),
  );
}
