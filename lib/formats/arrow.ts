/**
 * Arrow IPC stream. Days are `date32`, instants `timestamp[us, UTC]`, integers `int64`.
 *
 * @module
 */

import * as flechette from "@uwdata/flechette";
import type { Column } from "../core/schema.ts";
import type { Cell, Table } from "../core/table.ts";
import { BATCH_ROWS, byteChunks, NOTHING } from "./chunks.ts";
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
export function* arrow({ columns, rows }: Table): Generator<Uint8Array<ArrayBuffer>> {
  const batches: flechette.Batch<unknown>[][] = columns.map(() => []);
  // Without a row there is one batch, too: it has the types.
  for (let at = 0; at === 0 || at < rows.length; at += BATCH_ROWS) {
    const batch = rows.slice(at, at + BATCH_ROWS);
    columns.forEach(({ type }, i) => {
      const { type: arrow, value, as = arrow } = TYPES[type];
      const values = batch.map((row) => row[i] === null ? null : value(row[i]!));
      batches[i]!.push(...flechette.columnFromArray(values, as()).data);
    });
    yield NOTHING;
  }
  const table = flechette.tableFromColumns(columns.map(({ name, type }, i) => [
    name,
    new flechette.Column(batches[i]!, TYPES[type].type()),
  ]));
  const bytes = flechette.tableToIPC(table, { format: "stream" }) as Uint8Array<ArrayBuffer>;
  yield* byteChunks(bytes);
}
