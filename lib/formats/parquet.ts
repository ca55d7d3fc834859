/**
 * Parquet, made without a database: the service has none.
 *
 * @module
 */

import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Column } from "../core/schema.ts";
import type { Cell, Table } from "../core/table.ts";
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
export function parquet({ columns, rows }: Table): Uint8Array<ArrayBuffer> {
  const schema = columns.map(({ name, type }): SchemaElement => ({
    name,
    repetition_type: "OPTIONAL",
    ...TYPES[type].element,
  }));
  const buffer = parquetWriteBuffer({
    schema: [{ name: "root", num_children: columns.length }, ...schema],
    columnData: columns.map(({ name, type }, i) => ({
      name,
      data: rows.map((row) => row[i] === null ? null : TYPES[type].value(row[i]!)),
    })),
    createdBy: "bfa",
  });
  return new Uint8Array(buffer);
}
