/**
 * DuckDB's types and values as those of a {@linkcode Table}.
 *
 * | DuckDB | here | why |
 * | --- | --- | --- |
 * | integers up to 64 bits | `BIGINT` | |
 * | `UBIGINT` | `VARCHAR` | half of it is beyond `BIGINT`, and it is mostly hashes: no digit may change |
 * | `HUGEINT`, `UHUGEINT`, `DECIMAL`, `FLOAT` | `DOUBLE` | sums and averages; cast to `VARCHAR` to keep every digit |
 * | all timestamps | `TIMESTAMP` | ISO 8601, UTC |
 * | lists, structs, maps, unions | `VARCHAR` | JSON text |
 * | the others | `VARCHAR` | as DuckDB writes them |
 *
 * @module
 */

import type {
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBType,
  DuckDBUnionValue,
  DuckDBValue,
} from "@duckdb/node-api";
import { integerCell, jsonValue } from "../core/json_cell.ts";
import type { Cell, TableColumn } from "../core/table.ts";

/** What a column of a result becomes, and how to make its cells; `null` stays `null`. */
export interface CellReader {
  readonly type: TableColumn["type"];
  readonly cell: (value: NonNullable<DuckDBValue>) => Cell;
}

const NESTED = /^(STRUCT|MAP|UNION|LIST|ARRAY)\b|\[\d*\]$/;

/** How to read a column of a DuckDB type. */
export function cellReader(type: DuckDBType): CellReader {
  const name = type.toString();
  // Before all others: a list of timestamps is named after them, `TIMESTAMP[]`.
  if (NESTED.test(name)) {
    return { type: "VARCHAR", cell: (value) => JSON.stringify(plain(value, type)) };
  }
  if (/^(U?(TINYINT|SMALLINT|INTEGER)|BIGINT)$/.test(name)) {
    return { type: "BIGINT", cell: (value) => integerCell(value as number | bigint) };
  }
  if (/^(FLOAT|DOUBLE|U?HUGEINT|DECIMAL.*)$/.test(name)) return { type: "DOUBLE", cell: real };
  // Of seconds, milliseconds and nanoseconds.
  if (/^TIMESTAMP_/.test(name)) {
    return { type: "TIMESTAMP", cell: (value) => infinite(value) ?? instant(String(value)) };
  }
  if (/^TIMESTAMP/.test(name)) {
    return {
      type: "TIMESTAMP",
      cell: (value) => instant(utcText(value)),
    };
  }
  if (name === "BOOLEAN") return { type: "BOOLEAN", cell: (value) => value as boolean };
  if (name === "DATE") return { type: "DATE", cell: day };
  return { type: "VARCHAR", cell: String };
}

function real(value: NonNullable<DuckDBValue>): Cell {
  return typeof value === "number" ? value : Number(value.toString());
}

/** The number of DuckDB's infinite days, which its binding writes as days of the year 5,881,580. */
const INFINITE_DAY = 2 ** 31 - 1;

function day(value: NonNullable<DuckDBValue>): Cell {
  const { days } = value as DuckDBDateValue;
  if (Math.abs(days) === INFINITE_DAY) return days > 0 ? "infinity" : "-infinity";
  return String(value);
}

/** What an infinite instant is called, where DuckDB's binding writes the last day that its number could mean. */
function infinite(value: NonNullable<DuckDBValue>): Cell | undefined {
  if ((value as DuckDBTimestampNanosecondsValue).isFinite) return undefined;
  const [ticks] = Object.values(value) as bigint[];
  return ticks! > 0n ? "infinity" : "-infinity";
}

/** A value as DuckDB writes it in UTC. Its binding writes instants with a zone in that of the machine. */
function utcText(value: NonNullable<DuckDBValue>): string {
  const type = value.constructor as typeof DuckDBTimestampTZValue;
  const offset = type.timezoneOffsetInMinutes as number | undefined; // no other type has one
  if (offset === undefined) return String(value);
  const { micros, isFinite } = value as DuckDBTimestampTZValue;
  if (!isFinite) return String(value);
  return String(new type(micros - BigInt(offset) * 60_000_000n)).replace(/[+-][\d:]+$/, "+00");
}

/** `2024-01-15 08:30:00.5+00` as `2024-01-15T08:30:00.500Z`. */
function instant(text: string): string {
  const match = /^(\S+) (\d\d:\d\d:\d\d)(\.\d+)?/.exec(text);
  if (!match) return text; // infinity
  const [, day, time, fraction = ""] = match;
  const digits = fraction &&
    fraction.padEnd(fraction.length > 7 ? 10 : fraction.length > 4 ? 7 : 4, "0");
  return `${day}T${time}${digits}Z`;
}

/** A nested value as JSON: cells as elsewhere, numbers where they are exact, text for everything JSON does not have. */
function plain(value: DuckDBValue | undefined, type: DuckDBType): unknown {
  if (value === null || value === undefined) return null;
  if ("entryTypes" in type) {
    const { entries } = value as DuckDBStructValue;
    return Object.fromEntries(
      type.entryNames.map((name, i) => [name, plain(entries[name], type.entryTypes[i]!)]),
    );
  }
  if ("keyType" in type) {
    const { entries } = value as DuckDBMapValue;
    return entries.map((
      { key, value },
    ) => [plain(key, type.keyType), plain(value, type.valueType)]);
  }
  if ("memberTypes" in type) {
    const { tag, value: member } = value as DuckDBUnionValue;
    return plain(member, type.memberTypeForTag(tag));
  }
  if ("valueType" in type) {
    return (value as DuckDBListValue).items.map((item) => plain(item, type.valueType));
  }
  return jsonValue(typeof value === "bigint" ? value : cellReader(type).cell(value));
}
