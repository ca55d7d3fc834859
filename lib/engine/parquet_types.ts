/**
 * Our column types as Parquet has them: what DuckDB writes, too.
 *
 * @module
 */

import type { SchemaElement } from "hyparquet";
import type { Column } from "../core/schema.ts";

const ELEMENTS: Readonly<Record<Column["type"], Partial<SchemaElement>>> = {
  DATE: { type: "INT32", converted_type: "DATE" },
  VARCHAR: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  BOOLEAN: { type: "BOOLEAN" },
  BIGINT: { type: "INT64", converted_type: "INT_64" },
  DOUBLE: { type: "DOUBLE" },
  TIMESTAMP: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MICROS" },
  },
};

/** The Parquet schema of some columns. */
export function parquetSchemaOf(
  columns: readonly Pick<Column, "name" | "type" | "required">[],
): SchemaElement[] {
  return [
    { name: "schema", num_children: columns.length },
    ...columns.map(({ name, type, required }): SchemaElement => ({
      name,
      repetition_type: required ? "REQUIRED" : "OPTIONAL",
      ...ELEMENTS[type],
    })),
  ];
}
