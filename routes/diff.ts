/**
 * `GET /v1/diff/{a}..{b}`: what changed between two versions.
 *
 * @module
 */

import { z } from "zod";
import { diff, DIFF_COLUMNS, type DiffSource } from "../lib/core/diff.ts";
import { NotFoundError } from "../lib/core/errors.ts";
import { tableOf } from "../lib/core/table.ts";
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
  summary: "What changed between two versions: listings, and days of symbols",
  example: "/v1/diff/latest..latest",
  inPath: z.strictObject({
    a: versionOrLatest("The version to compare"),
    b: versionOrLatest("The version to compare it with"),
  }),
  inQuery: z.strictObject({
    class: z.enum(["new day", "revision"]).optional().meta({
      description: "Only rows that differ for this reason",
    }),
    symbol: take.symbol.optional(),
  }),
  body: diffBody,
  async answer(context, { a, b, class: why, symbol }) {
    const body = diff(await find(a, context), await find(b, context));
    const rows = body.rows.filter((row) =>
      (why === undefined || row.class === why) &&
      (symbol === undefined || row.symbol === symbol.toUpperCase())
    );
    return {
      body: { ...body, count: rows.length, rows },
      lists: ["rows"],
      table: () => tableOf(DIFF_COLUMNS, rows),
      ...(a !== "latest" && b !== "latest" ? { immutable: true } : {}),
    };
  },
});

/** `latest` is what the request is answered from: the same for all its pages. */
async function find(name: string, context: Context): Promise<DiffSource> {
  const served = name === "latest" ? context.served : await context.versions.at(name);
  if (!served) throw new NotFoundError("no version was published yet");
  return { ...served.source, schemaVersion: served.stored.manifest.signed.schemaVersion };
}
