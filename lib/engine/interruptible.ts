/**
 * Work of DuckDB that a signal ends.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";

/** How often DuckDB is told to stop, ms. */
const INTERRUPT_MS = 20;

/** Lets DuckDB work until a signal ends it; throws the signal's reason then. */
export async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  // Again and again: DuckDB forgets an interrupt that comes between two statements.
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = () => timer = setInterval(() => connection.interrupt(), INTERRUPT_MS);
  signal?.addEventListener("abort", stop);
  try {
    signal?.throwIfAborted();
    const done = await work();
    signal?.throwIfAborted();
    return done;
  } catch (error) {
    signal?.throwIfAborted(); // DuckDB only says that it was interrupted
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    clearInterval(timer);
  }
}
