/**
 * The page's worker: everything that takes time happens here, so the page stays alive.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Artifact } from "../lib/core/manifest.ts";
import { tableFiles } from "../lib/core/sql_schema.ts";
import { csvLines } from "../lib/formats/csv.ts";
import type { Notice } from "../lib/jobs/notice.ts";
import { type ArrowAnswer, arrowAnswer } from "./arrow_cells.ts";
import { BrowserDatabase } from "./database.ts";
import { openDataset, type OpenedDataset } from "./dataset.ts";
import type { DuckDbWasm } from "./duckdb_wasm.ts";
import type { Ask, Told } from "./messages.ts";
import { BrowserTables } from "./tables.ts";

/** The worker's side of the channel to its page. */
export interface Port {
  postMessage(told: Told): void;
  onmessage: ((event: { data: Ask }) => void) | null;
}

/** DuckDB, and the file with its module. */
export interface DuckDbFiles {
  readonly duckdb: DuckDbWasm;
  /** In the page's folder. */
  readonly file: string;
  readonly sha256: string;
}

/** Rows that the page shows. */
const SHOWN_ROWS = 2_000;

/** Rows of a CSV that are made at once. */
const CSV_ROWS = 10_000;

/** Answers the page's messages from now on. */
export function start(port: Port, files: DuckDbFiles): void {
  const session = new Session(port, files);
  port.onmessage = ({ data }) => {
    session.take(data).catch((error) => {
      const message = error instanceof BfaError ? error.message : `Cannot answer: ${error}`;
      port.postMessage({ tell: "failed", message });
    });
  };
}

class Session {
  readonly #tell: (told: Told) => void;
  readonly #files: DuckDbFiles;
  #folder: URL | undefined;
  #dataset: Promise<OpenedDataset> | undefined;
  #tables: Promise<{ database: BrowserDatabase; tables: BrowserTables }> | undefined;
  #answer: ArrowAnswer | undefined;
  #stop = new AbortController();
  /** Bytes that came, by file. */
  readonly #came = new Map<string, number>();

  constructor(port: Port, files: DuckDbFiles) {
    this.#tell = (told) => port.postMessage(told);
    this.#files = files;
  }

  async take(asked: Ask): Promise<void> {
    switch (asked.ask) {
      case "open":
        this.#folder = new URL(asked.folder);
        await this.#opened();
        return;
      case "run":
        return await this.#run(asked.sql);
      case "stop":
        return this.#stop.abort();
      case "csv":
        return this.#tell({ tell: "csv", file: csvFile(this.#answer!) });
    }
  }

  async #run(sql: string): Promise<void> {
    this.#stop = new AbortController();
    const { database, tables } = await this.#ready();
    await tables.need(sql, this.#stop.signal);
    this.#progress("running …");
    const answer = arrowAnswer(await database.run(sql, this.#stop.signal));
    this.#answer = answer;
    const { columns, count } = answer;
    const rows = answer.rows(0, SHOWN_ROWS);
    this.#tell({ tell: "answer", answer: { columns, count, rows } });
  }

  async #ready() {
    const dataset = await this.#opened();
    const open = async () => {
      this.#progress("fetching DuckDB …");
      const { duckdb, file, sha256 } = this.#files;
      const url = new URL(file, this.#folder);
      const database = await BrowserDatabase.open(duckdb, { url, sha256 });
      return { database, tables: new BrowserTables(database, dataset) };
    };
    this.#tables ??= open();
    this.#tables.catch(() => this.#tables = undefined); // the next statement tries again
    return await this.#tables;
  }

  async #opened(): Promise<OpenedDataset> {
    if (!this.#dataset) {
      this.#dataset = openDataset(new URL("..", this.#folder), {
        onNotice: (notice) => this.#notice(notice),
        onProgress: (artifact, bytes) => this.#arrived(artifact, bytes),
      });
      this.#dataset.catch(() => this.#dataset = undefined);
      const { signed } = (await this.#dataset).manifest;
      const { version, dataThrough, symbols } = signed;
      const tables = Object.fromEntries(
        Object.entries(tableFiles(signed.artifacts))
          .map(([name, files]) => [name, files.reduce((sum, { bytes }) => sum + bytes, 0)]),
      );
      this.#tell({ tell: "opened", version: { version, dataThrough, symbols, tables } });
    }
    return await this.#dataset;
  }

  #arrived(artifact: Artifact, bytes: number): void {
    this.#came.set(artifact.name, bytes);
    const sum = [...this.#came.values()].reduce((a, b) => a + b, 0);
    this.#progress(`${artifact.name}: ${(sum / 1e6).toFixed(1)} MB of data so far …`);
  }

  #progress(text: string): void {
    this.#tell({ tell: "progress", text });
  }

  #notice(notice: Notice): void {
    const text = noticeText(notice);
    if (text !== undefined) this.#tell({ tell: "notice", text });
  }
}

/** What a reader of the page should know. */
function noticeText(notice: Notice): string | undefined {
  switch (notice.kind) {
    case "behind":
      return `A newer version was expected by ${notice.since}, and cannot be had: ${notice.reason}`;
    case "publisher-late":
      return `A newer version was expected by ${notice.since}: the publisher is late.`;
    default:
      return undefined;
  }
}

function csvFile(answer: ArrowAnswer): Blob {
  const pieces = [csvLines([answer.columns.map(({ name }) => name)])];
  for (let from = 0; from < answer.count; from += CSV_ROWS) {
    pieces.push(csvLines(answer.rows(from, from + CSV_ROWS)));
  }
  return new Blob(pieces, { type: "text/csv" });
}
