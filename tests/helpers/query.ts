/** A service that answers SQL: a whole small version, built and published. @module */

import { parseDay } from "../../lib/core/day.ts";
import { build } from "../../lib/jobs/build.ts";
import { follow } from "../../lib/jobs/follow.ts";
import { publish } from "../../lib/jobs/publish.ts";
import type { OldSqlOptions } from "../../lib/jobs/old_sql.ts";
import { type SqlPoolOptions, type SqlService, sqlService } from "../../lib/jobs/sql_service.ts";
import type { MirrorReader } from "../../lib/mirror/mirror.ts";
import { type Service, service } from "../../routes/service.ts";
import { type TestPublisher, withPublisher } from "./publisher.ts";
import { LISTINGS, SEED } from "./service.ts";
import { PATIENT } from "./sql.ts";

/** A running service. */
export interface QueryService {
  readonly world: TestPublisher;
  readonly sql: SqlService;
  readonly service: Service;
  readonly problems: unknown[];
  /** Asks in process. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Asks `GET /v1/query?sql=…`. */
  query(sql: string, more?: string, init?: RequestInit): Promise<Response>;
  /** Posts a body as JSON. */
  post(body: unknown): Promise<Response>;
  /** Builds and publishes a version with a database, and waits until SQL is asked of it. */
  publish(version: string): Promise<void>;
}

/** How to set the service up. */
export interface QueryServiceOptions {
  pool?: SqlPoolOptions;
  old?: OldSqlOptions;
  /** Stands between the service and the publisher's mirror. */
  wrapMirror?: (mirror: MirrorReader) => MirrorReader;
}

/** Runs a test with a service that serves version 2024-03-31.1. */
export async function withQueryService(
  test: (service: QueryService) => Promise<void>,
  options: QueryServiceOptions = {},
): Promise<void> {
  await withPublisher(async (world) => {
    const publishVersion = async (version: string) => {
      const outDir = `${world.dir}/builds/${version}`;
      const listings = { dataThrough: parseDay(version.slice(0, 10)), listings: LISTINGS };
      await publish(world.publisher, await build(listings, { version, outDir }), outDir);
    };
    await publishVersion("2024-03-31.1");
    const { store: reader, mirrors } = world.publisher;
    const mirror = options.wrapMirror?.(mirrors[0]!) ?? mirrors[0]!;
    const problems: unknown[] = [];
    const onProblem = (error: unknown) => problems.push(error);
    const followed = await follow({ reader, mirror, channel: "latest", onProblem });
    const sql = sqlService({
      reader,
      mirror,
      followed,
      onProblem,
      pool: { ...PATIENT, ...options.pool },
      old: { waitMs: 120_000, ...options.old },
    });
    const now = () => world.clock;
    const made = service({ reader, mirror, followed, seed: SEED, now, onProblem, sql });
    const ask = async (path: string, init?: RequestInit) =>
      await made.fetch(new Request(`http://127.0.0.1${path}`, init));
    try {
      await sql.ready();
      await test({
        world,
        sql,
        service: made,
        problems,
        ask,
        query: (sql, more = "", init) =>
          ask(`/v1/query?sql=${encodeURIComponent(sql)}${more}`, init),
        post: (body) =>
          ask("/v1/query", {
            method: "POST",
            headers: { "content-type": "application/json; charset=utf-8" },
            body: JSON.stringify(body),
          }),
        async publish(version) {
          const switched = Promise.withResolvers<void>();
          const stop = followed.onChange(() => switched.resolve());
          await publishVersion(version);
          await switched.promise;
          stop();
          await sql.ready();
        },
      });
    } finally {
      await sql.close();
      await followed.close();
    }
  });
}
