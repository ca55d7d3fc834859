/**
 * The formats of tables. The service, the CLI and the library make the same bytes of the same table.
 *
 * @module
 */

import type { Table } from "../core/table.ts";

/** How a format is asked for and announced. */
export interface FormatFacts {
  /** Media type (RFC 9110 §8.3.1). */
  readonly mediaType: string;
  /** Other names that clients ask for it by. */
  readonly alsoAccept?: readonly string[];
  /** Not for a terminal, and not made smaller by gzip. */
  readonly binary?: true;
}

/** The tabular formats by name, which is also the suffix in a path: `/v1/snapshot/latest.csv`. */
export const TABLE_FORMATS = {
  ndjson: {
    mediaType: "application/x-ndjson",
    alsoAccept: [
      "application/x-ndjson; charset=utf-8",
      "application/ndjson",
      "application/jsonl",
    ],
  },
  csv: { mediaType: "text/csv; charset=utf-8; header=present", alsoAccept: ["text/csv"] },
  md: { mediaType: "text/markdown; charset=utf-8", alsoAccept: ["text/markdown"] },
  arrow: { mediaType: "application/vnd.apache.arrow.stream", binary: true },
  parquet: { mediaType: "application/vnd.apache.parquet", binary: true },
} as const satisfies Record<string, FormatFacts>;

/** A name in {@linkcode TABLE_FORMATS}. */
export type TableFormat = keyof typeof TABLE_FORMATS;

/**
 * A table as bytes, in chunks, which are made as they are taken; of binary formats there are empty ones before the
 * first that has bytes. What a format does not have (`not_acceptable`) is refused before that.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeTable } from "./formats.ts";
 * const table = { columns: [{ name: "symbol", type: "VARCHAR" as const }], rows: [["BTCUSDT"]] };
 * const [csv] = await encodeTable(table, "csv");
 * assertEquals(new TextDecoder().decode(csv), "symbol\r\nBTCUSDT\r\n");
 * ```
 */
export async function encodeTable(
  table: Table,
  format: TableFormat,
): Promise<Iterable<Uint8Array<ArrayBuffer>>> {
  switch (format) {
    case "ndjson":
      return (await import("./ndjson.ts")).ndjson(table);
    case "csv":
      return (await import("./csv.ts")).csv(table);
    case "md":
      return (await import("./markdown.ts")).markdown(table);
    case "arrow":
      return (await import("./arrow.ts")).arrow(table);
    case "parquet":
      return (await import("./parquet.ts")).parquet(table);
  }
}
