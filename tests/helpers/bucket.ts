/**
 * A simulator of Binance Vision's bucket: a real HTTP server on 127.0.0.1 that answers the S3 listing
 * API and the files from a generated history.
 *
 * ## What it serves
 *
 * - `listUrl` + `?prefix=…&delimiter=/&marker=…&max-keys=…`: S3's ListObjects, version 1. Pages of
 *   1,000; `NextMarker` only with a delimiter; keys in the order of their UTF-8 bytes.
 * - `filesUrl` + key: 1d ZIPs and their CHECKSUM are real; 1m ZIPs have the right size, headers and
 *   CHECKSUM, but dummy bytes and an ETag that is no MD5. GET and HEAD; 404 for what is not there.
 * - `now` decides what there is: files of day D appear between 06:57 and 08:40 UTC on D+1, a new
 *   symbol's directory (its first file) on D+2; a CHECKSUM one second before its ZIP.
 *
 * ## The history
 *
 * `history(listings, { through, … })` (bucket_history.ts) with `late`, `uploads`, `removals`, `gaps`,
 * `ghosts`, `endings`, `relistings`, `odd`. `expectedRows(through?, now?)` yields the truth,
 * `listings` the lives a collector should find, `reupload()` changes a file while it is served.
 * `madeUpListings(count)` (bucket_lives.ts) gives more symbols, `quarantineKeys()` (bucket_odd.ts)
 * bad keys. Nothing is random, and nothing but one entry per directory is kept.
 *
 * ## Faults
 *
 * Set `fault` (bucket_faults.ts): `forbidden()`, `tooMany(1)`, `serverError()`, `htmlPage()`,
 * `cutPage()`, `repeatedPage()`, `wrongChecksum()`, `changesBefore("zip", …)`, narrowed by
 * `ofKind()`, `when()`, `firstTimes()` and `everyFirst()`. With `latencyMs`, each request is answered so
 * long after it came: for benchmarks.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDay } from "../../lib/core/day.ts";
 * import { seedListings } from "../../lib/source/seed.ts";
 * import { serveBucket } from "./bucket.ts";
 * import { firstTimes, tooMany } from "./bucket_faults.ts";
 * import { history } from "./bucket_history.ts";
 * import { madeUpListings } from "./bucket_lives.ts";
 *
 * const { listings } = await seedListings();
 * const past = history([...listings, ...madeUpListings(110)], {
 *   through: parseDay("2026-08-08"),
 *   late: [{ symbol: "ETHUSDT", from: "2026-08-01", days: 15 }],
 *   uploads: [{ symbol: "BTCUSDT", from: "2026-07-01", at: "2026-08-05T09:00:00.000Z" }],
 * });
 * const bucket = serveBucket(past, { now: new Date("2026-08-09T12:00:00Z") });
 * bucket.fault = firstTimes(1, tooMany(1));
 * const url = `${bucket.listUrl}?delimiter=/&prefix=data/futures/um/daily/klines/`;
 * const statuses: number[] = [];
 * for (let i = 0; i < 2; i++) {
 *   const answer = await fetch(url);
 *   await answer.body?.cancel();
 *   statuses.push(answer.status);
 * }
 * assertEquals(statuses, [429, 200]);
 * assertEquals(bucket.take(), { prefixes: 2, keys: 0, zip: 0, checksum: 0, other: 0, served: 1000 });
 * await bucket.close();
 * ```
 *
 * @module
 */

import { decodeQueryValue, fromBinary } from "./bucket_bytes.ts";
import type { BucketRequest, Fault, RequestKind } from "./bucket_faults.ts";
import type { History } from "./bucket_history.ts";
import { type BucketObject, bytesOf, KeySpace, type PageQuery } from "./bucket_keys.ts";
import { RowWriter } from "./bucket_rows.ts";
import { errorXml, pageOfRows, pageXml } from "./bucket_xml.ts";

/** Requests by kind, and how many keys and prefixes listings have returned. */
export type BucketCounts = Record<RequestKind | "served", number>;

/** How a bucket starts; all of it can be changed later. */
export interface BucketOptions {
  /** What time it is; the end of the history's uploads when left out. */
  readonly now?: Date;
  /** Listings without XML declaration and namespace: always, never (when left out), or every other. */
  readonly bareXml?: boolean | "mixed";
  /**
   * When a request is answered: so long after it came, however much work it was. What the simulator
   * needs for a page is part of its latency, not something on top of it.
   */
  readonly latencyMs?: number;
}

/** A running bucket. */
export interface Bucket {
  /** The listing API, without a query: `http://127.0.0.1:PORT/data.binance.vision`. */
  readonly listUrl: string;
  /** What keys are appended to; ends with a slash. */
  readonly filesUrl: string;
  readonly history: History;
  now: Date;
  bareXml: boolean | "mixed";
  latencyMs: number;
  /** Set to break things; setting it starts its counts again. */
  fault: Fault | undefined;
  /** All counts so far. */
  readonly counts: Readonly<BucketCounts>;
  /** The counts since the last call. */
  take(): BucketCounts;
  close(): Promise<void>;
}

