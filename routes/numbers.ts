/**
 * `GET /v1/top/{day}` and `GET /v1/rows`: what needs the numbers, read from the mirror by ranges.
 *
 * @module
 */

import { z } from "zod";
import { rowColumns, TOP_COLUMNS } from "../lib/core/number_tables.ts";
import { MOST_RANKS } from "../lib/core/availability_rows.ts";
import { knownDay } from "../lib/core/answers.ts";
import { dayNumber } from "../lib/core/day.ts";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { DAILY_AVAILABILITY } from "../lib/core/schema.ts";
import { tableOf } from "../lib/core/table.ts";
import type { RowSource } from "../lib/jobs/row_source.ts";
import { rowsBody, topBody } from "./bodies.ts";
import * as take from "./parameters.ts";
import { type Context, question } from "./question.ts";

/** The largest volumes of a day. */
export const topQuestion = question({
  id: "top",
  path: "/top/{day}",
  summary: "The symbols with the largest volumes of a day, and how their ranks changed",
  example: "/v1/top/latest?n=10",
  needs: "volume-rankings",
  inPath: z.strictObject({ day: take.day() }),
  inQuery: z.strictObject({ n: take.count(MOST_RANKS, "How many; 20 when left out") }),
  body: topBody,
  async answer(context, { day, n = 20 }) {
    const date = knownDay(context.source.index, day);
    const { wanted: { sifted }, signal } = context;
    const body = await numbers(context).top(date, sifted ? MOST_RANKS : n, { signal });
    return { body, lists: ["rows"], most: n, table: () => tableOf(TOP_COLUMNS, body.rows) };
  },
});

/** Days of all symbols that are answered at once. */
const MOST_DAYS = 31;

/** Rows of `daily_availability`. */
export const rowsQuestion = question({
  id: "rows",
  path: "/rows",
  summary: "The numbers of a day or a symbol: state, size, volume, trades, prices",
  example: "/v1/rows?symbol=BTCUSDT&from=2024-01-01&to=2024-01-31",
  needs: "availability-by-symbol",
  inPath: z.strictObject({}),
  inQuery: z.strictObject({
    day: take.day().optional(),
    symbol: take.symbol.optional(),
    ...take.openRange,
    columns: z.array(
      z.enum(["all", ...DAILY_AVAILABILITY.map(({ name }) => name)] as [string, ...string[]]),
    ).transform((names) => [...new Set(names)].sort()).optional().meta({
      description: "Columns to give, or `all`; state, size, volume and trades when left out",
    }),
  }),
  body: rowsBody,
  statuses: [422],
  async answer(context, { day, symbol, from, to, columns }) {
    const { index } = context.source;
    const lives = symbol === undefined ? undefined : index.lives(symbol);
    if (day !== undefined && (from !== undefined || to !== undefined)) {
      throw new BfaError(
        "usage",
        "Cannot use day together with from and to: give one or the other",
      );
    }
    const start = day ?? from;
    if (!lives && (start ?? to) === undefined) {
      throw new BfaError("usage", "Cannot tell which rows: give a day, a range or a symbol");
    }
    const last = knownDay(index, day ?? to ?? "latest");
    // A symbol may be known before its first day: it has no rows yet.
    const begun = lives && lives[0]!.first < last ? lives[0]!.first : last;
    const first = start === undefined ? begun : knownDay(index, start);
    if (!lives && dayNumber(last) - dayNumber(first) >= MOST_DAYS) {
      throw new BfaError(
        "limit",
        `Cannot give more than ${MOST_DAYS} days of all symbols at once: ask for less, or use availability.parquet, which /v1/manifest names`,
      );
    }
    const body = await numbers(context).rows({
      ...(day === undefined ? { from: first, to: last } : { day: first }),
      symbol: lives?.[0]?.symbol,
      columns: columns?.includes("all") ? "all" : columns,
      signal: context.signal,
    });
    return { body, lists: ["rows"], table: () => tableOf(rowColumns(body), body.rows) };
  },
});

function numbers({ rows }: Context): RowSource {
  if (rows) return rows;
  throw new NotFoundError(
    "no numbers here yet: nothing was published, and the built-in listings have none",
  );
}
