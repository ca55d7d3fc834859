/**
 * Conditional requests, by the precedence of RFC 9110 §13.2.2.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { problem } from "./problem.ts";

/** What a client may name to tell one state of an answer from another. */
export interface Validators {
  /** Strong tags with their quotes: one for each encoding. A client that has one has the answer. */
  readonly tags: readonly string[];
  /** When it was published, ms; left out where that is not known, or where it can never change. */
  readonly publishedAt?: number | undefined;
}

/** What the conditions of a request come to; `undefined` when it is to be answered. */
export type Unmet = "failed" | "not modified" | undefined;

/**
 * Reads the conditions of a GET or HEAD. `If-Modified-Since` is not among them: an answer can be taken
 * back, and a date would not tell.
 */
export function unmet(headers: Headers, { tags, publishedAt }: Validators): Unmet {
  const match = headers.get("if-match");
  if (match !== null) {
    if (!names(match, tags, "strong")) return "failed";
  } else {
    const unmodified = headers.get("if-unmodified-since");
    if (unmodified !== null && publishedAt !== undefined) {
      // Dates of HTTP know no fractions of a second; what is no date is ignored.
      if (Math.floor(publishedAt / 1000) > readDate(unmodified) / 1000) return "failed";
    }
  }
  return noneMatch(headers.get("if-none-match"), tags) ? "not modified" : undefined;
}

/** The answer to a request whose condition failed. */
export function preconditionFailed(): Response {
  return problem(
    new BfaError(
      "precondition_failed",
      "Cannot answer as asked: this is no longer what If-Match or If-Unmodified-Since names; ask without it",
    ),
  );
}

/**
 * Whether an `If-None-Match` header names one of the tags (RFC 9110 §13.1.2: weak comparison).
 *
 * @param header The header's value, or `null`.
 * @param tags Strong tags with their quotes.
 */
function noneMatch(header: string | null, tags: readonly string[]): boolean {
  return header !== null && names(header, tags, "weak");
}

function names(header: string, tags: readonly string[], comparison: "weak" | "strong"): boolean {
  if (header === tags[0]) return true; // what nearly every client sends
  if (header.trim() === "*") return true;
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tags.includes(comparison === "weak" ? tag.replace(/^W\//, "") : tag);
  });
}

/** The three forms of RFC 9110 §5.6.7: the one in use, and two old ones. */
const DATE =
  /^(?:\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\w{6,9}, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT|(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}))$/;

/** A date in ms; `NaN` for what is none. */
function readDate(text: string): number {
  const form = DATE.exec(text.trim());
  return form ? Date.parse(form[1] ? `${form[1]} GMT` : form[0]) : NaN;
}
