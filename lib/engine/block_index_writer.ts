/**
 * Writes the index of the blocks of some files of one table: a small Parquet file of one row per block.
 * `block_index.ts` reads it.
 *
 * @module
 */

import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { BlockIndex } from "../core/blocks.ts";
import { zstd } from "./zstd.ts";

/** Every cold question from afar downloads it: the level that makes it smallest. */
const ZSTD = zstd(19);

/** The index of these files, by name, as bytes. They have the same columns. */
export function formatBlockIndexes(indexes: ReadonlyMap<string, BlockIndex>): Uint8Array {
  const { columns, tiers } = [...indexes.values()][0]!;
  const files = [...indexes].map(([name, { key }]) => ({ name, key }));
  const rows = [...indexes].flatMap(([name, { blocks }]) =>
    blocks.map((block) => ({ file: name, ...block }))
  );
  const delta = "DELTA_BINARY_PACKED" as const;
  const columnData = [
    { name: "file", data: rows.map(({ file }) => file) },
    { name: "first", data: rows.map(({ first }) => first) },
    { name: "rows", data: rows.map((row) => row.rows), encoding: delta },
    ...tiers.map((_, tier) => ({
      name: `end_${tier}`,
      data: rows.map(({ ends }) => ends[tier]!),
      encoding: delta,
    })),
    { name: "check", data: rows.map(({ check }) => check), encoding: "PLAIN" as const },
  ].map((column) => ({ ...column, offsetIndex: false }));
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: "blocks", num_children: columnData.length },
      ...columnData.map(({ name }): SchemaElement => ({
        name,
        repetition_type: "REQUIRED",
        ...(name === "file" || name === "first"
          ? { type: "BYTE_ARRAY", converted_type: "UTF8" }
          : { type: name === "check" ? "INT64" : "INT32" }),
      })),
    ],
    codec: "ZSTD",
    compressors: ZSTD,
    statistics: false,
    createdBy: "bfa",
    kvMetadata: [{ key: "bfa.blocks", value: JSON.stringify({ files, columns, tiers }) }],
  });
  if (rows.length) parquet.write({ columnData, rowGroupSize: rows.length });
  parquet.finish();
  return writer.getBytes();
}
