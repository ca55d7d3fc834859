/**
 * `GET /v1/manifest/events`: tells a client of every new manifest, as server-sent events.
 *
 * The events carry state, not history: after a reconnect with `Last-Event-ID` a client gets the
 * newest manifest's event when it has missed any, and nothing otherwise.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { Shares } from "../lib/core/shares.ts";
import type { Followed, Served } from "../lib/jobs/follow.ts";
import { CORS, SECURITY } from "./headers.ts";
import type { Limits } from "./limits.ts";

/** How often a comment keeps the connection open, ms: proxies close silent ones after 30 s or more. */
const HEARTBEAT_MS = 15_000;

/** How the events are sent. */
export interface EventsOptions {
  readonly heartbeatMs?: number;
  /** Ends the stream when the server stops. */
  readonly stopping?: AbortSignal;
  /** Told how many listen. */
  readonly limits?: Limits;
}

/** How many may listen at once: each costs a connection for hours. */
const MAX_LISTENERS = 1_000;

/** How many of them one client may have: tabs of a browser, machines behind one address. */
const MAX_OF_CLIENT = 50;

/**
 * Makes the handler. `client` tells clients apart, where they are known.
 *
 * @throws {BfaError} `busy` when too many listen already, `too_many` when too many of them are this client's.
 */
export function manifestEvents(
  followed: Pick<Followed, "current" | "onChange">,
  options: EventsOptions = {},
): (request: Request, client?: string) => Response {
  const { heartbeatMs = HEARTBEAT_MS, stopping, limits } = options;
  const headers = {
    ...CORS,
    ...SECURITY,
    "content-type": "text/event-stream",
    "cache-control": "no-store",
  };
  const shares = new Shares(MAX_OF_CLIENT);
  let listeners = 0;
  limits?.add(() => [{ limit: "event streams", used: listeners, max: MAX_LISTENERS }]);

  function stream(seen: number, giveBack: () => void): ReadableStream<Uint8Array> {
    const text = new TextEncoder();
    let stop = () => {};
    return new ReadableStream({
      start(controller) {
        listeners++;
        const send = (chunk: string) => controller.enqueue(text.encode(chunk));
        const unsubscribe = followed.onChange((served) => send(event(served)));
        const heartbeat = setInterval(() => send(": still here\n\n"), heartbeatMs);
        const end = () => {
          stop();
          controller.close();
        };
        stopping?.addEventListener("abort", end, { once: true });
        stop = () => {
          stop = () => {};
          listeners--;
          giveBack();
          unsubscribe();
          clearInterval(heartbeat);
          stopping?.removeEventListener("abort", end);
        };
        send("retry: 5000\n\n");
        const current = followed.current();
        if (current && current.stored.manifest.signed.sequence !== seen) send(event(current));
        if (stopping?.aborted) end();
      },
      cancel: () => stop(),
    });
  }

  return (request, client) => {
    // Nobody would ever end a stream that was opened for HEAD.
    if (request.method === "HEAD") return new Response(null, { headers });
    if (listeners >= MAX_LISTENERS) throw refusal("busy", "too many are open");
    const giveBack = shares.take(client);
    if (!giveBack) throw refusal("too_many", `you have ${shares.most} open`);
    const seen = Number(request.headers.get("last-event-id") ?? NaN);
    return new Response(stream(seen, giveBack), { headers });
  };
}

function refusal(code: "busy" | "too_many", why: string): BfaError {
  return new BfaError(code, `Cannot open another event stream: ${why}`);
}

function event({ stored }: Served): string {
  const { channel, sequence, version, dataThrough, publishedAt } = stored.manifest.signed;
  const data = JSON.stringify({ channel, sequence, version, dataThrough, publishedAt });
  return `id: ${sequence}\nevent: manifest\ndata: ${data}\n\n`;
}
