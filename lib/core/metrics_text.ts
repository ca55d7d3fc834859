/**
 * Metrics as Prometheus reads them: the text a service shows, selectors such as
 * `bfa_http_requests_total{status=~"5.."}`, and what a selection adds up to.
 *
 * @module
 */

/** One number of a service. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABEL = /(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"/g;

const SAMPLE =
  /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([+-]?(?:[\d.]+(?:e[+-]?\d+)?|Inf)|NaN)(?: -?\d+)?$/i;

/** Reads the text format 0.0.4. Lines that are no samples are left out: comments, and what is not understood. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = SAMPLE.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name, , value] of (match[2] ?? "").matchAll(LABEL)) labels[name!] = plain(value!);
    samples.push({ name: match[1]!, labels, value: number(match[3]!) });
  }
  return samples;
}

function plain(text: string): string {
  return text.replace(/\\(.)/g, (_, char) => char === "n" ? "\n" : char);
}

function number(text: string): number {
  return Number(text.replace(/^([+-]?)Inf$/, "$1Infinity"));
}

/**
 * The samples that a selector names, as in PromQL: regular expressions match the whole value, and a label that is
 * missing is empty.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMetrics, select } from "./metrics_text.ts";
 * const samples = parseMetrics('answers_total{status="200"} 7\nanswers_total{status="503"} 2\n');
 * assertEquals(select(samples, 'answers_total{status=~"5.."}').map(({ value }) => value), [2]);
 * ```
 */
export function select(samples: readonly Sample[], selector: string): Sample[] {
  const [, name, inside = ""] = /^(\w+)(?:\{(.*)\})?$/.exec(selector) ?? [];
  const tests = [...inside.matchAll(LABEL)].map(([, label, operator, text]) => {
    const pattern = operator!.endsWith("~") ? new RegExp(`^(?:${text})$`) : undefined;
    const wanted = !operator!.startsWith("!");
    return (sample: Sample) => {
      const value = sample.labels[label!] ?? "";
      return (pattern ? pattern.test(value) : value === text) === wanted;
    };
  });
  return samples.filter((sample) => sample.name === name && tests.every((test) => test(sample)));
}

/** What some selections add up to; `undefined` when there is nothing in any of them. */
export function total(
  samples: readonly Sample[],
  selectors: readonly string[],
): number | undefined {
  const found = selectors.flatMap((selector) => select(samples, selector));
  return found.length ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
}

/** How much the counters of `later` grew since `earlier`; what is new, or began again, grew from 0. */
export function grown(later: readonly Sample[], earlier: readonly Sample[]): Sample[] {
  const key = ({ name, labels }: Sample) => `${name} ${JSON.stringify(labels)}`;
  const before = new Map(earlier.map((sample) => [key(sample), sample.value]));
  return later.map((sample) => {
    const from = before.get(key(sample)) ?? 0;
    return { ...sample, value: sample.value - (from <= sample.value ? from : 0) };
  });
}

/**
 * A quantile of a histogram's buckets, as `histogram_quantile` tells it: by a straight line within a bucket, and never
 * beyond the last bound. `undefined` when nothing was counted.
 */
export function quantile(buckets: readonly Sample[], share: number): number | undefined {
  const counts = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const bound = number(labels["le"] ?? "");
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (all === 0) return undefined;
  let [below, lower] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= share * all) {
      if (bound === Infinity) return lower;
      return lower + (bound - lower) * (share * all - below) / (count - below);
    }
    [below, lower] = [count, bound];
  }
  return lower;
}
