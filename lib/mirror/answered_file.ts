/**
 * A server's answer as a file of a mirror: it must be what was asked for, and say how long the file is.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { withoutStall } from "../net/body.ts";
import { IS_ENCODED, IS_WEB_PAGE, isEncoded, isWebPage } from "../net/odd_answers.ts";
import type { ByteRange, MirrorFile } from "./mirror.ts";

/** The header that asks for a range, or for none. */
export function rangeHeader(range: ByteRange | undefined): Record<string, string> {
  return range ? { range: `bytes=${range.start}-${range.end}` } : {};
}

/**
 * The file that an answer brings.
 *
 * @param what Which file, for messages.
 * @param range What was asked for, if not all.
 */
export async function answeredFile(
  response: Response,
  what: string,
  range?: ByteRange,
): Promise<MirrorFile> {
  try {
    const size = answeredSize(response, what);
    if (!isWhatWasAsked(response, size, range)) {
      throw new BfaError("network", `Cannot read ${what}: it sent no such range`);
    }
    return { size, body: withoutStall(response.body ?? new Blob([]).stream(), what) };
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
}

/** How long the whole file is, by the headers of an answer. */
export function answeredSize(response: Response, what: string): number {
  const { status, headers } = response;
  // Its length would be another; some servers call encoded whatever ends in .gz.
  if (isEncoded(response) && !what.endsWith(".gz")) {
    throw new BfaError("network", `Cannot use ${what}: ${IS_ENCODED}; use another mirror`);
  }
  const total = status === 206
    ? /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1]
    : headers.get("content-length");
  if (total) return Number(total);
  const why = isWebPage(response) ? IS_WEB_PAGE : "the server does not say how long it is";
  throw new BfaError("network", `Cannot use ${what}: ${why}`);
}

function isWhatWasAsked({ status, headers }: Response, size: number, range?: ByteRange): boolean {
  if (!range) return status === 200;
  const last = Math.min(range.end, size - 1);
  return status === 206 &&
    headers.get("content-range") === `bytes ${range.start}-${last}/${size}`;
}
