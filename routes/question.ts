/**
 * What a question of the service declares: path, parameters, body, answer. Routing, validation, the
 * description of the API and its documentation are all made from this.
 *
 * @module
 */

import type { z } from "zod";
import type { Source } from "../lib/core/answers.ts";
import type { DiffAnswer } from "../lib/core/diff.ts";
import type { Table } from "../lib/core/table.ts";
import type { RowSource } from "../lib/jobs/row_source.ts";
import type { DiffQuestion } from "../lib/jobs/version_diff.ts";
import type { AskedVersion, VersionSources } from "../lib/jobs/version_sources.ts";
import { PAGING, type Parameters } from "./parameters.ts";
import type { OtherStatus } from "./route.ts";

/** What answers are made from. */
export interface Context {
  /** The version that the question is about. */
  readonly source: Source;
  /** The same with its manifest; `undefined` for the embedded listings. */
  readonly served: AskedVersion | undefined;
  /** Any other version. */
  readonly versions: VersionSources;
  /** The numbers of {@linkcode Context.served}; `undefined` where there are none. */
  readonly rows: RowSource | undefined;
  /** Compares versions. */
  readonly diff: Differ;
  /** The rows that are asked for: an answer that can leave out the others need not make them. */
  readonly wanted: {
    readonly offset: number;
    readonly limit: number | undefined;
    /** They are sifted once they are made: all of them are needed. */
    readonly sifted: boolean;
  };
  /** Aborts when the client has left. */
  readonly signal: AbortSignal | undefined;
  /** Who asks, where that is known. */
  readonly client: string | undefined;
}

/** Compares two versions. `client` tells clients apart, where they are known. */
export type Differ = (
  a: AskedVersion,
  b: AskedVersion,
  question: DiffQuestion & { readonly client?: string | undefined },
) => Promise<DiffAnswer>;

/** An answer before it is cut into pages and encoded. */
export interface Answer {
  /** The JSON body. */
  readonly body: object;
  /** The rows of the tabular formats; made only for those. */
  readonly table?: () => Table;
  /** The lists of the body that a page cuts, each in the order of the table's rows. */
  readonly lists?: readonly string[];
  /** How many rows there are in all, when the lists hold the wanted ones alone. */
  readonly whole?: number;
  /** How many rows may be left when they have been sifted; all, when left out. */
  readonly most?: number;
  /** Nothing that is published later can change it. */
  readonly immutable?: boolean;
}

/** A question. */
export interface Question {
  /** What it is called in the description of the API. */
  readonly id: string;
  /** Path below `/v1` and `/v/{version}`, with `{name}` for its parts. */
  readonly path: string;
  readonly summary: string;
  /** A request that works. */
  readonly example: string;
  /** The role of the artifact that it is answered from, when that is not the listings. */
  readonly needs?: string;
  /** The parts of the path. */
  readonly inPath: Parameters;
  /** The query's own parameters; those of paging come on top. */
  readonly inQuery: Parameters;
  readonly body: z.ZodType;
  /** Its answer is no list: it comes whole, as JSON alone. */
  readonly whole?: true;
  /** It has filters of its own: `where` and `sort` are not for it. */
  readonly ownFilters?: true;
  /** What else it may answer, besides what every question may. */
  readonly statuses?: readonly OtherStatus[];
  answer(context: Context, parameters: Record<string, unknown>): Answer | Promise<Answer>;
}

/** What a question takes besides its own parameters. */
export function takenByAll({ whole, ownFilters }: Question): z.ZodRawShape {
  const { asof, where, sort, ...pages } = PAGING;
  if (whole) return { asof };
  return ownFilters ? { asof, ...pages } : { asof, where, sort, ...pages };
}

/** A question whose parameters have types. */
export function question<Path extends Parameters, Query extends Parameters>(
  declared: Omit<Question, "inPath" | "inQuery" | "answer"> & {
    inPath: Path;
    inQuery: Query;
    answer: (
      context: Context,
      parameters: z.output<Path> & z.output<Query>,
    ) => Answer | Promise<Answer>;
  },
): Question {
  return declared as unknown as Question;
}
