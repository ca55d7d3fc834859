/**
 * `GET /v1/diff/{a}..{b}`: what changed between two versions.
 *
 * @module
 */

import { z } from "zod";
import { DIFF_COLUMNS } from "../lib/core/diff.ts";
import { NotFoundError } from "../lib/core/errors.ts";
import { tableOf } from "../lib/core/table.ts";
import type { AskedVersion } from "../lib/jobs/version_sources.ts";
import { diffBody } from "./bodies.ts";
import * as take from "./parameters.ts";
import { type Context, question } from "./question.ts";

const versionOrLatest = (what: string) =>
  z.string().meta({
    description: `${what}, or \`latest\`: the one that answers`,
    pattern: "^(latest|\\d{4}-\\d{2}-\\d{2}\\.\\d{1,6})$",
    example: "latest",
  });

/** The question. */
export const diffQuestion = question({
  id: "diff",
  path: "/diff/{a}..{b}",
  summary: "What changed between two versions: listings, days of symbols, and their numbers",
  example: "/v1/diff/latest..latest",
  inPath: z.strictObject({
    a: versionOrLatest("The version to compare"),
    b: versionOrLatest("The version to compare it with"),
  }),
  inQuery: z.strictObject({
    class: z.enum(["new day", "listing", "revision"]).optional().meta({
      description: "Only rows that differ for this reason",
    }),
    symbol: take.symbol.optional(),
  }),
  body: diffBody,
  ownFilters: true,
  async answer(context, { a, b, class: why, symbol }) {
    const { signal, client, wanted } = context;
    const { offset, limit = MOST_ROWS } = wanted;
    const [before, after] = [await find(a, context), await find(b, context)];
    const most = Math.min(limit, MOST_ROWS);
    const question = { class: why, symbol, offset, limit: most, signal, client };
    const body = await context.diff(before, after, question);
    return {
      body,
      lists: ["rows"],
      whole: body.count,
      table: () => tableOf(DIFF_COLUMNS, body.rows),
      ...(a !== "latest" && b !== "latest" ? { immutable: true } : {}),
    };
  },
});

/** Rows on a page, whatever the limit: two versions can differ in all of theirs, and each row is held. */
const MOST_ROWS = 20_000;

/** `latest` is what the request is answered from: the same for all its pages. */
async function find(name: string, context: Context): Promise<AskedVersion> {
  const served = name === "latest" ? context.served : await context.versions.at(name);
  if (!served) throw new NotFoundError("no version was published yet");
  return served;
}
