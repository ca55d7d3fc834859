/**
 * What the questions of a dataset take besides, and what a refresh gives back.
 *
 * @module
 */

import type { RangeQuestion, StatesOption } from "../core/answers.ts";

/** Additional options of a snapshot. */
export interface SnapshotOptions extends StatesOption {
  /** One row per symbol, with the listing's days. */
  detail?: boolean | undefined;
}

/** Additional options of a timeline. */
export interface TimelineOptions extends RangeQuestion {
  /** One row a day. */
  detail?: boolean | undefined;
}

/** Additional options of the list of symbols. */
export interface SymbolsOptions {
  /** One row per symbol. */
  detail?: boolean | undefined;
}

/** Additional options of SQL. */
export interface SqlOptions {
  /** Stops the statement. */
  signal?: AbortSignal | undefined;
}

/** What an explicit refresh found. */
export interface RefreshResult {
  /** Whether the copy changed. */
  changed: boolean;
  /** The version it is at now. */
  version: string;
  /** The sequence it is at now. */
  sequence: number;
}
