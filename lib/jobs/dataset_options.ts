/**
 * What the questions of a dataset take besides, and what a refresh gives back.
 *
 * @module
 */

import type { Artifact } from "../core/manifest.ts";
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
  /** Stops the statement; `deadline` is thrown, with the signal's reason as its cause. */
  signal?: AbortSignal | undefined;
}

/** What an explicit refresh found. */
export interface RefreshResult {
  /** Whether the copy changed. */
  changed: boolean;
  /** The version that the channel is at now; a dataset at one version stays there. */
  version: string;
  /** The sequence that the channel is at now. */
  sequence: number;
}

/** A file of a version, and whether this machine has it. */
export interface ListedArtifact extends Artifact {
  /** Whether it is in the copy, as far as its length tells; using it verifies it. */
  readonly here: boolean;
}

/** Which rows and columns to export. */
export interface ExportOptions {
  /** First day, or `latest`; the first there is, when left out. */
  from?: string | undefined;
  /** Last day, or `latest`. */
  to?: string | undefined;
  /** One symbol alone. */
  symbol?: string | undefined;
  /** Columns; all, when left out. `date` and `symbol` are always among them. */
  columns?: "all" | readonly string[] | undefined;
  /** Whether a file that is there already gives way. */
  replace?: boolean | undefined;
  /** Ends it: nothing of the file is left, and the signal's reason is thrown. */
  signal?: AbortSignal | undefined;
}

/** A file that was exported. */
export interface Exported {
  /** Where it is. */
  path: string;
  /** The version its rows come from. */
  version: string;
  /** How many rows of `daily_availability`. */
  rows: number;
  /** Its length. */
  bytes: number;
}
