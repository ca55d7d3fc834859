/**
 * Monitor: looks at the places that serve versions, and says what is late, behind, broken or too small.
 *
 * @module
 */

import type { ErrorCode } from "../core/errors.ts";
import { freshnessAt } from "../core/freshness.ts";
import { factsBetween, judge, type Judged } from "../core/judge.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { platformOf } from "../core/platforms.ts";
import { type Alarm, SIGNALS } from "../core/signals.ts";
import type { MetricsLook, PlaceLook } from "./monitor_looks.ts";

/** What a finding says: all is well, or what is wrong. */
export type State =
  | "ok"
  | "late"
  | "expired"
  | "behind"
  | "broken"
  | "untrusted"
  | "unreachable"
  | Alarm;

/** The failure that each state is, the most urgent first. */
export const STATE_CODES: Readonly<Record<Exclude<State, "ok">, ErrorCode>> = {
  untrusted: "untrusted",
  broken: "integrity",
  unreachable: "network",
  failing: "unavailable",
  expired: "expired",
  late: "stale",
  behind: "stale",
  grow: "limit",
};

/** What a finding's numbers are. */
export type Unit =
  | "text"
  | "instant"
  | "duration"
  | "share"
  | "level"
  | "bytes level"
  | "seconds"
  | "a second"
  | "bytes a second"
  | "a month"
  | "bytes a month"
  | "bytes";

/** One line of what was found. */
export interface Finding {
  readonly place: string;
  readonly signal: string;
  readonly state: State;
  /** What it is now. */
  readonly value: number | string;
  /** What it may be; `null` where it is only shown. */
  readonly most: number | string | null;
  readonly unit: Unit;
  /** What `value` is a part of. */
  readonly whole: number | null;
  /** What to do, where something is to be done. */
  readonly next: string | null;
}

/** What was looked at. */
export interface Looks {
  readonly places: readonly PlaceLook[];
  /** A look at the same services before, by name: what is counted is what came since. */
  readonly earlier?: ReadonlyMap<string, MetricsLook>;
  /** What a version adds to those before it, bytes. */
  readonly bytesPerVersion?: number | undefined;
  readonly now: Date;
}

/** A pointer may be kept for a minute, and who missed a push reads again within one: until then nobody is behind. */
const CATCH_UP_MS = 2 * 60_000;

/** Tells what was found, place by place. */
export function findings(looks: Looks): Finding[] {
  const newest = newestOf(looks.places);
  return looks.places.flatMap((place) => [
    ...(place === newest ? [publisherOf(place.name, place.signed!, looks.now)] : []),
    ...placeFindings(place, newest, looks),
  ]);
}

function newestOf(places: readonly PlaceLook[]): PlaceLook | undefined {
  return places.filter(({ signed }) => signed)
    .toSorted((a, b) => b.signed!.sequence - a.signed!.sequence)[0];
}

/** When the next version is expected, and from when on it is late. */
function publisherOf(place: string, { freshness }: ManifestBody, now: Date): Finding {
  const next = {
    late: "look at the publisher's last run: its log, `bfa log`, what Binance Vision has",
    expired: "`bfa renew` signs the version again; look at the publisher's last run",
  };
  const at = freshnessAt(freshness, now);
  const state = at === "stale" ? "late" : at === "expired" ? "expired" : "ok";
  return finding(place, "next version", freshness.refreshAfter, {
    most: freshness.staleAfter,
    unit: "instant",
    ...(state === "ok" ? {} : { state, next: next[state] }),
  });
}

function placeFindings(
  look: PlaceLook,
  newest: PlaceLook | undefined,
  looks: Looks,
): Finding[] {
  const { name, failure, signed } = look;
  if (failure || !signed || !newest?.signed) {
    const code = failure?.code ?? "network";
    const state = code === "untrusted"
      ? "untrusted"
      : code === "integrity"
      ? "broken"
      : "unreachable";
    return [finding(name, "answers", failure?.message ?? "", { state, next: REPAIR[state] })];
  }
  return [
    versionOf(look, newest, looks.now),
    filesOf(look, newest),
    ...serviceOf(look, looks),
    ...storageOf(look, looks.bytesPerVersion),
  ];
}

