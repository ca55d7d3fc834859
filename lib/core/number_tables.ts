/**
 * The columns of answers with numbers. Apart from the other answers', which must start fast.
 *
 * @module
 */

import {
  type AvailabilityRow,
  fieldOf,
  type RowsAnswer,
  type TopRow,
} from "./availability_rows.ts";
import { DAILY_AVAILABILITY, VOLUME_RANKINGS } from "./schema.ts";
import type { Cell, RowColumn } from "./table.ts";

/** The columns that an answer's rows have. */
export function rowColumns({ columns }: RowsAnswer): RowColumn<AvailabilityRow>[] {
  return DAILY_AVAILABILITY.filter(({ name }) => columns.includes(name))
    .map(({ name, type }) => ({ name, type, cell: cellNamed(name) }));
}

/** The largest volumes of a day: the rank comes first, and the day is the question's. */
export const TOP_COLUMNS: readonly RowColumn<TopRow>[] = [
  ...VOLUME_RANKINGS.filter(({ name }) => name === "rank"),
  ...VOLUME_RANKINGS.filter(({ name }) => name !== "rank" && name !== "date"),
].map(({ name, type }) => ({ name, type, cell: cellNamed(name) }));

/** Takes a column's cell out of a row. */
function cellNamed(column: string): (row: AvailabilityRow | TopRow) => Cell {
  const field = fieldOf(column);
  return (row) => (row as unknown as Record<string, Cell>)[field] ?? null;
}
