/**
 * Arrow IPC stream. Days are `date32`, instants `timestamp[us, UTC]`, integers `int64`.
 *
 * @module
 */

import * as flechette from "@uwdata/flechette";
import type { Column } from "../core/schema.ts";
import type { Cell, Table } from "../core/table.ts";
import { dateOf, microsecondsOf } from "./instants.ts";

/** Our types in Arrow, how its builders take our cells, and as what they build them. */
const TYPES: Record<
  Column["type"],
  {
    type: () => flechette.DataType;
    value: (cell: NonNullable<Cell>) => unknown;
    as?: () => flechette.DataType;
  }
> = {
  VARCHAR: { type: flechette.utf8, value: String },
  DATE: { type: flechette.dateDay, value: dateOf },
  BOOLEAN: { type: flechette.bool, value: Boolean },
  BIGINT: { type: flechette.int64, value: (cell) => BigInt(cell) },
  DOUBLE: { type: flechette.float64, value: Number },
  TIMESTAMP: {
    type: () => flechette.timestamp(flechette.TimeUnit.MICROSECOND, "UTC"),
    value: microsecondsOf,
    as: flechette.int64, // its builder takes milliseconds
  },
};

/** A table as an Arrow IPC stream. */
export function arrow({ columns, rows }: Table): Uint8Array<ArrayBuffer> {
  const arrays = columns.map(({ name, type }, i): [string, flechette.Column<unknown>] => {
    const { type: arrow, value, as = arrow } = TYPES[type];
    const values = rows.map((row) => row[i] === null ? null : value(row[i]!));
    const built = flechette.columnFromArray(values, as());
    return [name, as === arrow ? built : new flechette.Column([...built.data], arrow())];
  });
  const table = flechette.tableFromColumns(arrays);
  return flechette.tableToIPC(table, { format: "stream" }) as Uint8Array<ArrayBuffer>;
}
