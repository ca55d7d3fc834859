/**
 * The alerting rules of deploy/monitoring/alerts.yaml, from the same table of signals as `bfa monitor`.
 *
 * @module
 */

import { stringify } from "yaml";
import { DAILY_SCHEDULE } from "../lib/core/freshness.ts";
import { PLATFORMS } from "../lib/core/platforms.ts";
import { LEAST_COUNTED, type Measure, MONTH_SECONDS, SIGNALS } from "../lib/core/signals.ts";

/** One alerting rule. */
export interface AlertRule {
  readonly alert: string;
  /** PromQL. */
  readonly expr: string;
  /** How long it must hold. */
  readonly for?: string;
  readonly labels: { readonly severity: "critical" | "warning" };
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** A client that was refused asks again after 15 minutes at most (lib/core/freshness.ts): all have been back by then. */
const WINDOW = "15m";

/** Instances do not see a publish in the same second, and a minute passes where the push is missed. */
const SWITCH = "2m";

/** What `bfa monitor` tells from manifests and files, Prometheus tells from these. */
const OF_PLACES: readonly AlertRule[] = [
  rule(
    "BfaDown",
    'up{job="bfa"} == 0',
    "critical",
    "{{ $labels.instance }} does not answer",
    "See whether it runs: `bfa health ADDRESS`, its log.",
    SWITCH,
  ),
  rule(
    "BfaNoVersion",
    "bfa_version_sequence == 0",
    "critical",
    "{{ $labels.instance }} serves no published version",
    "Look for `problem` in its log: it does not reach KV, or the version's files.",
    SWITCH,
  ),
  rule(
    "BfaPublisherLate",
    `bfa_version_overdue_seconds > ${DAILY_SCHEDULE.graceMinutes * 60}`,
    "critical",
    "{{ $labels.instance }} serves a version that should have been replaced",
    "Look at the publisher's last run: its log, `bfa log`, what Binance Vision has.",
  ),
  rule(
    "BfaVersionsDiffer",
    "max by (job) (bfa_version_sequence) != min by (job) (bfa_version_sequence)",
    "critical",
    "instances of {{ $labels.job }} serve different versions",
    "Look for `problem` in the log of the one that is behind.",
    SWITCH,
  ),
  rule(
    "BfaMirrorFaults",
    "bfa_mirror_faults > 0",
    "critical",
    "the mirror of {{ $labels.instance }} lacks {{ $value }} files",
    "`bfa mirror verify` tells more; `bfa mirror sync` from a sound place repairs it.",
  ),
];

/** The rules about publisher and versions. */
export function placeRules(): readonly AlertRule[] {
  return OF_PLACES;
}

/** All rules. */
function alertRules(): AlertRule[] {
  const everywhere = SIGNALS.map((signal) => ({ signal, host: undefined as string | undefined }));
  const there = PLATFORMS.flatMap(({ signals, host }) =>
    signals.map((signal) => ({ signal, host }))
  );
  const rules = [...everywhere, ...there].flatMap(({ signal, host }) => {
    const { measure, limit, name } = signal;
    if (!limit?.alert) return [];
    const { expr, whose } = promql(measure, limit.most, host);
    return [rule(
      limit.alert,
      expr,
      limit.alarm === "failing" ? "critical" : "warning",
      `{{ $labels.${whose} }}: ${name} {{ $value | ${humanized(measure)} }}`,
      `${limit.next}. Why here: ${limit.why}.`,
      measure.kind === "level" ? WINDOW : undefined,
    )];
  });
  return [...OF_PLACES, ...rules];
}

/** The file of all rules. */
export function alertsFile(): string {
  const groups = [{ name: "bfa", rules: alertRules() }];
  return "# Made from lib/core/signals.ts by `deno task docs`; docs/monitoring.md explains it.\n" +
    stringify({ groups }, { lineWidth: 0 });
}

function rule(
  alert: string,
  expr: string,
  severity: AlertRule["labels"]["severity"],
  summary: string,
  description: string,
  holds?: string,
): AlertRule {
  const annotations = { summary, description };
  return { alert, expr, ...(holds ? { for: holds } : {}), labels: { severity }, annotations };
}

/** Prometheus formats numbers by their meaning. */
function humanized({ kind }: Measure): string {
  if (kind === "share" || kind === "level") return "humanizePercentage";
  return kind === "p95" ? "humanizeDuration" : "humanize";
}

/** What a measure is in PromQL, and which label tells whose it is. */
function promql(
  measure: Measure,
  most: number,
  host: string | undefined,
): { expr: string; whose: "job" | "instance" } {
  switch (measure.kind) {
    case "share": {
      const { of, among } = measure;
      const enough = `(${sums("increase", among)}) >= ${LEAST_COUNTED}`;
      return {
        expr: `(${sums("rate", of)}) / (${sums("rate", among)}) > ${most} and ${enough}`,
        whose: "job",
      };
    }
    case "level": {
      const parts = (selectors: readonly string[]) =>
        selectors.map((selector) => `sum by (job, instance) (${selector})`).join(" + ");
      return {
        expr: `(${parts(measure.of)}) / (${parts(measure.among)}) > ${most}`,
        whose: "instance",
      };
    }
    case "p95": {
      const buckets = `sum by (job, le) (rate(${measure.of}[${WINDOW}]))`;
      const enough = sums("increase", [measure.of.replace("{", '{le="+Inf",')]);
      return {
        expr: `histogram_quantile(0.95, ${buckets}) > ${most} and ${enough} >= ${LEAST_COUNTED}`,
        whose: "job",
      };
    }
    case "month": {
      const there = measure.of.map((selector) => withLabel(selector, `instance=~"${host}"`));
      return { expr: `(${sums("rate", there, "1h")}) * ${MONTH_SECONDS} > ${most}`, whose: "job" };
    }
    default:
      throw new Error(`Cannot make a rule of "${measure.kind}": metrics do not tell it`);
  }
}

/** What selections count together. The service shows each of them from its start on, but for the part that is too much. */
function sums(how: "rate" | "increase", selectors: readonly string[], window = WINDOW): string {
  const names = selectors.map((selector) => `sum by (job) (${how}(${selector}[${window}]))`);
  return names.join(" + ");
}

function withLabel(selector: string, label: string): string {
  const escaped = label.replaceAll("\\", "\\\\");
  return selector.includes("{") ? selector.replace("{", `{${escaped},`) : `${selector}{${escaped}}`;
}
