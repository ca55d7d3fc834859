/**
 * The questions of the service, as a table. The commands are their twins.
 *
 * @module
 */

import { z } from "zod";
import * as tables from "../lib/core/answer_tables.ts";
import {
  delistings,
  newListings,
  range,
  snapshot,
  summary,
  symbols,
  timeline,
} from "../lib/core/answers.ts";
import { pairlist } from "../lib/core/pairlist.ts";
import { tableOf } from "../lib/core/table.ts";
import * as bodies from "./bodies.ts";
import { diffQuestion } from "./diff.ts";
import { rowsQuestion, topQuestion } from "./numbers.ts";
import * as take from "./parameters.ts";
import { type Question, question } from "./question.ts";

const none = z.strictObject({});

/** Every question, in the order the documentation shows them. */
export const QUESTIONS: readonly Question[] = [
  question({
    id: "snapshot",
    path: "/snapshot/{day}",
    summary: "Symbols on a day",
    example: "/v1/snapshot/2024-01-15?state=archived",
    inPath: z.strictObject({ day: take.day() }),
    inQuery: z.strictObject({
      state: take.states,
      detail: take.flag("Also one row per symbol, with its listing's days"),
    }),
    body: bodies.snapshotBody,
    answer({ source }, { day, state: states, detail }) {
      const columns = detail ? tables.SNAPSHOT_DETAIL_COLUMNS : tables.SNAPSHOT_COLUMNS;
      return {
        body: snapshot(source, day, { states, detail }),
        lists: ["symbols", "rows"],
        table: () => tableOf(columns, snapshot(source, day, { states, detail: true }).rows!),
      };
    },
  }),
  question({
    id: "timeline",
    path: "/timeline/{symbol}",
    summary: "The lives of a symbol",
    example: "/v1/timeline/LITUSDT",
    inPath: z.strictObject({ symbol: take.symbol }),
    inQuery: z.strictObject({ detail: take.flag("Also one row a day"), ...take.openRange }),
    body: bodies.timelineBody,
    answer({ source }, { symbol, ...options }) {
      const body = timeline(source, symbol, options);
      return {
        body,
        lists: [body.rows ? "rows" : "listings"],
        table: () =>
          body.rows
            ? tableOf(tables.TIMELINE_DETAIL_COLUMNS, body.rows)
            : tableOf(tables.TIMELINE_COLUMNS, body.listings),
      };
    },
  }),
  question({
    id: "range",
    path: "/range",
    summary: "Symbols on at least one day of a range",
    example: "/v1/range?from=2024-01-01&to=2024-01-31",
    inPath: none,
    inQuery: z.strictObject({ ...take.range, state: take.states }),
    body: bodies.rangeBody,
    answer({ source }, { from, to, state: states }) {
      const body = range(source, { from, to }, { states });
      return { body, lists: ["symbols"], table: () => tableOf(tables.NAME_COLUMNS, body.symbols) };
    },
  }),
  question({
    id: "newListings",
    path: "/new-listings",
    summary: "Listings that began to trade",
    example: "/v1/new-listings?from=2024-01-01&to=2024-01-31",
    inPath: none,
    inQuery: z.strictObject(take.range),
    body: bodies.eventsBody,
    answer({ source }, asked) {
      const body = newListings(source, asked);
      return {
        body,
        lists: ["events"],
        table: () => tableOf(tables.NEW_LISTING_COLUMNS, body.events),
      };
    },
  }),
  question({
    id: "delistings",
    path: "/delistings",
    summary: "Listings that stopped trading",
    example: "/v1/delistings?from=2024-01-01&to=latest",
    inPath: none,
    inQuery: z.strictObject(take.range),
    body: bodies.eventsBody,
    answer({ source }, asked) {
      const body = delistings(source, asked);
      return {
        body,
        lists: ["events"],
        table: () => tableOf(tables.DELISTING_COLUMNS, body.events),
      };
    },
  }),
  question({
    id: "summary",
    path: "/summary",
    summary: "Counts per state, one row a day",
    example: "/v1/summary?from=2024-01-01&to=2024-01-31",
    inPath: none,
    inQuery: z.strictObject(take.range),
    body: bodies.summaryBody,
    answer({ source }, asked) {
      const body = summary(source, asked);
      return { body, lists: ["rows"], table: () => tableOf(tables.SUMMARY_COLUMNS, body.rows) };
    },
  }),
  question({
    id: "symbols",
    path: "/symbols",
    summary: "Every symbol that ever existed",
    example: "/v1/symbols?detail=1",
    inPath: none,
    inQuery: z.strictObject({ detail: take.flag("Also one row per symbol, with its days") }),
    body: bodies.symbolsBody,
    answer: ({ source }, { detail }) => ({
      body: symbols(source, { detail }),
      lists: ["symbols", "rows"],
      table: () => tableOf(tables.SYMBOL_COLUMNS, symbols(source, { detail: true }).rows!),
    }),
  }),
  question({
    id: "pairlist",
    path: "/pairlist/{day}",
    summary: "Perpetual contracts that traded on a day, as freqtrade's RemotePairList",
    example: "/v1/pairlist/latest.json",
    whole: true,
    inPath: z.strictObject({ day: take.day() }),
    inQuery: z.strictObject({
      quote: z.string().optional().meta({
        description: "Quote asset; USDT when left out",
        pattern: "^[A-Z0-9]{1,20}$",
        example: "USDC",
      }),
    }),
    body: bodies.pairlistBody,
    answer: ({ source }, { day, quote }) => ({ body: pairlist(source, day, { quote }) }),
  }),
  topQuestion,
  rowsQuestion,
  diffQuestion,
];
