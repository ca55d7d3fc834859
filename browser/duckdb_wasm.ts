/**
 * The part of DuckDB-WASM that is used: its bindings for one thread, without the worker that it comes with. They are in
 * its package, but not among what the package exports, so the bundle's entry point hands them over (`scripts/browser.ts`).
 *
 * @module
 */

/** What its module for browsers exports. */
export interface DuckDbWasm {
  createDuckDB(
    bundles: Record<"mvp" | "eh", { mainModule: string }>,
    logger: unknown,
    runtime: unknown,
  ): Promise<DuckDbBindings>;
  getPlatformFeatures(): Promise<{ readonly wasmExceptions: boolean }>;
  readonly VoidLogger: new () => unknown;
  readonly BROWSER_RUNTIME: unknown;
}

/** A database. */
export interface DuckDbBindings {
  /** Made to be replaced by what has the module from elsewhere than its address. */
  instantiateWasm(
    imports: WebAssembly.Imports,
    success: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): unknown;
  instantiate(): Promise<unknown>;
  open(config: { query?: { queryPollingInterval?: number } }): void;
  /** A connection; `useUnsafe` gives its number, which the other methods take. */
  connect(): { useUnsafe<T>(use: (bindings: DuckDbBindings, connection: number) => T): T };
  /** Runs SQL to its end. */
  runQuery(connection: number, sql: string): Uint8Array<ArrayBuffer>;
  /** Begins SQL; the start of an Arrow stream as soon as it is done, `null` until then. */
  startPendingQuery(
    connection: number,
    sql: string,
    allowStream: boolean,
  ): Uint8Array<ArrayBuffer> | null;
  /** Works on it for a while. */
  pollPendingQuery(connection: number): Uint8Array<ArrayBuffer> | null;
  cancelPendingQuery(connection: number): boolean;
  /** More of that stream; nothing at its end. */
  fetchQueryResults(connection: number): Uint8Array<ArrayBuffer> | null;
  insertArrowFromIPCStream(
    connection: number,
    stream: Uint8Array,
    options: { schema: string; name: string; create: boolean },
  ): void;
}
