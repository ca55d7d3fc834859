/**
 * Import: an upstream database into the store of observations. Fills what is not known; what was
 * collected from the source itself stays as it is.
 *
 * @module
 */

import { type Day, dayOf } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { FileColumns } from "../core/file_columns.ts";
import { checkTogether, type KnownNumbers } from "../core/kline.ts";
import { isSymbol } from "../core/symbol.ts";
import { filesPrefix, type Interval, readKey } from "../core/vision_keys.ts";
import { sqlText, withDuckdb } from "../engine/duckdb.ts";
import { writeAtomically } from "../files/atomic_file.ts";
import type { HttpClient } from "../net/client.ts";
import type { NumbersSeen, ObservationStore, OddKey } from "../engine/observations.ts";
import { type UpstreamRow, upstreamTable } from "../engine/upstream.ts";

/** What an import did. */
export interface ImportReport {
  readonly rows: number;
  readonly symbols: number;
  /** Files that were not known before. */
  readonly added: number;
  /** Days whose numbers were taken in. */
  readonly numbers: number;
  /** Rows that were set aside, whole or in part: see {@linkcode oddIn}. */
  readonly odd: number;
  /** Files whose `last_modified` could not be brought to UTC, and was left out. */
  readonly withoutTimes: number;
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

/**
 * Imports a database file.
 *
 * @param source What the file is called, where `path` is a temporary one.
 */
export async function importUpstream(
  store: ObservationStore,
  path: string,
  now: () => Date,
  source = path,
): Promise<ImportReport> {
  return await withDuckdb({}, async (connection) => {
    try {
      await Deno.stat(path);
      await connection.run(`ATTACH ${sqlText(path)} AS upstream (READ_ONLY)`);
      // From here on, nothing in the file can have another one read.
      await connection.run("SET enable_external_access = false");
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) throw new BfaError("not_found", `no file ${path}`);
      throw new BfaError("integrity", `Cannot import ${source}: it is no DuckDB database`, {
        cause,
      });
    }
    const table = await upstreamTable(connection);
    const run = await store.begin(`import ${source}`, now());
    const today = dayOf(now());
    let [rows, added, numbers, odd, withoutTimes] = [0, 0, 0, 0, 0];
    let oddRows: OddKey[] = [];
    const symbols = new Set<string>();
    let batch: GoodRow[] = [];
    let before: UpstreamRow | undefined;

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
      added += (await store.learn(run, [...seen, aside], { fill: true, now: now() })).added;
      oddRows = [];
      const found = batch.flatMap(({ symbol, date, numbers }): NumbersSeen[] =>
        numbers ? [{ symbol, date, etag: null, zipEtag: null, found: numbers }] : []
      );
      numbers += await store.learnNumbers(found, now(), { fill: true });
      batch = [];
    }

    for await (const row of table.rows()) {
      rows++;
      const found = oddIn(row, before, today);
      before = row;
      if (found) {
        odd++;
        oddRows.push(found.odd);
        if (oddRows.length + batch.length >= BATCH_ROWS) await flush();
      }
      if (found && !found.good) continue;
      const good = found?.good ?? row as GoodRow;
      symbols.add(good.symbol);
      if (good.lastModified === null) withoutTimes++;
      batch.push(good);
      if (batch.length >= BATCH_ROWS) await flush();
    }
    await flush();
    const report = {
      rows,
      symbols: symbols.size,
      added,
      numbers,
      odd,
      withoutTimes,
    };
    await store.finish(run, report, now());
    return report;
  });
}

/** A row that can be taken in. */
interface GoodRow extends UpstreamRow {
  readonly symbol: string;
  readonly date: Day;
}

/**
 * What is odd about a row, and what of it can be taken in all the same. The key is that of the file
 * it is about, so that it leaves the quarantine when that has been collected; else it names the row.
 *
 * @param before The row before it, by symbol and day.
 */
function oddIn(
  row: UpstreamRow,
  before: UpstreamRow | undefined,
  today: Day,
): { odd: OddKey; good?: GoodRow } | undefined {
  const { symbol, date, bytes, numbers } = row;
  const named = `import: ${JSON.stringify(symbol)} ${date}`;
  const aside = (key: string, reason: string) => ({ odd: { key, reason } });
  if (symbol === null || !isSymbol(symbol)) return aside(named, "not the name of a symbol");
  const key = (interval: Interval) =>
    `${filesPrefix(symbol, interval)}${symbol}-${interval}-${date}.zip`;
  const read = readKey(key("1m"), symbol);
  if (read.kind !== "file") return aside(named, read.kind === "odd" ? read.reason : "no file");
  if (read.date > today) return aside(key("1m"), "import: in the future");
  if (symbol === before?.symbol && date === before.date) {
    return aside(named, "a second row of its day");
  }
  if (bytes !== null && bytes <= 0) return aside(key("1m"), "import: empty file");
  const why = numbers && problemOf(numbers, read.date);
  if (!why) return undefined;
  return {
    ...aside(key("1d"), `import: ${why}`),
    good: { ...row, symbol, date: read.date, numbers: null },
  };
}

/** Why numbers cannot be taken in. */
function problemOf(numbers: KnownNumbers, day: Day): string | undefined {
  try {
    checkTogether(numbers, day);
  } catch (error) {
    if (error instanceof BfaError) return error.message.replace(/^.*?: /, "numbers: ");
    throw error;
  }
}
