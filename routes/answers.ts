/**
 * The questions of the service, as a table: path, parameters, answer. The commands are their twins.
 *
 * @module
 */

import {
  delistings,
  newListings,
  range,
  snapshot,
  type Source,
  summary,
  symbols,
  timeline,
} from "../lib/core/answers.ts";
import type { Params, ParamSpec } from "./params.ts";

/** A question that is answered from the listings of one version. */
export interface AnswerRoute {
  /** Path, with `:name` for its parts. */
  readonly path: string;
  readonly summary: string;
  /** A request that works. */
  readonly example: string;
  readonly query: ParamSpec;
  readonly answer: (source: Source, params: Params) => unknown;
}

const RANGE = { from: "text", to: "text" } as const satisfies ParamSpec;

const readRange = (params: Params) => ({ from: params.text("from"), to: params.text("to") });

/** Every question that needs no numbers. */
export const ANSWER_ROUTES: readonly AnswerRoute[] = [
  {
    path: "/v1/snapshot/:day",
    summary: "Symbols on a day",
    example: "/v1/snapshot/2024-01-15?state=archived",
    query: { state: "texts", detail: "flag" },
    answer: (source, params) =>
      snapshot(source, params.path("day"), {
        states: params.texts("state"),
        detail: params.flag("detail"),
      }),
  },
  {
    path: "/v1/timeline/:symbol",
    summary: "The lives of a symbol",
    example: "/v1/timeline/LITUSDT",
    query: { detail: "flag", ...RANGE },
    answer: (source, params) =>
      timeline(source, params.path("symbol"), {
        detail: params.flag("detail"),
        ...readRange(params),
      }),
  },
  {
    path: "/v1/range",
    summary: "Symbols on at least one day of a range",
    example: "/v1/range?from=2024-01-01&to=2024-01-31",
    query: { ...RANGE, state: "texts" },
    answer: (source, params) => range(source, readRange(params), { states: params.texts("state") }),
  },
  {
    path: "/v1/new-listings",
    summary: "Listings that began to trade",
    example: "/v1/new-listings?from=2024-01-01&to=2024-01-31",
    query: RANGE,
    answer: (source, params) => newListings(source, readRange(params)),
  },
  {
    path: "/v1/delistings",
    summary: "Listings that stopped trading",
    example: "/v1/delistings?from=2024-01-01&to=latest",
    query: RANGE,
    answer: (source, params) => delistings(source, readRange(params)),
  },
  {
    path: "/v1/summary",
    summary: "Counts per state, one row a day",
    example: "/v1/summary?from=2024-01-01&to=2024-01-31",
    query: RANGE,
    answer: (source, params) => summary(source, readRange(params)),
  },
  {
    path: "/v1/symbols",
    summary: "Every symbol that ever existed",
    example: "/v1/symbols?detail=1",
    query: { detail: "flag" },
    answer: (source, params) => symbols(source, { detail: params.flag("detail") }),
  },
];