/** Serves a history until it is closed. */
export function serveBucket(history: History, options: BucketOptions = {}): Bucket {
  const keys = new KeySpace(history);
  const rows = new RowWriter(history);
  const counts = noCounts();
  let before = noCounts();
  let fault: Fault | undefined;
  let faultCount = 0;
  const attempts = new Map<string, number>();

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const due = bucket.latencyMs > 0 ? performance.now() + bucket.latencyMs : 0;
      const response = await answer(request);
      // A timer cuts what it is given to whole milliseconds, and can be early by that.
      for (let left = due; (left = due - performance.now()) > 0;) {
        await new Promise((done) => setTimeout(done, left));
      }
      return response;
    },
  );

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const { kind, query, object } = understand(request, url);
    counts[kind]++;
    const usual = (marker?: string) => {
      if (query === "invalid") {
        return error(400, "InvalidURI", "Couldn't parse the specified URI.");
      }
      if (query) return list(marker === undefined ? query : { ...query, marker });
      // Looked for again: a fault may have changed it.
      const current = object && keys.find(object.binary, time());
      return current ? send(current) : missing(url);
    };
    if (!fault) return usual();
    const attempt = (attempts.get(request.url) ?? 0) + 1;
    attempts.set(request.url, attempt);
    const listing = query && query !== "invalid" ? query : undefined;
    const seen: BucketRequest = {
      kind,
      method: request.method,
      url,
      prefix: fromBinary(listing?.prefix ?? ""),
      marker: fromBinary(listing?.marker ?? ""),
      ...object?.source && { file: object.source },
      attempt,
    };
    return await fault(seen, ++faultCount, usual) ?? usual();
  }

  function understand(request: Request, url: URL): {
    kind: RequestKind;
    query?: PageQuery | "invalid";
    object?: BucketObject | undefined;
  } {
    if (request.method !== "GET" && request.method !== "HEAD") return { kind: "other" };
    if (/^\/data\.binance\.vision\/?$/.test(url.pathname)) {
      const query = readQuery(request.url.replace(/^[^?]*\??/, ""));
      const isKeys = query !== "invalid" && query.delimiter === "";
      // The files of a directory are keys with a delimiter too: there is nothing below them.
      const hasFiles = query !== "invalid" && /\/1[dm]\/[^/]*$/.test(query.prefix);
      return { kind: isKeys || hasFiles ? "keys" : "prefixes", query };
    }
    const key = decodeQueryValue(url.pathname.slice(1).replaceAll("+", "%2B"));
    const object = key === undefined ? undefined : keys.find(key, time());
    const kind = /\.zip$/.test(key ?? "")
      ? "zip"
      : /\.CHECKSUM$/.test(key ?? "")
      ? "checksum"
      : "other";
    return { kind, object };
  }

  function list(query: PageQuery): Response {
    const listings = counts.prefixes + counts.keys;
    const bare = bucket.bareXml === "mixed" ? listings % 2 === 0 : bucket.bareXml;
    const headers = { "content-type": "application/xml" };
    const plain = rows.write(query, time());
    if (plain) {
      counts.served += plain.count;
      return new Response(pageOfRows(query, plain, { bare }), { headers });
    }
    const page = keys.page(query, time());
    counts.served += page.objects.length + page.prefixes.length;
    return new Response(pageXml(query, page, { bare }), { headers });
  }

  /** The server leaves out the body of an answer to HEAD, and keeps its length. */
  function send(object: BucketObject): Response {
    return new Response(bytesOf(history, object, time()), {
      headers: {
        "content-type": object.source?.isChecksum ? "binary/octet-stream" : "application/zip",
        "content-length": String(object.size),
        etag: `"${object.etag}"`,
        "last-modified": new Date(object.lastModified).toUTCString(),
      },
    });
  }

  function time(): number {
    return bucket.now.getTime();
  }

  const origin = `http://127.0.0.1:${server.addr.port}/`;
  const bucket: Bucket = {
    listUrl: `${origin}data.binance.vision`,
    filesUrl: origin,
    history,
    now: options.now ?? new Date(Date.parse(history.through) + 3 * 86_400_000),
    bareXml: options.bareXml ?? false,
    latencyMs: options.latencyMs ?? 0,
    get fault() {
      return fault;
    },
    set fault(next) {
      fault = next;
      faultCount = 0;
      attempts.clear();
    },
    counts,
    take() {
      const since = noCounts();
      for (const name of Object.keys(since) as (keyof BucketCounts)[]) {
        since[name] = counts[name] - before[name];
      }
      before = { ...counts };
      return since;
    },
    close: () => server.shutdown(),
  };
  return bucket;
}

/** Reads a query as S3 does: parameters are decoded once, and unknown ones are ignored. */
function readQuery(search: string): PageQuery | "invalid" {
  const found = new Map<string, string>();
  for (const part of search.split("&")) {
    const equals = part.indexOf("=");
    const value = decodeQueryValue(equals < 0 ? "" : part.slice(equals + 1));
    if (value === undefined) return "invalid";
    found.set(equals < 0 ? part : part.slice(0, equals), value);
  }
  const most = found.get("max-keys") ?? "1000";
  // Version 2 pages in another way: a client that asks for it is told, not misled.
  if (!/^\d+$/.test(most) || found.has("list-type")) return "invalid";
  return {
    prefix: found.get("prefix") ?? "",
    marker: found.get("marker") ?? "",
    delimiter: found.get("delimiter") ?? "",
    maxKeys: Math.min(Number(most), 1000),
  };
}

function missing(url: URL): Response {
  const key = url.pathname.slice(1).replaceAll("&", "&amp;");
  return error(404, "NoSuchKey", `The specified key does not exist: ${key}`);
}

function error(status: number, code: string, message: string): Response {
  const headers = { "content-type": "application/xml" };
  return new Response(errorXml(code, message), { status, headers });
}

function noCounts(): BucketCounts {
  return { prefixes: 0, keys: 0, zip: 0, checksum: 0, other: 0, served: 0 };
}
