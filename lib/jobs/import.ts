/**
 * Import: an upstream database into the store of observations. Fills what is not known; what was
 * collected from the source itself stays as it is.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { FileColumns } from "../core/file_columns.ts";
import { isSymbol } from "../core/symbol.ts";
import { sqlText, withDuckdb } from "../engine/duckdb.ts";
import { writeAtomically } from "../files/atomic_file.ts";
import type { HttpClient } from "../net/client.ts";
import type { NumbersSeen, ObservationStore } from "../engine/observations.ts";
import { type UpstreamRow, upstreamTable } from "../engine/upstream.ts";

/** What an import did. */
export interface ImportReport {
  readonly rows: number;
  readonly symbols: number;
  /** Files that were not known before. */
  readonly added: number;
  /** Days whose numbers were taken in. */
  readonly numbers: number;
  /** Rows of symbols whose names cannot be ones; set aside. */
  readonly odd: number;
  /** Months whose `last_modified` could not be brought to UTC, and was left out. */
  readonly monthsWithoutTimes: number;
}

/** A transaction is made after this many rows. */
const BATCH_ROWS = 50_000;

/**
 * Brings a database to a local file: from a path or URL, unpacked where its name ends with `.gz`.
 *
 * @returns The file, and whether it is a temporary one.
 */
export async function localDatabase(
  source: string,
  folder: string,
  http: HttpClient,
): Promise<{ path: string; temporary: boolean }> {
  const remote = /^https?:\/\//.test(source);
  const packed = /\.gz$/.test(source.replace(/[?#].*$/, ""));
  if (!remote && !packed) return { path: source, temporary: false };
  const body = remote ? (await http.get(source)).body! : await openFile(source);
  const path = `${folder}/import.${crypto.randomUUID()}.duckdb`;
  try {
    await writeAtomically(path, packed ? body.pipeThrough(new DecompressionStream("gzip")) : body);
  } catch (cause) {
    // What streams throw: a connection that broke off, or bytes that gzip did not write.
    if (!(cause instanceof TypeError)) throw cause;
    const what = packed ? "it is no gzip file, or it is cut" : "its connection broke off";
    throw new BfaError(packed ? "integrity" : "network", `Cannot import ${source}: ${what}`, {
      cause,
    });
  }
  return { path, temporary: true };
}

async function openFile(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  try {
    return (await Deno.open(path)).readable;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new BfaError("not_found", `no file ${path}`);
    throw error;
  }
}

/** Imports a database file. */
export async function importUpstream(
  store: ObservationStore,
  path: string,
  now: () => Date,
): Promise<ImportReport> {
  return await withDuckdb({}, async (connection) => {
    try {
      await Deno.stat(path);
      await connection.run(`ATTACH ${sqlText(path)} AS upstream (READ_ONLY)`);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) throw new BfaError("not_found", `no file ${path}`);
      throw new BfaError("integrity", `Cannot import ${path}: it is no DuckDB database`, { cause });
    }
    const table = await upstreamTable(connection);
    const run = await store.begin(`import ${path}`, now());
    const months = new Set<string>();
    let [rows, added, numbers, odd] = [0, 0, 0, 0];
    let oddRows: { key: string; reason: string }[] = [];
    const symbols = new Set<string>();
    let batch: UpstreamRow[] = [];

    async function flush(): Promise<void> {
      const bySymbol = Map.groupBy(batch, (row) => row.symbol);
      const seen = [...bySymbol].map(([symbol, rows]) => ({
        symbol,
        from: null,
        files: new FileColumns(rows.map((row) => ({ ...row, etag: null }))),
        odd: [],
        keys: rows.length,
        pages: 0,
      }));
      const aside = {
        symbol: "",
        from: null,
        files: new FileColumns(),
        odd: oddRows,
        keys: 0,
        pages: 0,
      };
      added += (await store.learn(run, [...seen, aside], { fill: true })).added;
      oddRows = [];
      const found = batch.flatMap(({ symbol, date, numbers }): NumbersSeen[] =>
        numbers ? [{ symbol, date, etag: null, zipEtag: null, found: numbers }] : []
      );
      numbers += await store.learnNumbers(found, now(), { fill: true });
      batch = [];
    }

    for await (const row of table.rows()) {
      rows++;
      if (!isSymbol(row.symbol)) {
        odd++;
        const key = `import: ${JSON.stringify(row.symbol)} ${row.date}`;
        oddRows.push({ key, reason: "not the name of a symbol" });
        continue;
      }
      symbols.add(row.symbol);
      if (row.lastModified === null) months.add(row.date.slice(0, 7));
      batch.push(row);
      if (batch.length >= BATCH_ROWS) await flush();
    }
    await flush();
    const report = {
      rows,
      symbols: symbols.size,
      added,
      numbers,
      odd,
      monthsWithoutTimes: months.size,
    };
    await store.finish(run, report, now());
    return report;
  });
}
