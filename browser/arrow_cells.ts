/**
 * An answer of DuckDB-WASM as a table, with the same cells as every other answer of bfa has: see `lib/engine/sql_cells.ts`.
 *
 * @module
 */

import * as flechette from "@uwdata/flechette";
import { joinBytes } from "../lib/core/bytes.ts";
import { BfaError } from "../lib/core/errors.ts";
import { integerCell } from "../lib/core/json_cell.ts";
import type { Cell, Table, TableColumn } from "../lib/core/table.ts";
import { blobText, instantText, intervalText, timeText } from "./cell_texts.ts";

/** An answer: its rows are made when they are asked for. */
export interface ArrowAnswer {
  readonly columns: readonly TableColumn[];
  readonly count: number;
  /** The rows from one to before another. */
  rows(from: number, to: number): Table["rows"];
}

type Field = flechette.Field;
type Read = (value: unknown) => Cell;

/**
 * Reads the pieces of an Arrow stream.
 *
 * @throws {BfaError} `not_implemented` for an ENUM: DuckDB-WASM leaves its names out of the stream.
 */
export function arrowAnswer(pieces: Uint8Array<ArrayBuffer>[]): ArrowAnswer {
  const { fields } = flechette.tableFromIPC(pieces[0]!).schema;
  for (const { name, type } of fields) {
    if (!hasEnum(type)) continue;
    throw new BfaError("not_implemented", `Cannot show ${name}: it is an ENUM; cast it to VARCHAR`);
  }
  const table = flechette.tableFromIPC(joinBytes(pieces), {
    useBigInt: true,
    useBigIntTimestamp: true,
  });
  const readers = fields.map(reader);
  const columns = unique(fields.map(({ name }) => name))
    .map((name, i): TableColumn => ({ name, type: readers[i]!.type }));
  const cell = (at: number, row: number): Cell => {
    const value = table.getChildAt(at).at(row);
    return value === null || value === undefined ? null : readers[at]!.read(value);
  };
  return {
    columns,
    count: table.numRows,
    rows: (from, to) =>
      Array.from(
        { length: Math.max(0, Math.min(to, table.numRows) - from) },
        (_, i) => columns.map((_, at) => cell(at, from + i)),
      ),
  };
}

function hasEnum(type: flechette.DataType): boolean {
  if (type.typeId === flechette.Type.Dictionary) return true;
  const children = "children" in type ? type.children ?? [] : [];
  return (children as flechette.Field[]).some((child) => hasEnum(child.type));
}

/** A second column of the same name gets a number. */
function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    return times === 0 ? name : `${name}:${times}`;
  });
}

function reader({ type }: Field): { type: TableColumn["type"]; read: Read } {
  switch (type.typeId) {
    case flechette.Type.Int:
      if (type.bitWidth === 64 && !type.signed) return { type: "VARCHAR", read: String };
      return { type: "BIGINT", read: (value) => integerCell(value as number | bigint) };
    case flechette.Type.Float:
    case flechette.Type.Decimal:
      return { type: "DOUBLE", read: Number };
    case flechette.Type.Bool:
      return { type: "BOOLEAN", read: Boolean };
    case flechette.Type.Date:
      return { type: "DATE", read: (ms) => new Date(Number(ms)).toISOString().slice(0, 10) };
    case flechette.Type.Timestamp: {
      const { unit } = type;
      return { type: "TIMESTAMP", read: (count) => instantText(count as bigint, unit) };
    }
    default:
      return { type: "VARCHAR", read: textReader(type) };
  }
}

function textReader(type: flechette.DataType): Read {
  switch (type.typeId) {
    case flechette.Type.Utf8:
    case flechette.Type.LargeUtf8:
      return String;
    case flechette.Type.Time:
      return (count) => timeText(BigInt(count as bigint | number), type.unit);
    case flechette.Type.Interval:
      return (parts) => intervalText(parts as Float64Array);
    case flechette.Type.Binary:
    case flechette.Type.LargeBinary:
      return (bytes) => blobText(bytes as Uint8Array);
    case flechette.Type.List:
    case flechette.Type.LargeList:
    case flechette.Type.FixedSizeList:
    case flechette.Type.Struct:
    case flechette.Type.Map:
      return (value) => JSON.stringify(plain(value, type));
    default:
      return String;
  }
}

/** A nested value as JSON: numbers where they are exact, texts for everything that JSON does not have. */
function plain(value: unknown, type: flechette.DataType): unknown {
  if (value === null || value === undefined) return null;
  switch (type.typeId) {
    case flechette.Type.List:
    case flechette.Type.LargeList:
    case flechette.Type.FixedSizeList:
      return Array.from(value as ArrayLike<unknown>, (item) => plain(item, type.children[0]!.type));
    case flechette.Type.Struct:
      return Object.fromEntries(
        type.children.map((
          { name, type },
        ) => [name, plain((value as Record<string, unknown>)[name], type)]),
      );
    case flechette.Type.Map: {
      const [key, item] = (type.children[0]!.type as flechette.StructType).children;
      return Array.from(value as [unknown, unknown][], (
        [k, v],
      ) => [plain(k, key!.type), plain(v, item!.type)]);
    }
    default: {
      const cell = reader({ type } as Field).read(value);
      if (typeof cell === "bigint") return String(cell);
      return typeof cell === "number" && !Number.isFinite(cell) ? String(cell) : cell;
    }
  }
}
