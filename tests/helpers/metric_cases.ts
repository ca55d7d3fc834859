/** What services may tell of an hour, and what is to be said about it: for the command and the alerting rules alike. @module */

/** An hour of one service. */
export interface MetricCase {
  readonly name: string;
  /** The signal that it is about: once too much, then just not. */
  readonly about?: string;
  /** What counters counted in the hour, and what gauges show. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The alarms, by signal. */
  readonly alarm?: Readonly<Record<string, string>>;
}

const OK = 'bfa_http_requests_total{route="/v1/snapshot",status="200"}';
const MEMORY = 'bfa_http_answers_from_memory_total{status="200"}';

const bucket = (route: string, le: string) =>
  `bfa_http_request_duration_seconds_bucket{route="${route}",le="${le}"}`;

const durations = (route: string, upTo1s: number, all: number) => ({
  [bucket(route, "0.25")]: 0,
  [bucket(route, "1")]: upTo1s,
  [bucket(route, "5")]: all,
  [bucket(route, "+Inf")]: all,
});

const level = (limit: string, used: number, max: number) => ({
  [`bfa_limit_used{limit="${limit}"}`]: used,
  [`bfa_limit_max{limit="${limit}"}`]: max,
});

/** A case where a signal is too much, and the same where it is just not. */
function both(
  about: string,
  alarm: string,
  over: Readonly<Record<string, number>>,
  under: Readonly<Record<string, number>>,
): MetricCase[] {
  return [
    { name: `${about}: too much`, about, metrics: over, alarm: { [about]: alarm } },
    { name: `${about}: just not`, about, metrics: under },
  ];
}

const traffic = { [OK]: 500, [MEMORY]: 500 };
const memory = (process: number, sql: number) => ({
  ...traffic,
  process_resident_memory_bytes: process,
  bfa_sql_resident_memory_bytes: sql,
  bfa_memory_max_bytes: 1000e6,
});
const refused = (limit: string, count: number) => ({
  ...traffic,
  [`bfa_http_refused_total{limit="${limit}"}`]: count,
});
const failed = (route: string, status: number, count: number, all: number) => ({
  [`bfa_http_requests_total{route="${route}",status="200"}`]: all - count,
  [`bfa_http_requests_total{route="${route}",status="${status}"}`]: count,
});

/** All cases. */
export const METRIC_CASES: readonly MetricCase[] = [
  { name: "a service at rest", metrics: { [OK]: 0, [MEMORY]: 0 } },
  { name: "a service at work", metrics: traffic },
  ...both(
    "errors",
    "failing",
    failed("/v1/snapshot", 500, 11, 1000),
    failed("/v1/snapshot", 500, 9, 1000),
  ),
  { name: "what clients do wrong is no error", metrics: failed("other", 404, 900, 1000) },
  { name: "SQL that takes too long is no error", metrics: failed("/v1/query", 504, 900, 1000) },
  ...both(
    "p95",
    "grow",
    { ...traffic, ...durations("/v1/timeline", 940, 1000) },
    { ...traffic, ...durations("/v1/timeline", 955, 1000) },
  ),
  { name: "SQL may take seconds", metrics: { ...traffic, ...durations("/v1/query", 0, 1000) } },
  ...both(
    "under way",
    "grow",
    { ...traffic, ...level("under way", 257, 512) },
    { ...traffic, ...level("under way", 256, 512) },
  ),
  ...both("turned away", "grow", refused("under way", 11), refused("under way", 9)),
  {
    name: "a limit for all turns away too",
    metrics: refused("all", 11),
    alarm: { "turned away": "grow" },
  },
  ...both("rate limit", "grow", refused("client", 11), refused("under way of a client", 9)),
  ...both(
    "event streams",
    "grow",
    { ...traffic, ...level("event streams", 501, 1000) },
    { ...traffic, ...level("event streams", 500, 1000) },
  ),
  ...both(
    "large answers",
    "grow",
    { ...traffic, ...level("large answers", 17, 32) },
    { ...traffic, ...level("large answers", 16, 32) },
  ),
  ...both(
    "large files",
    "grow",
    { ...traffic, ...level("large files", 129, 256) },
    { ...traffic, ...level("large files", 128, 256) },
  ),
  ...both(
    "row questions",
    "grow",
    { ...traffic, ...level("row questions", 69, 136) },
    { ...traffic, ...level("row questions", 68, 136) },
  ),
  { name: "all places for SQL may be taken", metrics: { ...traffic, ...level("sql", 2, 2) } },
  ...both(
    "sql refused",
    "grow",
    failed("/v1/query", 503, 11, 1000),
    failed("/v/query", 503, 9, 1000),
  ),
  ...both(
    "diff refused",
    "grow",
    failed("/v1/diff", 503, 11, 1000),
    failed("/v1/diff", 503, 9, 1000),
  ),
  ...both("memory", "grow", memory(400e6, 351e6), memory(400e6, 350e6)),
  ...both(
    "requests a month",
    "grow",
    { [OK]: 400, [MEMORY]: 1000 },
    { [OK]: 380, [MEMORY]: 1000 },
  ),
  ...both(
    "sent a month",
    "grow",
    { ...traffic, 'bfa_http_sent_bytes_total{what="files"}': 28e6 },
    { ...traffic, 'bfa_http_sent_bytes_total{what="files"}': 27e6 },
  ),
];
