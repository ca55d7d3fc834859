/**
 * Binance Vision's bucket, listed through the S3 listing API: all pages or none.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { BfaError } from "../core/errors.ts";
import type { Day } from "../core/day.ts";
import type { FileColumns } from "../core/file_columns.ts";
import { filesPrefix, type Interval, KLINES_PREFIX } from "../core/vision_keys.ts";
import type { HttpClient } from "../net/client.ts";
import { DEFAULT_RETRY, retryDelayMs } from "../net/retry.ts";
import { type BucketPage, type PageAsked, receiveBucketPage } from "./bucket_page.ts";

/** The bucket's listing API. Source: Binance's own file browser uses it. */
export const VISION_LIST_URL = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision";

/** Lists the bucket. */
export interface VisionLister {
  /** Every directory of a symbol, as its prefix; and stray objects beside them, as their keys. */
  directories(): AsyncGenerator<string>;
  /** Every page of a symbol's files. */
  files(symbol: string, options?: FilesOptions): AsyncGenerator<BucketPage>;
  /** How many requests were made so far. */
  readonly requests: number;
}

/** Which files to list. */
export interface FilesOptions {
  /** Those after this; all when left out. */
  readonly marker?: string | undefined;
  /** `1m` when left out. */
  readonly interval?: Interval;
  /** 1m files up to a day are put there, unless they are odd in any way: those stay in the pages. */
  readonly into?: { readonly files: FileColumns; readonly through: Day };
}

/** How often a page that cannot be read is asked for again. */
const PAGE_TRIES = 3;

/** How long a page may take, with all its tries, ms: one that stalls must not hang the run. */
const PAGE_MS = 120_000;

/** Every file has one of these beside it: half of all keys, that nobody looks at. */
const isUnwanted = (key: string) => key.endsWith(".zip.CHECKSUM");

/**
 * The directories are listed in two halves at once, up to here and from here on: there are more than a
 * page has, and the second page could only be asked for when the first had come.
 */
const MIDDLE = `${KLINES_PREFIX}M`;

function namesOf({ prefixes, objects }: BucketPage): string[] {
  return [...prefixes, ...objects.map(({ key }) => key)];
}

/** Makes a lister for a listing API. */
export function visionLister(http: HttpClient, listUrl: string): VisionLister {
  let requests = 0;

  async function page(
    { prefix, marker, regular }: PageAsked,
    delimiter: string,
  ): Promise<BucketPage> {
    // Markers hold Chinese letters: URLSearchParams encodes them.
    const query = new URLSearchParams({ prefix, ...(delimiter ? { delimiter } : {}) });
    if (marker) query.set("marker", marker);
    const url = `${listUrl}?${query}`;
    for (let attempt = 1;; attempt++) {
      requests++;
      try {
        const response = await http.get(url, { signal: AbortSignal.timeout(PAGE_MS) });
        return await receiveBucketPage(response.body, { prefix, marker, isUnwanted, regular });
      } catch (error) {
        const unread = unreadable(error, url);
        if (!unread) throw error;
        if (attempt === PAGE_TRIES) throw unread;
        await delay(retryDelayMs(attempt, Math.random(), DEFAULT_RETRY));
      }
    }
  }

  async function* pages(asked: PageAsked, delimiter: string): AsyncGenerator<BucketPage> {
    for (let marker: string | undefined = asked.marker; marker !== undefined;) {
      const read: BucketPage = await page({ ...asked, marker }, delimiter);
      yield read;
      marker = read.next;
    }
  }

  return {
    get requests() {
      return requests;
    },
    async *directories() {
      const from = (marker: string) => pages({ prefix: KLINES_PREFIX, marker }, "/");
      const upper = Array.fromAsync(from(MIDDLE));
      upper.catch(() => {}); // it is awaited later; until then nobody looks
      try {
        for await (const page of from("")) {
          const names = namesOf(page);
          yield* names.filter((name) => name <= MIDDLE);
          if (names.some((name) => name > MIDDLE)) break;
        }
        for (const page of await upper) yield* namesOf(page);
      } finally {
        await Promise.allSettled([upper]); // no request is left behind
      }
    },
    files(symbol, { marker = "", interval, into } = {}) {
      const regular = into && { ...into, symbol };
      return pages({ prefix: filesPrefix(symbol, interval), marker, regular }, "");
    },
  };
}

/** What may go well on the next try, with the page it is about: a bad page, or one that broke off or stalled. */
function unreadable(error: unknown, url: string): BfaError | undefined {
  if (error instanceof BfaError) {
    if (error.code !== "integrity") return undefined;
    return new BfaError("integrity", `${error.message} (${url})`, { cause: error });
  }
  const brokeOff = error instanceof TypeError;
  const stalled = error instanceof DOMException && error.name === "TimeoutError";
  if (!brokeOff && !stalled) return undefined;
  const why = stalled ? `it took more than ${PAGE_MS / 1000} s` : "its connection broke off";
  return new BfaError("network", `Cannot read ${url}: ${why}`, { cause: error });
}
