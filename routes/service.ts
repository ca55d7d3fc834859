/**
 * The HTTP service: a request in, a response out. Reads what it was given; opens nothing itself.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Source } from "../lib/core/answers.ts";
import { type Day, dayNumber } from "../lib/core/day.ts";
import type { Followed } from "../lib/jobs/follow.ts";
import { mirrorRows, RowCache, type RowSource, type RowsQuestion } from "../lib/jobs/row_source.ts";
import {
  type AskedVersion,
  type VersionSources,
  versionSources,
} from "../lib/jobs/version_sources.ts";
import type { SqlService } from "../lib/jobs/sql_service.ts";
import type { MirrorHealth } from "../lib/jobs/mirror_health.ts";
import type { ManifestReader } from "../lib/manifest/store.ts";
import type { MirrorReader } from "../lib/mirror/mirror.ts";
import { answerer } from "./answer.ts";
import { differ } from "./differ.ts";
import { largeLimits } from "./large.ts";
import { Limits, type LimitUse } from "./limits.ts";
import { mountQuery } from "./query.ts";
import { problem } from "./problem.ts";
import { otherRoutes } from "./other_routes.ts";
import { routed } from "./routed.ts";
import type { SqlPage } from "./sql_page.ts";
import { type TurnAsked, Turns } from "./turns.ts";

/** What the service is made of. */
export interface ServiceOptions {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
  readonly followed: Followed;
  /** Where other versions come from; `reader` and `mirror`, when left out. */
  readonly versions?: VersionSources;
  /** Answers until a first version is there: the embedded listings. */
  readonly seed: Source;
  /** The channel that `followed` follows; `latest`, when left out. */
  readonly channel?: string;
  /** Where clients reach the service, without a slash at the end; what each request says, when left out. */
  readonly publicUrl?: string | undefined;
  /** Deno Deploy's own cache is in front. */
  readonly cdn?: boolean;
  readonly now: () => Date;
  /** Told of failures that are not the client's. */
  readonly onProblem: (error: unknown) => void;
  /** What the last check of the mirror found. */
  readonly mirrorHealth?: () => MirrorHealth | undefined;
  /** Aborts when the server stops: event streams end then. */
  readonly stopping?: AbortSignal;
  readonly heartbeatMs?: number;
  /** Answers SQL; where it is left out, `/v1/query` says that it is switched off. */
  readonly sql?: SqlService | undefined;
  /** SQL in the browser; where it is left out, `/sql/` is not there. */
  readonly sqlPage?: SqlPage | undefined;
}

/** Answers requests. */
export interface Service {
  /** The answer that is in memory, if it is. */
  kept(request: Request): Response | undefined;
  /** Any answer. `from.client` tells clients apart, where they are known. */
  fetch(request: Request, from?: { client?: string }): Response | Promise<Response>;
  /** How near its limits are. */
  limits(): readonly LimitUse[];
  /** Memory of the children that run SQL, bytes. */
  sqlBytes(): number;
}

/** Memory for rows that were read from the mirror, bytes. */
const ROWS_BYTES = 32 * 1024 * 1024;

/** Questions about rows: many at once keep one another from reading until their mirror seems silent. */
const READING = { action: "read rows", atOnce: 8, waiting: 128, ofClient: 32 };

/** Those of many days first wait here: a month of all symbols holds some tens of MB while it is read. */
const READING_LONG = { action: "read so many rows", atOnce: 2, waiting: 32, ofClient: 8 };

/** From so many days of all symbols on. */
const LONG_DAYS = 5;

/** Makes the service. */
export function service(options: ServiceOptions): Service {
  const { versions = versionSources(options), channel = "latest", sql } = options;
  const cache = new RowCache(ROWS_BYTES);
  const [turns, longTurns] = [new Turns(READING), new Turns(READING_LONG)];
  const limits = new Limits();
  limits.add(() => [
    ...largeLimits(),
    { limit: "row questions", ...turns.use },
    { limit: "long row questions", ...longTurns.use },
    ...sqlLimits(sql),
  ]);
  const allRowsOf = (asked: AskedVersion) =>
    mirrorRows(options.mirror, asked.stored.manifest.signed, cache);
  const rowsOf = (asked: AskedVersion, who: TurnAsked): RowSource => {
    const rows = allRowsOf(asked);
    return {
      rows: (question) => {
        const read = () => turns.run(who, () => rows.rows(question));
        return isLong(question) ? longTurns.run(who, read) : read();
      },
      top: (day, n, options) => turns.run(who, () => rows.top(day, n, options)),
    };
  };
  const diff = differ((asked) => ({ ...asked, pieces: allRowsOf(asked).pieces }), limits);
  const answers = answerer({ ...options, versions, rowsOf, diff, channel });
  const app = routed({
    answers,
    routes: otherRoutes({ ...options, versions, limits }, answers.source),
    onProblem: options.onProblem,
    mount: (app) => mountQuery(app, (env) => ({ sql, ...env as { client?: string } })),
  });
  const kept = (request: Request) =>
    request.method === "GET" && IN_URL.test(request.url) ? answers.kept(request) : undefined;
  return {
    kept,
    fetch(request, from = {}) {
      if (!isAddressed(request)) return problem(NO_HOST);
      if (request.method !== "HEAD") return kept(request) ?? app.fetch(request, from);
      return headOf(app.fetch(request, from));
    },
    limits: () => limits.now(),
    sqlBytes: () => sql?.load().bytes ?? 0,
  };
}

/** An answer to HEAD; of one without a body the server says that its length is 0, which nobody knows while it is streamed. */
async function headOf(answer: Response | Promise<Response>): Promise<Response> {
  const head = await answer;
  if (head.status !== 200 || head.headers.has("content-length")) return head;
  return new Response(new ReadableStream({ start: (controller) => controller.close() }), head);
}

function isLong({ symbol, from, to }: RowsQuestion): boolean {
  if (symbol !== undefined || from === undefined || to === undefined) return false;
  return dayNumber(to as Day) - dayNumber(from as Day) + 1 >= LONG_DAYS;
}

function sqlLimits(sql: SqlService | undefined): LimitUse[] {
  if (!sql) return [];
  const { running, slots, waiting, queue } = sql.load();
  return [
    { limit: "sql", used: running, max: slots },
    { limit: "sql queue", used: waiting, max: queue },
  ];
}

/** What a Host header may hold. */
const AUTHORITY = String.raw`(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{0,5})?`;
const IN_URL = new RegExp(`^https?://${AUTHORITY}/`, "i");
const IN_HEADER = new RegExp(`^${AUTHORITY}$`, "i");

/**
 * Whether the URL's path and query are those of the request. With a Host header such as `a#` they are not: the answer to
 * one question would be kept as that to another, and given to everybody.
 */
function isAddressed({ url, headers }: Request): boolean {
  const host = headers.get("host"); // HTTP/2 has none
  return IN_URL.test(url) && (host === null || IN_HEADER.test(host)) && URL.canParse(url);
}

const NO_HOST = new BfaError("usage", "Cannot read the request: its Host header names no host");
