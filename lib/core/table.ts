/**
 * A table: what every answer with rows is, before a format makes bytes of it.
 *
 * @module
 */

import type { Column } from "./schema.ts";

/**
 * One value. A `DATE` is `YYYY-MM-DD`, a `TIMESTAMP` is ISO 8601 in UTC; a `BIGINT` is a `bigint`
 * only where a number would lose digits.
 */
export type Cell = string | number | bigint | boolean | null;

/** What a table knows of a column. */
export type TableColumn = Pick<Column, "name" | "type">;

/** Columns, and rows with one cell per column, in the same order. */
export interface Table {
  /** The columns. */
  readonly columns: readonly TableColumn[];
  /** The rows. */
  readonly rows: readonly (readonly Cell[])[];
}

/** A column, and where a row has its cell. */
export interface RowColumn<Row> extends TableColumn {
  /** The row's cell. */
  readonly cell: (row: Row) => Cell;
}

/** The table of some rows. */
export function tableOf<Row>(columns: readonly RowColumn<Row>[], rows: readonly Row[]): Table {
  return {
    columns: columns.map(({ name, type }) => ({ name, type })),
    rows: rows.map((row) => columns.map((column) => column.cell(row))),
  };
}
