/** Metrics, alerting rules and the configuration of deploy/monitoring, read by Prometheus's own promtool. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { parse, stringify } from "yaml";
import { PLATFORMS } from "../../lib/core/platforms.ts";
import { SIGNALS } from "../../lib/core/signals.ts";
import { METRIC_CASES } from "../helpers/metric_cases.ts";
import { withMonitored } from "../helpers/monitored.ts";
import { tool } from "../helpers/tool.ts";

const FOLDER = join(dirname(fromFileUrl(import.meta.url)), "../../deploy/monitoring");
const ALERTS = join(FOLDER, "alerts.yaml");

async function promtool(args: string[], input = ""): Promise<{ code: number; said: string }> {
  const child = new Deno.Command(tool("promtool"), {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("promtool finds nothing to say about the metrics of a service, and finds what is wrong", async () => {
  await withMonitored(async ({ url }) => {
    for (const path of ["/v1/symbols", "/v1/symbols", "/v1/query?sql=SELECT+1", "/nosuch"]) {
      await (await fetch(url + path)).body?.cancel();
    }
    const text = await (await fetch(`${url}/metrics`)).text();
    assertStringIncludes(text, "bfa_limit_max");
    assertEquals(await promtool(["check", "metrics"], text), { code: 0, said: "" });
    const bad = text.replaceAll("bfa_http_refused_total", "bfa_http_refused");
    assertStringIncludes((await promtool(["check", "metrics"], bad)).said, "_total");
  }, { database: true, sql: { slots: 1 } });
});

Deno.test("promtool takes the rules and the configuration, and no broken ones", async () => {
  const { code, said } = await promtool(["check", "rules", "deploy/monitoring/alerts.yaml"]);
  assertEquals(code, 0, said);
  assertStringIncludes(await Deno.readTextFile("docs/monitoring.md"), said.trim());
  const config = await promtool(["check", "config", join(FOLDER, "prometheus.yaml")]);
  assertEquals(config.code, 0, config.said);
  const dir = await Deno.makeTempDir({ prefix: "bfa-rules-" });
  const broken = (await Deno.readTextFile(ALERTS)).replace(
    "sum by (job) (rate(",
    "sum by (job) (rat(",
  );
  await Deno.writeTextFile(`${dir}/alerts.yaml`, broken);
  assertEquals((await promtool(["check", "rules", `${dir}/alerts.yaml`])).code, 1);
  await Deno.remove(dir, { recursive: true });
});

/** One hour of one instance, and the alerts at its end. */
interface Hour {
  readonly name: string;
  readonly series: readonly { readonly series: string; readonly values: string }[];
  readonly firing: readonly string[];
}

/** On Deno Deploy, so that its limits count too. */
const INSTANCE = 'job="bfa",instance="bfa.example.deno.net:443"';

/** What a healthy service shows in any case. */
const HEALTHY = {
  'up{job="bfa"}': 1,
  "bfa_version_sequence": 5,
  "bfa_version_overdue_seconds": -100,
  "bfa_mirror_faults": 0,
  'bfa_http_requests_total{route="other",status="200"}': 0,
  'bfa_http_answers_from_memory_total{status="200"}': 0,
};

function hour(name: string, metrics: Readonly<Record<string, number>>, firing: string[]): Hour {
  const all = Object.entries({ ...HEALTHY, ...metrics });
  const series = all.map(([sample, value]) => ({
    series: labelled(sample),
    values: /_(total|bucket)\b/.test(sample) ? `0+${value / 60}x60` : `${value}x60`,
  }));
  return { name, series, firing: firing.sort() };
}

function labelled(sample: string): string {
  if (/^up\{/.test(sample)) return `up{${INSTANCE}}`;
  return sample.includes("{") ? sample.replace("{", `{${INSTANCE},`) : `${sample}{${INSTANCE}}`;
}

const ALERT_OF = new Map(
  [...SIGNALS, ...PLATFORMS.flatMap(({ signals }) => signals)]
    .map(({ name, limit }) => [name, limit?.alert] as const),
);

const OF_PLACES: readonly [name: string, metrics: Record<string, number>, firing: string[]][] = [
  ["an instance that is down", { 'up{job="bfa"}': 0 }, ["BfaDown"]],
  ["an instance without a version", { bfa_version_sequence: 0 }, ["BfaNoVersion"]],
  ["a publisher six hours late", { bfa_version_overdue_seconds: 21_601 }, ["BfaPublisherLate"]],
  ["a publisher in its six hours", { bfa_version_overdue_seconds: 21_600 }, []],
  ["a mirror that lacks a file", { bfa_mirror_faults: 1 }, ["BfaMirrorFaults"]],
];

/** A second instance that serves another version. */
const DIFFERENT: Hour = {
  ...hour("two instances, two versions", {}, ["BfaVersionsDiffer"]),
  series: [
    ...hour("", {}, []).series,
    { series: 'bfa_version_sequence{job="bfa",instance="other:8000"}', values: "4x60" },
  ],
};

const HOURS: readonly Hour[] = [
  ...METRIC_CASES.map(({ name, metrics, alarm = {} }) =>
    hour(name, metrics, Object.keys(alarm).map((signal) => ALERT_OF.get(signal)!))
  ),
  ...OF_PLACES.map(([name, metrics, firing]) => hour(name, metrics, firing)),
  DIFFERENT,
];

Deno.test(`the rules alarm where \`bfa monitor\` does: ${HOURS.length} hours in Prometheus's own engine`, async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-rules-" });
  const tests = (hours: readonly Hour[]) =>
    stringify({
      rule_files: [ALERTS],
      evaluation_interval: "1m",
      tests: hours.map(({ name, series, firing }) => ({
        name,
        interval: "1m",
        input_series: series,
        promql_expr_test: [{
          expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: "60m",
          exp_samples: firing.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
        }],
      })),
    }, { lineWidth: 0 });
  try {
    await Deno.writeTextFile(`${dir}/tests.yaml`, tests(HOURS));
    const { code, said } = await promtool(["test", "rules", `${dir}/tests.yaml`]);
    assertEquals(code, 0, said);
    // It would have said if one of them did not.
    const silent = tests(HOURS.map((one) => ({ ...one, firing: [] })));
    await Deno.writeTextFile(`${dir}/silent.yaml`, silent);
    assertEquals((await promtool(["test", "rules", `${dir}/silent.yaml`])).code, 1);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("every rule has an hour in which it alarms", async () => {
  const { groups } = parse(await Deno.readTextFile(ALERTS));
  const rules = groups.flatMap(({ rules }: { rules: { alert: string }[] }) =>
    rules.map(({ alert }) => alert)
  );
  assertEquals([...new Set(HOURS.flatMap(({ firing }) => firing))].sort(), rules.sort());
});
