/**
 * The service on a port: follows the newest version, serves it, and stops cleanly.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { inTime } from "../lib/core/in_time.ts";
import { follow } from "../lib/jobs/follow.ts";
import { checkMirror, type MirrorHealth } from "../lib/jobs/mirror_health.ts";
import type { ManifestReader } from "../lib/manifest/store.ts";
import type { MirrorReader } from "../lib/mirror/mirror.ts";
import { seedSource } from "../lib/source/seed.ts";
import { type SqlPoolOptions, sqlService } from "../lib/jobs/sql_service.ts";
import { type Listening, listening } from "./listening.ts";
import { operated, type OperationOptions } from "./operation.ts";
import { RequestLog } from "./request_log.ts";
import { service } from "./service.ts";
import { openSqlPage } from "./sql_page.ts";
import type { Telemetry } from "./telemetry.ts";

/** What to serve, and where. */
export interface ServerOptions {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
  readonly channel: string;
  /** `0` takes a free port. */
  readonly port: number;
  readonly hostname: string;
  readonly now: () => Date;
  /** One line for the log. */
  readonly log: (line: string) => void;
  /** How often one client, and all together, may ask. */
  readonly limits?: Pick<OperationOptions, "perClient" | "forAll" | "clientHeader">;
  /** Takes the lines of the request log; none is kept, when left out. */
  readonly logRequests?: ((text: string) => void) | undefined;
  /** Where clients reach the service; what each request says, when left out. */
  readonly publicUrl?: string | undefined;
  /** How SQL is run; `"off"` where it is not. */
  readonly sql?: SqlPoolOptions | "off" | undefined;
  /** The folder of SQL in the browser, where there is one. */
  readonly sqlPage?: string | undefined;
  /** Tells spans of routes and versions. */
  readonly telemetry?: Telemetry | undefined;
  /** Called after every switch to another version, to empty a cache in front. */
  readonly purge?: (() => Promise<void>) | undefined;
  /** Stops the server: answers under way are finished first. */
  readonly signal: AbortSignal;
}

/** A server that listens. */
export interface Server {
  readonly url: string;
  /** Checks the mirror; `/readyz`, `/metrics` and the log tell what was found. Nothing is served: nothing. */
  checkMirror(): Promise<MirrorHealth | undefined>;
  readonly finished: Promise<void>;
}

/** How long answers under way may take once the server is told to stop, ms. */
const STOP_MS = 4_000;

/** How long following may take to end after that, ms. */
const CLOSE_MS = 500;

/** Starts to serve; resolves when the port is open. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { reader, mirror, channel, hostname, now, log, signal } = options;
  const sqlPage = options.sqlPage === undefined ? undefined : await openSqlPage(options.sqlPage);
  const followed = await follow({
    reader,
    mirror,
    channel,
    onProblem: (error) => log(`problem ${error.code}: ${error.message}`),
  });
  const stop = followed.onChange(({ stored }) => {
    const { version, sequence } = stored.manifest.signed;
    log(`now serving ${version} (sequence ${sequence})`);
    options.purge?.().catch((error) => log(`problem: ${error.message}`));
  });
  let health: MirrorHealth | undefined;
  const mirrorHealth = () => health;
  let port = options.port;
  const requestLog = options.logRequests && new RequestLog(options.logRequests);
  const onProblem = (error: unknown) =>
    log(`problem: ${error instanceof Error ? error.stack : error}`);
  const sql = options.sql === "off"
    ? undefined
    : sqlService({ reader, mirror, followed, onProblem, pool: options.sql });
  const answers = service({
    reader,
    mirror,
    followed,
    seed: await seedSource(),
    channel,
    now,
    onProblem,
    mirrorHealth,
    stopping: signal,
    publicUrl: options.publicUrl,
    // Whoever purges a cache has one in front.
    cdn: options.purge !== undefined,
    sql,
    sqlPage,
  });
  const { fetch } = operated(answers, {
    followed,
    now,
    ...options.limits,
    log: requestLog,
    port: () => port,
    mirrorHealth,
    telemetry: options.telemetry,
  });
  let server: Listening;
  try {
    server = listening({ port, hostname, fetch, onProblem });
    port = server.port;
  } catch (error) {
    await sql?.close();
    await followed.close();
    throw listenError(error, hostname, port);
  }
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `http://${host}:${port}`,
    async checkMirror() {
      const signed = followed.current()?.stored.manifest.signed;
      if (!signed) return undefined;
      health = await checkMirror(mirror, signed, { now: now(), chance: Math.random() });
      for (const { code, message } of health.faults) log(`mirror ${code}: ${message}`);
      return health;
    },
    finished: untilStopped(server, signal).finally(async () => {
      stop();
      requestLog?.flush();
      await sql?.close();
      await inTime(followed.close(), CLOSE_MS, () => {}); // a load may hang on its mirror
    }),
  };
}

/** Reads the setting that switches SQL off, or says how many statements run at once. */
export function readSql(text: string | undefined): "off" | SqlPoolOptions | undefined {
  if (text === undefined || text === "on") return undefined;
  if (text === "off") return "off";
  if (/^[1-9]\d?$/.test(text)) return { slots: Number(text) };
  throw new BfaError(
    "usage",
    `Cannot read BFA_SQL ${JSON.stringify(text.slice(0, 40))}: on, off, or how many at once`,
  );
}

/** Reads a port; 8000 when none is given. */
export function readPort(text = "8000"): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new BfaError(
    "usage",
    `Cannot listen on port ${JSON.stringify(text)}: give a number up to 65535`,
  );
}

async function untilStopped(server: Listening, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  await inTime(server.shutdown(), STOP_MS, () => {});
}

function listenError(error: unknown, hostname: string, port: number): unknown {
  if (error instanceof Deno.errors.AddrInUse) {
    return new BfaError(
      "usage",
      `Cannot listen on ${hostname}:${port}: the port is in use; set PORT or --port to another`,
    );
  }
  if (
    error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.AddrNotAvailable
  ) {
    return new BfaError("usage", `Cannot listen on ${hostname}:${port}: ${error.message}`);
  }
  return error;
}
