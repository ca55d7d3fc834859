/**
 * Arrow IPC stream. Days are `date32`, instants `timestamp[ms, UTC]`, integers `int64`.
 *
 * @module
 */

import * as flechette from "@uwdata/flechette";
import type { Column } from "../core/schema.ts";
import type { Cell, Table } from "../core/table.ts";
import { dateOf } from "./instants.ts";

/** Our types in Arrow, and how its builders take our cells. */
const TYPES: Record<
  Column["type"],
  { type: () => flechette.DataType; value: (cell: NonNullable<Cell>) => unknown }
> = {
  VARCHAR: { type: flechette.utf8, value: String },
  DATE: { type: flechette.dateDay, value: dateOf },
  BOOLEAN: { type: flechette.bool, value: Boolean },
  BIGINT: { type: flechette.int64, value: (cell) => BigInt(cell) },
  DOUBLE: { type: flechette.float64, value: Number },
  TIMESTAMP: {
    type: () => flechette.timestamp(flechette.TimeUnit.MILLISECOND, "UTC"),
    value: (cell) => dateOf(cell).getTime(),
  },
};

/** A table as an Arrow IPC stream. */
export function arrow({ columns, rows }: Table): Uint8Array<ArrayBuffer> {
  const arrays = columns.map(({ name, type }, i): [string, flechette.Column<unknown>] => {
    const values = rows.map((row) => row[i] === null ? null : TYPES[type].value(row[i]!));
    return [name, flechette.columnFromArray(values, TYPES[type].type())];
  });
  const table = flechette.tableFromColumns(arrays);
  return flechette.tableToIPC(table, { format: "stream" }) as Uint8Array<ArrayBuffer>;
}
