/**
 * What to watch on a service, from where on it is too much, and what to do then. `bfa monitor`, the alerting rules in
 * deploy/monitoring/ and the table in docs/monitoring.md are all made from this.
 *
 * @module
 */

/** How a signal is measured: selectors of the service's metrics. */
export type Measure =
  /** Of what `among` counted, the part that `of` counted. */
  | { readonly kind: "share"; readonly of: readonly string[]; readonly among: readonly string[] }
  /** How much of what there is (`among`) is taken. */
  | { readonly kind: "level"; readonly of: readonly string[]; readonly among: readonly string[] }
  /** What 95 of 100 stay below, seconds. */
  | { readonly kind: "p95"; readonly of: string }
  /** How much is counted a second. */
  | { readonly kind: "rate"; readonly of: readonly string[] }
  /** How much 30 days like these would count. */
  | { readonly kind: "month"; readonly of: readonly string[] }
  /** Not in the metrics: bytes of all versions on a place, bytes of its largest file. */
  | { readonly kind: "stored" | "largest" };

/** What is to be done about a signal: repair, or grow. */
export type Alarm = "failing" | "grow";

/** One thing to watch. */
export interface Signal {
  readonly name: string;
  /** What it is, in a few words. */
  readonly about: string;
  readonly measure: Measure;
  /** What is counted, where it is not requests. */
  readonly unit?: "bytes";
  /** What more than that means; signals without it are only shown. */
  readonly limit?: SignalLimit;
}

/** From where on a signal is too much. */
export interface SignalLimit {
  readonly most: number;
  readonly alarm: Alarm;
  /** What its alerting rule is called; rules are made only where metrics tell. */
  readonly alert?: string;
  /** Why there. */
  readonly why: string;
  /** What to do. */
  readonly next: string;
}

/** Fewer than that say nothing about one in a hundred. */
export const LEAST_COUNTED = 100;

/** A shorter time says nothing about a month, seconds. */
export const LEAST_SECONDS = 3_600;

/** The days that a month is counted as. */
export const MONTH_SECONDS = 30 * 86_400;

/**
 * A client tries six times and waits in between (lib/net/retry.ts): of what fails once in a hundred, next to nothing
 * fails in the end. What fails more often is no accident.
 */
const ONE_IN_A_HUNDRED = 0.01;

/** When one of two instances stops, the other gets its clients too: up to a half, that goes well. */
const HALF = 0.5;

/** What is left of 768 MB (Deno Deploy) then holds the caches of answers (64 MB) and rows (32 MB), and a second version while they switch. */
const THREE_QUARTERS = 0.75;

const ALL = ["bfa_http_requests_total", "bfa_http_answers_from_memory_total"];
const REFUSED_WHY = "clients try six times: rarer than one in a hundred, they only wait";
const HALF_WHY = "when one of two instances stops, the other gets all";

