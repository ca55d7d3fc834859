/**
 * What the page and its worker say to each other. One statement at a time: the page waits for its answer.
 *
 * @module
 */

import type { Cell, TableColumn } from "../lib/core/table.ts";

/** What the page asks for. */
export type Ask =
  /** Opens the dataset; `folder` is the address of the page's folder, which lies beside `manifest.json`. */
  | { readonly ask: "open"; readonly folder: string }
  /** Runs SQL. */
  | { readonly ask: "run"; readonly sql: string }
  /** Stops what is being run. */
  | { readonly ask: "stop" }
  /** The whole last answer, as a file. */
  | { readonly ask: "csv" };

/** What the worker tells. */
export type Told =
  | { readonly tell: "opened"; readonly version: OpenedVersion }
  /** Something the user should know that is no failure. */
  | { readonly tell: "notice"; readonly text: string }
  | { readonly tell: "progress"; readonly text: string }
  | { readonly tell: "answer"; readonly answer: ShownAnswer }
  | { readonly tell: "csv"; readonly file: Blob }
  | { readonly tell: "failed"; readonly message: string };

/** The version that answers come from. */
export interface OpenedVersion {
  readonly version: string;
  readonly dataThrough: string;
  readonly symbols: number;
  /** Bytes of the files that each table is read from, when a statement first names it. */
  readonly tables: Readonly<Record<string, number>>;
}

/** The first rows of an answer. */
export interface ShownAnswer {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows in all. */
  readonly count: number;
}
