/**
 * The HTTP service, as Deno Deploy runs it. The entry point: it reads the environment, builds what
 * the service needs from it, and hands that down.
 *
 * | variable | what |
 * | --- | --- |
 * | `BFA_KV` | Deno KV: a file or `http(s)://…`; the platform's own when unset |
 * | `BFA_MIRROR` | where artifacts are: a folder, an `http(s)://…` base URL or `github:OWNER/REPO`; `.bfa/mirror` when unset |
 * | `BFA_SQL` | `off` answers no SQL, and starts no child processes for it |
 * | `BFA_CHANNEL` | channel to serve; `latest` when unset |
 * | `PORT`, `BFA_HOST` | where to listen; 8000 on all addresses |
 * | `BFA_PUBLIC_URL` | where clients reach the service, for its links: `https://…`; what each request says when unset |
 * | `BFA_RATE_LIMIT` | how often one client may ask, `1200/60s`; `off` |
 * | `BFA_RATE_LIMIT_ALL` | how often all may ask together; `off` |
 * | `BFA_CLIENT_HEADER` | header by which a proxy in front tells clients apart, such as `X-Forwarded-For` |
 * | `BFA_LOG_REQUESTS` | `0` turns the log of requests off (standard output, one line of JSON each) |
 * | `DENO_KV_ACCESS_TOKEN` | token for a KV at an `http(s)://…` address; Deno reads it |
 * | `DENO_DEPLOY` | set by Deno Deploy: KV is remote, its cache is purged after a switch |
 * | `OTEL_DENO` | `true`: every request's span gets its route and the version that answered |
 *
 * @module
 */

import { BfaError } from "./lib/core/errors.ts";
import { readChannel } from "./lib/core/manifest.ts";
import { httpMirror } from "./lib/mirror/http.ts";
import { openMirror } from "./lib/jobs/open_mirrors.ts";
import { isRemoteKv, kvManifestStore, openKv, pollEveryMs } from "./lib/manifest/kv.ts";
import { lateReader } from "./lib/manifest/late_reader.ts";
import { httpClient } from "./lib/net/client.ts";
import { DEFAULT_RETRY } from "./lib/net/retry.ts";
import { readPublicUrl } from "./routes/address.ts";
import { purgeLatest } from "./routes/cdn.ts";
import { LogPipe } from "./routes/log_pipe.ts";
import { readLimits } from "./routes/rate_limit.ts";
import { readPort, readSql, type Server, startServer } from "./routes/server.ts";
import { telemetry, telemetryIsOn } from "./routes/telemetry.ts";

/** How long a read of KV may take before the last good answer is given, ms. */
const READ_MS = 250;

/** Somebody waits for the answer: what the mirror does not give soon, it does not give. */
const MIRROR = { retry: { ...DEFAULT_RETRY, tries: 2 }, firstByteMs: 5_000 };

/** How long the last lines of the log may take at the end, ms. */
const LOG_MS = 500;

/** The server, once it runs. */
const running = Promise.withResolvers<Server>();

// Deno Deploy finds schedules by running this module, and calls them. Elsewhere there is no Deno.cron,
// unless someone asks for it (`--unstable-cron`).
Deno.cron?.("mirror health", "*/15 * * * *", async () => {
  const health = await (await running.promise).checkMirror();
  const faults = health?.faults ?? [];
  if (faults.length) throw new Error(faults.map(({ message }) => message).join("; "));
});

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const mirror = Deno.env.get("BFA_MIRROR") ?? ".bfa/mirror";
  const now = () => new Date();
  const onDeploy = Deno.env.get("DENO_DEPLOY") !== undefined;
  const kv = Deno.env.get("BFA_KV");
  const traced = telemetryIsOn(Deno.env.get("OTEL_DENO"));
  const remote = isRemoteKv(kv, onDeploy);
  const [requests, log] = [new LogPipe(Deno.stdout), new LogPipe(Deno.stderr)];
  // OpenTelemetry, and with it Deno Deploy, takes the lines of the console alone.
  const byConsole = onDeploy || traced;
  const logLine = byConsole
    ? (line: string) => console.error(line)
    : (line: string) => log.write(`${line}\n`);
  const pollMs = pollEveryMs(remote);
  const store = lateReader(async () =>
    kvManifestStore(await openKv(kv), { readMs: READ_MS, pollMs })
  );
  await store.open().catch((error) => {
    // What is on a network comes back; a file that does not open is a mistake in the settings.
    if (!remote || !(error instanceof BfaError) || error.code !== "unavailable") throw error;
  });
  const server = await startServer({
    reader: store,
    mirror: /^https?:\/\//.test(mirror)
      ? httpMirror(mirror.endsWith("/") ? mirror : `${mirror}/`, httpClient(MIRROR))
      : await openMirror(mirror, store, { env: (name) => Deno.env.get(name), now }),
    channel: readChannel(Deno.env.get("BFA_CHANNEL")),
    port: readPort(Deno.env.get("PORT")),
    hostname: Deno.env.get("BFA_HOST") ?? "0.0.0.0",
    now,
    publicUrl: readPublicUrl(Deno.env.get("BFA_PUBLIC_URL")),
    limits: {
      ...readLimits({
        perClient: Deno.env.get("BFA_RATE_LIMIT"),
        forAll: Deno.env.get("BFA_RATE_LIMIT_ALL"),
      }),
      clientHeader: Deno.env.get("BFA_CLIENT_HEADER"),
    },
    logRequests: Deno.env.get("BFA_LOG_REQUESTS") === "0"
      ? undefined
      : (byConsole ? consoleLog : (text) => requests.write(text)),
    telemetry: traced ? await telemetry() : undefined,
    purge: onDeploy ? () => purgeLatest() : undefined,
    log: logLine,
    sql: readSql(Deno.env.get("BFA_SQL")),
    signal: stop.signal,
  });
  logLine(`bfa serves on ${server.url}`);
  running.resolve(server);
  await server.finished;
  store.close();
  await Promise.all([requests.flushed(LOG_MS), log.flushed(LOG_MS)]);
}

function consoleLog(text: string): void {
  for (const line of text.trimEnd().split("\n")) console.log(line);
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
