/**
 * What the service tells Prometheus: `GET /metrics`.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Followed } from "../lib/jobs/follow.ts";
import type { MirrorHealth } from "../lib/jobs/mirror_health.ts";
import type { LimitUse } from "./limits.ts";
import { memoryMax } from "./memory_max.ts";
import { sentBytes } from "./sent_bytes.ts";

/** Seconds: answers from memory take some tens of microseconds, large ones seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1, 5];

/** The limits that refuse before a request is looked at. */
const REFUSING = ["client", "all", "under way", "under way of a client"];

/** Counts requests. */
export interface Metrics {
  /** Counts an answer from memory: there are so many that anything more would slow them down. */
  fromMemory(status: number): void;
  /** Counts an answer that was made. `route` is one of few names. */
  observe(route: string, status: number, seconds: number): void;
  /** Counts a request that was refused because of a limit. */
  refused(limit: string): void;
  /** The text that Prometheus reads. */
  text(): Promise<string>;
}

/** Metrics of one service. */
export function metrics(
  options: {
    readonly followed: Pick<Followed, "current">;
    readonly now: () => Date;
    /** How near the limits are. */
    readonly limits: () => readonly LimitUse[];
    /** Memory of the children that run SQL, bytes. */
    readonly sqlBytes: () => number;
    readonly mirrorHealth?: (() => MirrorHealth | undefined) | undefined;
  },
): Metrics {
  const { followed, now, limits, sqlBytes, mirrorHealth } = options;
  const register = new Registry();
  const registers = [register];
  const kept = { ok: 0, notModified: 0 };
  new Counter({
    name: "bfa_http_answers_from_memory_total",
    help: "Requests answered from memory",
    labelNames: ["status"] as const,
    registers,
    collect() {
      this.reset();
      this.inc({ status: 200 }, kept.ok);
      this.inc({ status: 304 }, kept.notModified);
    },
  });
  const requests = new Counter({
    name: "bfa_http_requests_total",
    help: "Requests whose answer was made for them, or refused",
    labelNames: ["route", "status"] as const,
    registers,
  });
  const durations = new Histogram({
    name: "bfa_http_request_duration_seconds",
    help: "Time until such an answer began",
    labelNames: ["route"] as const,
    buckets: BUCKETS,
    registers,
  });
  const refusals = new Counter({
    name: "bfa_http_refused_total",
    help: "Requests refused because of a limit",
    labelNames: ["limit"] as const,
    registers,
  });
  // What is there from the start shows its first increase as well.
  for (const limit of REFUSING) refusals.inc({ limit }, 0);
  new Counter({
    name: "bfa_http_sent_bytes_total",
    help:
      "Bytes of the bodies of answers: of files, which a mirror could send too, and of all others",
    labelNames: ["what"] as const,
    registers,
    collect() {
      this.reset();
      for (const [what, bytes] of Object.entries(sentBytes())) this.inc({ what }, bytes);
    },
  });
  new Gauge({
    name: "bfa_limit_used",
    help: "How much of a limit is taken",
    labelNames: ["limit"] as const,
    registers,
    collect() {
      for (const { limit, used } of limits()) this.set({ limit }, used);
    },
  });
  new Gauge({
    name: "bfa_limit_max",
    help: "How much of it there is",
    labelNames: ["limit"] as const,
    registers,
    collect() {
      for (const { limit, max } of limits()) this.set({ limit }, max);
    },
  });
  new Gauge({
    name: "bfa_version_info",
    help: "The version that is served",
    labelNames: ["version", "channel"] as const,
    registers,
    collect() {
      this.reset();
      const signed = followed.current()?.stored.manifest.signed;
      if (signed) this.set({ version: signed.version, channel: signed.channel }, 1);
    },
  });
  new Gauge({
    name: "bfa_version_sequence",
    help: "Sequence of the manifest that is served; 0 before the first",
    registers,
    collect() {
      this.set(followed.current()?.stored.manifest.signed.sequence ?? 0);
    },
  });
  new Gauge({
    name: "bfa_version_overdue_seconds",
    help: "How long ago a newer version was expected; negative while none is",
    registers,
    collect() {
      const signed = followed.current()?.stored.manifest.signed;
      if (signed) {
        this.set((now().getTime() - Date.parse(signed.freshness.refreshAfter)) / 1000);
      } else this.remove();
    },
  });
  new Gauge({
    name: "bfa_mirror_faults",
    help: "Artifacts that the mirror did not serve when it was last checked",
    registers,
    collect() {
      const health = mirrorHealth?.();
      if (health) this.set(health.faults.length);
      else this.remove();
    },
  });
  new Gauge({
    name: "bfa_mirror_checked_timestamp_seconds",
    help: "When the mirror was last checked",
    registers,
    collect() {
      const health = mirrorHealth?.();
      if (health) this.set(Date.parse(health.checkedAt) / 1000);
      else this.remove();
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory",
    registers,
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });
  new Gauge({
    name: "bfa_sql_resident_memory_bytes",
    help: "Resident memory of the child processes that run SQL, when they last answered",
    registers,
    collect() {
      this.set(sqlBytes());
    },
  });
  new Gauge({
    name: "bfa_memory_max_bytes",
    help:
      "Memory that the process and its children may take: of the container, else of the machine",
    registers,
    collect() {
      this.set(memoryMax());
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process began, seconds since 1970",
    registers,
  }).set(performance.timeOrigin / 1000);

  return {
    fromMemory(status) {
      if (status === 304) kept.notModified++;
      else kept.ok++;
    },
    observe(route, status, seconds) {
      requests.inc({ route, status });
      durations.observe({ route }, seconds);
    },
    refused: (limit) => refusals.inc({ limit }),
    text: () => register.metrics(),
  };
}
