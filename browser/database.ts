/**
 * DuckDB in this worker. It reaches nothing but the tables it is given: no files, no network, no extensions.
 *
 * @module
 */

import { toHex } from "../lib/core/bytes.ts";
import { BfaError, IntegrityError } from "../lib/core/errors.ts";
import type { DuckDbBindings, DuckDbWasm } from "./duckdb_wasm.ts";

/** Where the module is, and what it must be. */
export interface WasmFile {
  readonly url: URL;
  /** Of its bytes as they are before they were compressed. */
  readonly sha256: string;
}

/** How long DuckDB works before it looks whether it should stop, ms. */
const POLL_MS = 50;

/** A database in memory. */
export class BrowserDatabase {
  readonly #bindings: DuckDbBindings;
  readonly #connection: number;

  private constructor(bindings: DuckDbBindings) {
    this.#bindings = bindings;
    this.#connection = bindings.connect().useUnsafe((_, connection) => connection);
  }

  /** Fetches the module, verifies it and opens a database. */
  static async open(duckdb: DuckDbWasm, file: WasmFile): Promise<BrowserDatabase> {
    const { wasmExceptions } = await duckdb.getPlatformFeatures();
    if (!wasmExceptions) {
      throw new BfaError(
        "not_implemented",
        "Cannot run SQL here: this browser’s WebAssembly has no exceptions; use one of 2022 or later",
      );
    }
    const module = await WebAssembly.compile(await fetchWasm(file));
    const bundle = { mainModule: file.url.href };
    const bindings = await duckdb.createDuckDB(
      { mvp: bundle, eh: bundle },
      new duckdb.VoidLogger(),
      duckdb.BROWSER_RUNTIME,
    );
    // Where the module's own calls look for it.
    Object.assign(globalThis, { DUCKDB_RUNTIME: duckdb.BROWSER_RUNTIME });
    const failed = Promise.withResolvers<never>();
    bindings.instantiateWasm = (imports, success) => {
      WebAssembly.instantiate(module, imports)
        .then((instance) => success(instance, module), failed.reject);
      return {};
    };
    await Promise.race([bindings.instantiate(), failed.promise]);
    bindings.open({ query: { queryPollingInterval: POLL_MS } });
    const database = new BrowserDatabase(bindings);
    for (const setting of SETTINGS) database.execute(`SET GLOBAL ${setting}`);
    return database;
  }

  /** Runs SQL of ours, without an answer. */
  execute(sql: string): void {
    this.#bindings.runQuery(this.#connection, sql);
  }

  /** Adds the rows of an Arrow stream to a table. */
  insert(schema: string, name: string, stream: Uint8Array): void {
    this.#bindings.insertArrowFromIPCStream(this.#connection, stream, {
      schema,
      name,
      create: false,
    });
  }

  /**
   * Runs the user's SQL.
   *
   * @returns The answer as an Arrow stream, in pieces.
   * @throws {BfaError} `sql_rejected` with DuckDB's own words; `deadline` when it was stopped.
   */
  async run(sql: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>[]> {
    const [bindings, connection] = [this.#bindings, this.#connection];
    try {
      let head = bindings.startPendingQuery(connection, sql, false);
      while (head === null) {
        await messagesToBeRead();
        if (signal.aborted) {
          bindings.cancelPendingQuery(connection);
          throw stopped();
        }
        head = bindings.pollPendingQuery(connection);
      }
      const pieces = [head];
      for (let more; (more = bindings.fetchQueryResults(connection))?.length;) pieces.push(more);
      return pieces;
    } catch (error) {
      if (error instanceof BfaError) throw error;
      throw new BfaError("sql_rejected", textOf(error), { cause: error });
    }
  }
}

/** Nothing from elsewhere, and days as UTC has them. */
const SETTINGS = [
  "autoinstall_known_extensions = false",
  "autoload_known_extensions = false",
  "enable_external_access = false",
];

async function fetchWasm({ url, sha256 }: WasmFile): Promise<ArrayBuffer> {
  const name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  const response = await fetch(url).catch((error) => {
    throw new BfaError("network", `Cannot fetch ${name}: ${url.origin} does not answer`, {
      cause: error,
    });
  });
  if (!response.ok) {
    throw new BfaError("network", `Cannot fetch ${name}: the server says ${response.status}`);
  }
  const sent = new Uint8Array(await response.arrayBuffer());
  // Some servers take the file's name for an encoding: then it is unpacked already.
  const packed = sent[0] === 0x1f && sent[1] === 0x8b;
  const bytes = packed ? await unpacked(sent).catch(damaged) : sent.buffer;
  const actual = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  if (actual !== sha256) throw new IntegrityError(name, sha256, actual);
  return bytes;
}

function damaged(cause: unknown): never {
  throw new BfaError("integrity", "Cannot use DuckDB’s file: it is damaged; load the page again", {
    cause,
  });
}

async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).arrayBuffer();
}

/** What is told when the user stops something. */
export function stopped(): BfaError {
  return new BfaError("deadline", "Stopped.");
}

/** What the page sent meanwhile comes before what follows. */
export function messagesToBeRead(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** DuckDB's own words; some come wrapped in JSON. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  try {
    const { exception_type: type, exception_message: message } = JSON.parse(text);
    return `${type} Error: ${message}`;
  } catch {
    return text;
  }
}
