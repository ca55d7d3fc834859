/**
 * Watch: every new version of a channel, as soon as it is published.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { LoadedCopy } from "../cache/copy.ts";
import { asBfaError, type BfaError, type ErrorCode } from "../core/errors.ts";
import { untilAborted } from "../core/until_aborted.ts";
import type { HttpClient } from "../net/client.ts";
import { readEvents, type ServerEvent } from "../net/event_stream.ts";
import { DEFAULT_RETRY, retryDelayMs } from "../net/retry.ts";

/** How to watch. */
export interface WatchOptions {
  /** Ends the watch. */
  signal?: AbortSignal | undefined;
  /** How often to ask an endpoint that sends no events, in milliseconds; one minute. */
  pollMs?: number | undefined;
}

/** A version that a channel has come to name. */
export interface NewVersion {
  /** Its name. */
  version: string;
  /** The manifest's sequence. */
  sequence: number;
  /** The last day the data knows about. */
  dataThrough: string;
  /** When it was signed, ISO 8601 UTC. */
  publishedAt: string;
}

/** What is watched. */
export interface Watched {
  readonly endpoint: string;
  readonly channel: string;
  readonly http: HttpClient;
  /** The sequence that is known already; 0 for none. */
  readonly known: number;
  /** Brings the copy up to date; verified before it returns. */
  refresh(): Promise<LoadedCopy>;
  /** Told of a manifest that was not accepted because it is behind. */
  onBehind?(failure: BfaError): Promise<void>;
}

const POLL_MS = 60_000;

/** The service sends a comment every 15 seconds. */
const SILENT_MS = 45_000;

/** How long to wait before coming back to a stream that ended, when the server does not say, ms. */
const RECONNECT_MS = 5_000;

/** The longest wait after a failure, ms. */
const PATIENCE = { ...DEFAULT_RETRY, mostMs: 60_000 };

/** Failures that may be gone the next time; all others end the watch. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "network",
  "unavailable",
  "not_found",
  "rollback",
  "stale",
]);

/** Of these, what a shared cache does that is behind, or a publisher whose clock is. */
const BEHIND: ReadonlySet<ErrorCode> = new Set(["rollback", "stale"]);

/**
 * Gives every version that is newer than the known one, once the copy holds it, until the signal aborts. Events only
 * say that there is something to ask for: what is given comes from the verified manifest.
 */
export async function* watch(
  watched: Watched,
  options: WatchOptions = {},
): AsyncGenerator<NewVersion> {
  const { signal = new AbortController().signal, pollMs = POLL_MS } = options;
  const refresh = () => untilAborted(signal, () => watched.refresh());
  let seen = watched.known;
  let sends = true;
  for (let failures = 0; !signal.aborted;) {
    let waitMs = pollMs;
    try {
      const copy = await refresh();
      if (copy.record.sequence > seen) {
        seen = copy.record.sequence;
        yield newVersion(copy);
      }
      failures = 0;
      sends &&= copy.record.layout === "service";
      if (sends) {
        waitMs = RECONNECT_MS;
        const onRetry = (ms: number) => waitMs = ms;
        for await (const event of events(watched, seen, signal, onRetry)) {
          if (channelOf(event) !== watched.channel) {
            sends = false; // the service tells of another channel than this one
            break;
          }
          if (event.id === String(seen)) continue;
          const now = await refresh();
          if (now.record.sequence <= seen) continue;
          seen = now.record.sequence;
          yield newVersion(now);
        }
        if (!sends) continue;
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = asBfaError(error, "network", `watch ${watched.endpoint}`);
      if (!PASSING.has(failure.code)) throw failure;
      if (BEHIND.has(failure.code)) await watched.onBehind?.(failure);
      waitMs = retryDelayMs(++failures, Math.random(), PATIENCE);
    }
    await delay(waitMs, { signal }).catch(() => {}); // the loop sees that it was called off
  }
}

/** The service's events, from the one after `seen` on. */
async function* events(
  { http, endpoint }: Watched,
  seen: number,
  signal: AbortSignal,
  onRetry: (ms: number) => void,
): AsyncGenerator<ServerEvent> {
  const headers = { accept: "text/event-stream", "last-event-id": String(seen) };
  const url = `${endpoint}v1/manifest/events`;
  const response = await http.get(url, { headers, signal, tries: 1 });
  for await (const event of readEvents(response, { silentMs: SILENT_MS, onRetry })) {
    if (event.event === "manifest") yield event;
  }
}

function channelOf({ data }: ServerEvent): unknown {
  try {
    return JSON.parse(data).channel;
  } catch {
    return undefined;
  }
}

function newVersion({ manifest: { signed } }: LoadedCopy): NewVersion {
  const { version, sequence, dataThrough, publishedAt } = signed;
  return { version, sequence, dataThrough, publishedAt };
}
