/** Faults of a simulated bucket. Each helper makes a {@linkcode Fault}; `undefined` answers as usual. @module */

import { errorXml } from "./bucket_xml.ts";
import type { History } from "./bucket_history.ts";
import type { FileName } from "./bucket_keys.ts";

/** What is asked for: symbols and other groups (a delimiter), keys, a file, or something else. */
export type RequestKind = "prefixes" | "keys" | "zip" | "checksum" | "other";

/** One request as the bucket understood it. */
export interface BucketRequest {
  readonly kind: RequestKind;
  readonly method: string;
  readonly url: URL;
  /** Of a listing, decoded; empty otherwise. */
  readonly prefix: string;
  readonly marker: string;
  /** Of a file that is generated. */
  readonly file?: FileName;
  /** How often this URL was asked for since the fault was set, from 1. */
  readonly attempt: number;
}

/** The usual answer; with a marker, that of the same request with this marker. */
export type UsualAnswer = (marker?: string) => Response;

/**
 * May answer instead of the bucket.
 *
 * @param count The number of the request since the fault was set, from 1.
 */
export type Fault = (
  request: BucketRequest,
  count: number,
  usual: UsualAnswer,
) => Response | undefined | Promise<Response | undefined>;

/** Breaks only requests of these kinds. */
export function ofKind(kind: RequestKind | readonly RequestKind[], fault: Fault): Fault {
  return (request, count, usual) =>
    [kind].flat().includes(request.kind) ? fault(request, count, usual) : undefined;
}

/** Breaks only what the test picks. */
export function when(
  picks: (request: BucketRequest, count: number) => boolean,
  fault: Fault,
): Fault {
  return (request, count, usual) =>
    picks(request, count) ? fault(request, count, usual) : undefined;
}

/** Breaks the first `times` answers that the fault would break, then no more. */
export function firstTimes(times: number, fault: Fault): Fault {
  let left = times;
  return async (request, count, usual) => {
    if (left <= 0) return undefined;
    left--;
    const answer = await fault(request, count, usual);
    if (!answer) left++;
    return answer;
  };
}

/** Breaks the first `times` tries of every URL. */
export function everyFirst(times: number, fault: Fault): Fault {
  return when(({ attempt }) => attempt <= times, fault);
}

/** 403 AccessDenied. */
export function forbidden(): Fault {
  return () => xmlError(403, "AccessDenied", "Access Denied");
}

/** 429 with `Retry-After`, in seconds or as a date; without the header when left out. */
export function tooMany(retryAfter?: number | Date): Fault {
  return () => {
    const answer = xmlError(429, "SlowDown", "Please reduce your request rate.");
    if (retryAfter instanceof Date) answer.headers.set("retry-after", retryAfter.toUTCString());
    else if (retryAfter !== undefined) answer.headers.set("retry-after", String(retryAfter));
    return answer;
  };
}

/** 500 InternalError, or another status of 500 and more. */
export function serverError(status = 500): Fault {
  return () => xmlError(status, "InternalError", "We encountered an internal error.");
}

/** 200 with a page for people, as a proxy or a login screen gives. */
export function htmlPage(): Fault {
  return () =>
    new Response("<!DOCTYPE html>\n<html><head><title>One moment<br></title></head></html>\n", {
      headers: { "content-type": "text/html; charset=utf-8" },
    });
}

/** The usual answer's headers, and half of its body, with a length that fits the half. */
export function cutPage(): Fault {
  return async (_request, _count, usual) => {
    const answer = usual();
    const body = await answer.text();
    const headers = new Headers(answer.headers);
    headers.delete("content-length");
    return new Response(body.slice(0, body.length / 2), { status: answer.status, headers });
  };
}

/** The usual answer, whose connection breaks off in the middle: half of the bytes that it announces. */
export function brokenOff(): Fault {
  return async (_request, _count, usual) => {
    const answer = usual();
    const body = await answer.bytes();
    const headers = new Headers(answer.headers);
    headers.set("content-length", String(body.length));
    const half = new Blob([body.slice(0, body.length / 2)]).stream();
    return new Response(half, { status: answer.status, headers });
  };
}

/** The first page again, whatever the marker, with more to come: a client that trusts it never ends. */
export function repeatedPage(): Fault {
  return async (_request, _count, usual) => {
    const answer = usual("");
    let body = await answer.text();
    if (body.includes("<IsTruncated>false<")) {
      const last = body.match(/<CommonPrefixes><Prefix>[^<]*(?=<)/g)?.at(-1)
        ?.replace("<CommonPrefixes><Prefix>", "");
      const next = last === undefined ? "" : `<NextMarker>${last}</NextMarker>`;
      const truncated = `<IsTruncated>true</IsTruncated>${next}`;
      body = body.replace("<IsTruncated>false</IsTruncated>", () => truncated);
    }
    const headers = new Headers(answer.headers);
    headers.delete("content-length");
    return new Response(body, { status: answer.status, headers });
  };
}

/** A CHECKSUM in the right form with the wrong digest. Other requests are answered as usual. */
export function wrongChecksum(): Fault {
  return ofKind("checksum", async (_request, _count, usual) => {
    const answer = usual();
    const body = await answer.text();
    if (!answer.ok) return new Response(body, answer);
    return new Response((body[0] === "0" ? "1" : "0") + body.slice(1), { headers: answer.headers });
  });
}

/**
 * The file is uploaded again just before its ZIP (or CHECKSUM) is read for the first time: it is not
 * what the listing said, and a CHECKSUM read before is not that of the ZIP.
 *
 * @param now The bucket's clock.
 */
export function changesBefore(
  kind: "zip" | "checksum",
  history: History,
  now: () => Date,
): Fault {
  const changed = new Set<string>();
  return ({ kind: asked, file }) => {
    if (asked !== kind || !file) return undefined;
    const { symbol, day } = file;
    const name = `${symbol} ${day}`;
    if (!changed.has(name)) {
      changed.add(name);
      history.reupload({ symbol, from: day, at: now().toISOString().replace(/\.\d+Z/, ".000Z") });
    }
    return undefined;
  };
}

function xmlError(status: number, code: string, message: string): Response {
  const headers = { "content-type": "application/xml" };
  return new Response(errorXml(code, message), { status, headers });
}
