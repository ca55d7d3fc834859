/**
 * Which format a request asks for: the suffix of its path, or else its `Accept` header.
 *
 * @module
 */

import { accepts } from "@std/http/negotiation";
import { getPath } from "hono/utils/url";
import { BfaError } from "../lib/core/errors.ts";
import { type FormatFacts, TABLE_FORMATS, type TableFormat } from "../lib/formats/formats.ts";

/** The formats of answers. */
export type AnswerFormat = "json" | TableFormat;

/** The formats of answers, the usual one first. */
export const ANSWER_FORMATS: Readonly<Record<AnswerFormat, FormatFacts>> = {
  // It knows no charset, and yet clients name one.
  json: { mediaType: "application/json", alsoAccept: ["application/json; charset=utf-8"] },
  ...TABLE_FORMATS,
};

const SUFFIX = new RegExp(`\\.(${Object.keys(ANSWER_FORMATS).join("|")})$`);

/** Every media type that can be asked for, and what it stands for. */
const BY_MEDIA_TYPE = new Map<string, AnswerFormat>(
  Object.entries(ANSWER_FORMATS).flatMap(([name, { mediaType, alsoAccept }]) =>
    [mediaType, ...alsoAccept ?? []].map((type) => [type, name as AnswerFormat] as const)
  ),
);

/** No format that the client takes is one of ours. */
export function notAcceptable(only?: AnswerFormat): BfaError {
  const formats = only ?? Object.keys(ANSWER_FORMATS).join(", ");
  return new BfaError(
    "not_acceptable",
    `Cannot answer in a format that you accept: there is ${formats}`,
  );
}

/** Splits `/v1/range.csv` into `/v1/range` and `csv`. */
export function splitSuffix(path: string): { path: string; format: AnswerFormat | undefined } {
  const format = SUFFIX.exec(path)?.[1] as AnswerFormat | undefined;
  return { path: format ? path.slice(0, -format.length - 1) : path, format };
}

/**
 * The format that the path of a request names. It is read as the router reads it: `%2ecsv` is `.csv` to caches, and must not
 * bring them JSON under that name.
 */
export function suffixOf(request: Request): AnswerFormat | undefined {
  return splitSuffix(getPath(request)).format;
}

/** The header values seen last: clients send few different ones. */
const seen = new Map<string, AnswerFormat | undefined>();
const SEEN_AT_MOST = 200;

/** Reading a longer header would cost more than most answers: it is as good as none. */
const HEADER_LENGTH = 1_000;

/** The format an `Accept` header prefers; `undefined` when it takes none that we have. */
export function acceptedFormat(header: string | null): AnswerFormat | undefined {
  if (header === null || header === "*/*" || header === "application/json") return "json";
  if (header.length > HEADER_LENGTH) return "json";
  if (seen.has(header)) return seen.get(header);
  const request = new Request("http://localhost", { headers: { accept: header } });
  const format = BY_MEDIA_TYPE.get(accepts(request, ...BY_MEDIA_TYPE.keys()) ?? "");
  if (seen.size >= SEEN_AT_MOST) seen.clear();
  seen.set(header, format);
  return format;
}
