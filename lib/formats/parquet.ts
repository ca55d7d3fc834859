/**
 * Parquet, made without a database: the service has none.
 *
 * @module
 */

import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { Column } from "../core/schema.ts";
import type { Cell, Table } from "../core/table.ts";
import { BATCH_ROWS, byteChunks, NOTHING } from "./chunks.ts";
import { dateOf, microsecondsOf } from "./instants.ts";

/** Our types in Parquet, and how its writer takes our cells. */
const TYPES: Record<
  Column["type"],
  {
    element: Pick<SchemaElement, "type" | "converted_type">;
    value: (cell: NonNullable<Cell>) => unknown;
  }
> = {
  VARCHAR: { element: { type: "BYTE_ARRAY", converted_type: "UTF8" }, value: String },
  DATE: {
    element: { type: "INT32", converted_type: "DATE" },
    value: dateOf,
  },
  BOOLEAN: { element: { type: "BOOLEAN" }, value: Boolean },
  BIGINT: { element: { type: "INT64" }, value: (cell) => BigInt(cell) },
  DOUBLE: { element: { type: "DOUBLE" }, value: Number },
  TIMESTAMP: {
    element: { type: "INT64", converted_type: "TIMESTAMP_MICROS" },
    value: microsecondsOf,
  },
};

/** A table as a Parquet file. */
export function* parquet({ columns, rows }: Table): Generator<Uint8Array<ArrayBuffer>> {
  const schema = columns.map(({ name, type }): SchemaElement => ({
    name,
    repetition_type: "OPTIONAL",
    ...TYPES[type].element,
  }));
  const writer = new ByteWriter();
  const file = new ParquetWriter({
    writer,
    schema: [{ name: "root", num_children: columns.length }, ...schema],
    createdBy: "bfa",
  });
  for (let at = 0; at < rows.length; at += BATCH_ROWS) {
    const batch = rows.slice(at, at + BATCH_ROWS);
    const columnData = columns.map(({ name, type }, i) => ({
      name,
      data: batch.map((row) => row[i] === null ? null : TYPES[type].value(row[i]!)),
    }));
    file.write({ columnData, rowGroupSize: BATCH_ROWS });
    yield NOTHING;
  }
  file.finish();
  yield* byteChunks(writer.getBytes());
}
