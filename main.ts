/**
 * The HTTP service, as Deno Deploy runs it. The entry point: it reads the environment, builds what
 * the service needs from it, and hands that down.
 *
 * | variable | what |
 * | --- | --- |
 * | `BFA_KV` | Deno KV: a file or `http(s)://…`; the platform's own when unset |
 * | `BFA_MIRROR` | where artifacts are: a folder or an `http(s)://…` base URL; `.bfa/mirror` when unset |
 * | `BFA_CHANNEL` | channel to serve; `latest` when unset |
 * | `PORT`, `BFA_HOST` | where to listen; 8000 on all addresses |
 * | `BFA_RATE_LIMIT` | how often one client may ask, `1200/60s`; `off` |
 * | `BFA_RATE_LIMIT_ALL` | how often all may ask together; `off` |
 * | `BFA_CLIENT_HEADER` | header by which a proxy in front tells clients apart, such as `X-Forwarded-For` |
 * | `BFA_LOG_REQUESTS` | `0` turns the log of requests off (standard output, one line of JSON each) |
 *
 * @module
 */

import { BfaError } from "./lib/core/errors.ts";
import { readChannel } from "./lib/core/manifest.ts";
import { httpMirror } from "./lib/mirror/http.ts";
import { directoryMirror } from "./lib/mirror/directory.ts";
import { kvManifestStore, openKv } from "./lib/manifest/kv.ts";
import { httpClient } from "./lib/net/client.ts";
import { readLimits } from "./routes/rate_limit.ts";
import { readPort, startServer } from "./routes/server.ts";

/** How long a read of KV may take before the last good answer is given, ms. */
const READ_MS = 250;

/** Somebody waits for the answer: better a 503 now than a file in half a minute. */
const IMPATIENT = { retry: { tries: 2, baseMs: 200, mostMs: 1_000 }, firstByteMs: 2_000 };

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const mirror = Deno.env.get("BFA_MIRROR") ?? ".bfa/mirror";
  const store = kvManifestStore(await openKv(Deno.env.get("BFA_KV")), { readMs: READ_MS });
  const server = await startServer({
    reader: store,
    mirror: /^https?:\/\//.test(mirror)
      ? httpMirror(mirror.endsWith("/") ? mirror : `${mirror}/`, httpClient(IMPATIENT))
      : directoryMirror(mirror),
    channel: readChannel(Deno.env.get("BFA_CHANNEL")),
    port: readPort(Deno.env.get("PORT")),
    hostname: Deno.env.get("BFA_HOST") ?? "0.0.0.0",
    now: () => new Date(),
    limits: {
      ...readLimits({
        perClient: Deno.env.get("BFA_RATE_LIMIT"),
        forAll: Deno.env.get("BFA_RATE_LIMIT_ALL"),
      }),
      clientHeader: Deno.env.get("BFA_CLIENT_HEADER"),
    },
    logRequests: Deno.env.get("BFA_LOG_REQUESTS") === "0" ? undefined : writeLog,
    log: (line) => console.error(line),
    signal: stop.signal,
  });
  console.error(`bfa serves on ${server.url}`);
  await server.finished;
  store.close();
}

function writeLog(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof BfaError)) throw error;
    console.error(`bfa: ${error.message}`);
    Deno.exit(1);
  }
  Deno.exit(0); // a client that never reads its answer would keep the process alive
}
