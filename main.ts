/**
 * The HTTP service, as Deno Deploy runs it. The entry point: it reads the environment, builds what
 * the service needs from it, and hands that down.
 *
 * | variable | what |
 * | --- | --- |
 * | `BFA_KV` | Deno KV: a file or `http(s)://…`; the platform's own when unset |
 * | `BFA_KV_READ_MS` | how long a read of KV may take before the last good answer is given; 250 when unset |
 * | `BFA_MIRROR` | where artifacts are: a folder, an `http(s)://…` base URL, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY` or `github:OWNER/REPO`; `.bfa/mirror` when unset |
 * | `BFA_BAKED` | a folder with a version that comes with the program, as in its image: it is served until `BFA_KV` or `BFA_MIRROR` shows a newer one, and needs neither |
 * | `BFA_TRUSTED_KEYS` | with `BFA_BAKED` and without `BFA_KV`: keys whose manifests on `BFA_MIRROR` count; those of the version in the folder when unset |
 * | `BFA_SQL` | `off` answers no SQL, and starts no child processes for it; a number runs that many statements at once, 2 when unset |
 * | `BFA_SQL_PAGE` | a folder that `deno task browser` made: SQL in the browser, at `/sql/` |
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
import { withBaked } from "./lib/jobs/baked.ts";
import { isHttpPlace, openMirror } from "./lib/jobs/open_mirrors.ts";
import {
  isRemoteKv,
  kvManifestStore,
  openKv,
  pollEveryMs,
  readKvReadMs,
} from "./lib/manifest/kv.ts";
import { type LateReader, lateReader } from "./lib/manifest/late_reader.ts";
import type { ManifestReader } from "./lib/manifest/store.ts";
import { httpClient } from "./lib/net/client.ts";
import { DEFAULT_RETRY } from "./lib/net/retry.ts";
import { readPublicUrl } from "./routes/address.ts";
import { purgeLatest } from "./routes/cdn.ts";
import { LogPipe } from "./routes/log_pipe.ts";
import { readLimits } from "./routes/rate_limit.ts";
import { readPort, readSql, type Server, startServer } from "./routes/server.ts";
import { telemetry, telemetryIsOn } from "./routes/telemetry.ts";

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
  const windows = Deno.build.os === "windows"; // which knows no SIGTERM
  for (const signal of windows ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const now = () => new Date();
  const onDeploy = Deno.env.get("DENO_DEPLOY") !== undefined;
  const traced = telemetryIsOn(Deno.env.get("OTEL_DENO"));
  const [requests, problems] = [new LogPipe(Deno.stdout), new LogPipe(Deno.stderr)];
  // OpenTelemetry, and with it Deno Deploy, takes the lines of the console alone.
  const byConsole = onDeploy || traced;
  const log = byConsole
    ? (line: string) => console.error(line)
    : (line: string) => problems.write(`${line}\n`);
  const { reader, mirror, close } = await openPlaces(onDeploy, now, log);
  const server = await startServer({
    reader,
    mirror,
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
    log,
    sql: readSql(Deno.env.get("BFA_SQL")),
    sqlPage: Deno.env.get("BFA_SQL_PAGE") || undefined,
    signal: stop.signal,
  });
  log(`bfa serves on ${server.url}`);
  running.resolve(server);
  await server.finished;
  close();
  await Promise.all([requests.flushed(LOG_MS), problems.flushed(LOG_MS)]);
}

/** Where manifests and files are. */
async function openPlaces(onDeploy: boolean, now: () => Date, log: (line: string) => void) {
  const env = (name: string) => Deno.env.get(name) || undefined;
  const kv = env("BFA_KV");
  const baked = env("BFA_BAKED");
  const place = env("BFA_MIRROR");
  const mirrorAt = async (
    place: string,
    manifests: Pick<ManifestReader, "versions" | "bySequence">,
  ) =>
    isHttpPlace(place)
      ? httpMirror(place.endsWith("/") ? place : `${place}/`, httpClient(MIRROR))
      : await openMirror(place, manifests, { env, now, retry: MIRROR.retry });

  const store = kv || !baked ? await openStore(kv, onDeploy) : undefined;
  const close = () => store?.close();
  if (store && !baked) {
    return { reader: store, mirror: await mirrorAt(place ?? ".bfa/mirror", store), close };
  }
  const places = await withBaked(baked!, {
    reader: store,
    openMirror: place ? (manifests) => mirrorAt(place, manifests) : undefined,
  }, {
    trustedKeys: env("BFA_TRUSTED_KEYS")?.split(/[\s,]+/).filter(Boolean),
    onProblem: ({ code, message }) => log(`problem ${code}: ${message}`),
  });
  return { ...places, close };
}

async function openStore(kv: string | undefined, onDeploy: boolean): Promise<LateReader> {
  const remote = isRemoteKv(kv, onDeploy);
  const readMs = readKvReadMs(Deno.env.get("BFA_KV_READ_MS") || undefined);
  const pollMs = pollEveryMs(remote);
  const store = lateReader(async () => kvManifestStore(await openKv(kv), { readMs, pollMs }));
  await store.open().catch((error) => {
    // What is on a network comes back; a file that does not open is a mistake in the settings.
    if (!remote || !(error instanceof BfaError) || error.code !== "unavailable") throw error;
  });
  return store;
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