const REPAIR = {
  unreachable: "see whether it runs: `bfa health ADDRESS`, its log",
  untrusted: "find out who publishes there; keys are changed in two steps (docs/freshness.md)",
  broken: "`bfa mirror verify` tells more; `bfa mirror sync` from a sound place repairs it",
};

function versionOf(look: PlaceLook, newest: PlaceLook, now: Date): Finding {
  const [own, latest] = [look.signed!, newest.signed!];
  const published = Date.parse(latest.publishedAt);
  const behind = own.sequence < latest.sequence && now.getTime() - published > CATCH_UP_MS;
  const next = look.service
    ? "look for `problem` in its log: it does not reach KV, or the new version's files"
    : `bring it over: \`bfa mirror sync --from ${newest.name} --to ${look.name}\``;
  return finding(look.name, "version", `${own.version} #${own.sequence}`, {
    most: `${latest.version} #${latest.sequence}`,
    ...(behind ? { state: "behind", next } : {}),
  });
}

function filesOf({ name, signed, faults = [] }: PlaceLook, newest: PlaceLook): Finding {
  const all = signed!.artifacts.length;
  const value = `${all - faults.length} of ${all}`;
  const first = faults[0];
  if (!first) return finding(name, "files", value);
  const sound = newest.name !== name && !newest.faults?.length ? newest.name : "a sound place";
  const next = `\`bfa mirror sync --from ${sound} --to ${name}\` repairs it`;
  const state = first.code === "network" ? "unreachable" : "broken";
  return finding(name, "files", `${value}: ${first.message}`, { state, next });
}

/** What a service tells of itself. */
function serviceOf({ name, service, metrics }: PlaceLook, { earlier }: Looks): Finding[] {
  if (!metrics) return service ? [finding(name, "metrics", "not shown to you")] : [];
  const facts = factsBetween(metrics, sameProcess(metrics, earlier?.get(name)));
  const signals = [...SIGNALS, ...platformOf(name)?.signals ?? []];
  return [
    finding(name, "counted for", facts.seconds!, { unit: "duration" }),
    ...judge(signals, facts).map((judged) => judgedFinding(name, judged)),
  ];
}

/** The look before, unless the service began anew since, or another instance answered. */
function sameProcess(later: MetricsLook, earlier?: MetricsLook): MetricsLook | undefined {
  const start = ({ samples }: MetricsLook) =>
    samples.find(({ name }) => name === "process_start_time_seconds")?.value;
  return earlier && start(earlier) === start(later) ? earlier : undefined;
}

/** What the versions on a plain place take; the files of all days make up for most of it. */
function storageOf({ name, signed, versions = 1, service }: PlaceLook, perVersion = 0): Finding[] {
  if (service) return []; // it serves what is stored elsewhere
  const newest = signed!.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
  const stored = newest + Math.max(0, versions - 1) * perVersion;
  const largest = Math.max(0, ...signed!.artifacts.map(({ bytes }) => bytes));
  const signals = platformOf(name)?.signals ?? [];
  const judged = judge(signals, { stored, largest }).map((one) => judgedFinding(name, one));
  const own = judged.some(({ signal }) => signal === "stored")
    ? []
    : [finding(name, "stored", stored, { unit: "bytes" })];
  const adds = perVersion ? [finding(name, "each version", perVersion, { unit: "bytes" })] : [];
  return [...judged, ...own, ...adds];
}

function judgedFinding(place: string, { signal, value, whole, alarm }: Judged): Finding {
  return finding(place, signal.name, value!, {
    most: signal.limit?.most ?? null,
    unit: unitOf(signal),
    whole: whole ?? null,
    ...(alarm ? { state: alarm, next: signal.limit!.next } : {}),
  });
}

function unitOf({ measure, unit }: Judged["signal"]): Unit {
  switch (measure.kind) {
    case "share":
      return "share";
    case "level":
      return unit === "bytes" ? "bytes level" : "level";
    case "p95":
      return "seconds";
    case "rate":
      return unit === "bytes" ? "bytes a second" : "a second";
    case "month":
      return unit === "bytes" ? "bytes a month" : "a month";
    default:
      return "bytes";
  }
}

function finding(
  place: string,
  signal: string,
  value: number | string,
  more: Partial<Finding> = {},
): Finding {
  const plain = { state: "ok", most: null, unit: "text", whole: null, next: null } as const;
  return { place, signal, value, ...plain, ...more };
}