/** What to watch on every service, in the order it is shown. */
export const SIGNALS: readonly Signal[] = [
  {
    name: "requests",
    about: "all that were answered or refused",
    measure: { kind: "rate", of: ALL },
  },
  {
    name: "304",
    about: "answers that the client had already; the more, the better",
    measure: {
      kind: "share",
      of: [
        'bfa_http_requests_total{status="304"}',
        'bfa_http_answers_from_memory_total{status="304"}',
      ],
      among: ALL,
    },
  },
  {
    name: "sent",
    about: "bytes of the bodies of answers",
    measure: { kind: "rate", of: ["bfa_http_sent_bytes_total"] },
    unit: "bytes",
  },
  {
    name: "errors",
    about: "answers with a status from 500 on, but for SQL and comparisons",
    measure: {
      kind: "share",
      of: ['bfa_http_requests_total{status=~"5..",route!~"/v1?/(query|diff)"}'],
      among: ALL,
    },
    limit: {
      most: ONE_IN_A_HUNDRED,
      alarm: "failing",
      alert: "BfaErrors",
      why: REFUSED_WHY,
      next: "look for `problem` in the log: KV, the mirror, or a bug (docs/operations.md)",
    },
  },
  {
    name: "p95",
    about:
      "95 of 100 answers begin within that time; SQL, comparisons and answers from memory are left out",
    measure: {
      kind: "p95",
      of: 'bfa_http_request_duration_seconds_bucket{route!~"/v1?/(query|diff)"}',
    },
    limit: {
      most: 1,
      alarm: "grow",
      alert: "BfaSlow",
      why: "a stale copy waits 2 s for its publisher, and connecting takes part of that",
      next:
        "a mirror that answers sooner, a cache in front (deploy/cloudfront.yaml), another instance",
    },
  },
  {
    name: "under way",
    about: "requests that are being answered, of 512",
    measure: level("under way"),
    limit: {
      most: HALF,
      alarm: "grow",
      alert: "BfaUnderWay",
      why: HALF_WHY,
      next: "another instance, or a cache in front (deploy/cloudfront.yaml)",
    },
  },
  {
    name: "turned away",
    about: "requests refused because 512 were under way, or by the limit for all",
    measure: {
      kind: "share",
      of: ['bfa_http_refused_total{limit=~"under way|all"}'],
      among: ALL,
    },
    limit: {
      most: ONE_IN_A_HUNDRED,
      alarm: "grow",
      alert: "BfaTurnedAway",
      why: REFUSED_WHY,
      next: "another instance; or raise BFA_RATE_LIMIT_ALL, if that is what refuses",
    },
  },
  {
    name: "rate limit",
    about: "requests refused because one client asked too often, or had 64 under way",
    measure: {
      kind: "share",
      of: ['bfa_http_refused_total{limit=~"client|under way of a client"}'],
      among: ALL,
    },
    limit: {
      most: ONE_IN_A_HUNDRED,
      alarm: "grow",
      alert: "BfaRateLimit",
      why: REFUSED_WHY,
      next:
        "tell those clients to keep a copy (`bfa`, the library): it asks once a day; behind a proxy of yours: BFA_CLIENT_HEADER; many people at one address: raise BFA_RATE_LIMIT",
    },
  },
  {
    name: "event streams",
    about: "open event streams, of 1000",
    measure: level("event streams"),
    limit: {
      most: HALF,
      alarm: "grow",
      alert: "BfaEventStreams",
      why: HALF_WHY,
      next: "another instance; copies need no stream, they know from the manifest when to ask",
    },
  },
  {
    name: "large answers",
    about: "answers over 1 MB that were made for one client and are being sent, of 32",
    measure: level("large answers"),
    limit: {
      most: HALF,
      alarm: "grow",
      alert: "BfaLargeAnswers",
      why: HALF_WHY,
      next:
        "another instance; or tell people to keep a copy (`bfa pull`), or to take pages (`limit`)",
    },
  },
  {
    name: "large files",
    about: "files of versions that are being sent, of 256",
    measure: level("large files"),
    limit: {
      most: HALF,
      alarm: "grow",
      alert: "BfaLargeFiles",
      why: HALF_WHY,
      next:
        "let a mirror or a CDN send the files: publish with --mirror-url, and clients ask there first",
    },
  },
  {
    name: "row questions",
    about: "questions about rows that read or wait, of 136",
    measure: level("row questions"),
    limit: {
      most: HALF,
      alarm: "grow",
      alert: "BfaRowQuestions",
      why: HALF_WHY,
      next:
        "another instance; or tell people to keep a copy (`bfa pull`), which reads on their own machine",
    },
  },
  {
    name: "sql refused",
    about:
      "SQL refused because no child was free within a second, 8 waited already, or one client ran 4",
    measure: {
      kind: "share",
      of: ['bfa_http_requests_total{route=~"/v1?/query",status="503"}'],
      among: ['bfa_http_requests_total{route=~"/v1?/query"}'],
    },
    limit: {
      most: ONE_IN_A_HUNDRED,
      alarm: "grow",
      alert: "BfaSqlRefused",
      why: REFUSED_WHY,
      next:
        "tell people `bfa sql`, which runs on their own machine; or BFA_SQL=4: each at once takes a core and 540 MB at most",
    },
  },
  {
    name: "diff refused",
    about: "comparisons refused because 16 waited already",
    measure: {
      kind: "share",
      of: ['bfa_http_requests_total{route="/v1/diff",status="503"}'],
      among: ['bfa_http_requests_total{route="/v1/diff"}'],
    },
    limit: {
      most: ONE_IN_A_HUNDRED,
      alarm: "grow",
      alert: "BfaDiffRefused",
      why: REFUSED_WHY,
      next: "tell people `bfa diff`, which runs on their own machine; or another instance",
    },
  },
  {
    name: "memory",
    about: "memory of the process and its SQL children, of the container or the machine",
    measure: {
      kind: "level",
      of: ["process_resident_memory_bytes", "bfa_sql_resident_memory_bytes"],
      among: ["bfa_memory_max_bytes"],
    },
    unit: "bytes",
    limit: {
      most: THREE_QUARTERS,
      alarm: "grow",
      alert: "BfaMemory",
      why: "what is left holds the caches (96 MB) and a second version while they switch",
      next: "more memory, or BFA_SQL=off",
    },
  },
];

function level(limit: string): Measure {
  return {
    kind: "level",
    of: [`bfa_limit_used{limit="${limit}"}`],
    among: [`bfa_limit_max{limit="${limit}"}`],
  };
}
