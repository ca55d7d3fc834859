import { assertEquals } from "@std/assert";
import { Gauge, Histogram, Registry } from "prom-client";
import { grown, parseMetrics, quantile, select, total } from "../../lib/core/metrics_text.ts";

const TEXT = `# HELP a_total Things
# TYPE a_total counter
a_total{route="/v1/query",status="503"} 2
a_total{route="/v/query",status="200"} 7 1700000000000
a_total{route="other",status="500"} 1

b 1.5e+3
c{le="+Inf"} NaN
d{x="say \\"hi\\", \\\\ and\\nbye",y=""} -Inf
not a sample
`;

Deno.test("parseMetrics() reads names, labels and numbers; the rest is left out", () => {
  assertEquals(parseMetrics(TEXT), [
    { name: "a_total", labels: { route: "/v1/query", status: "503" }, value: 2 },
    { name: "a_total", labels: { route: "/v/query", status: "200" }, value: 7 },
    { name: "a_total", labels: { route: "other", status: "500" }, value: 1 },
    { name: "b", labels: {}, value: 1500 },
    { name: "c", labels: { le: "+Inf" }, value: NaN },
    { name: "d", labels: { x: 'say "hi", \\ and\nbye', y: "" }, value: -Infinity },
  ]);
});

Deno.test("parseMetrics() reads back what prom-client writes", async () => {
  const register = new Registry();
  const gauge = new Gauge({ name: "g", help: "h", labelNames: ["x"], registers: [register] });
  const values = ['"', "\\", "\n", "}", "a,b", '{y="z"}', "ü"];
  values.forEach((x, i) => gauge.set({ x }, i));
  assertEquals(
    parseMetrics(await register.metrics()),
    values.map((x, value) => ({ name: "g", labels: { x }, value })),
  );
});

const SELECTED: readonly [selector: string, values: number[]][] = [
  ["a_total", [2, 7, 1]],
  ["a", []],
  ['a_total{status="503"}', [2]],
  ['a_total{status!="503"}', [7, 1]],
  ['a_total{status=~"5.."}', [2, 1]],
  ['a_total{status=~"5"}', []], // the whole value
  ['a_total{status=~"5..",route!~"/v1?/query"}', [1]],
  ['a_total{route=~"/v1?/(query|diff)"}', [2, 7]],
  ['a_total{nosuch=""}', [2, 7, 1]],
  ['a_total{nosuch="x"}', []],
];

for (const [selector, values] of SELECTED) {
  Deno.test(`select() takes ${selector} as PromQL does`, () => {
    assertEquals(select(parseMetrics(TEXT), selector).map(({ value }) => value), values);
  });
}

Deno.test("total() adds up selections; nothing in any of them is not 0", () => {
  const samples = parseMetrics(TEXT);
  assertEquals(total(samples, ["a_total", "b"]), 1510);
  assertEquals(total(samples, ["nosuch", "b"]), 1500);
  assertEquals(total(samples, ["nosuch"]), undefined);
});

Deno.test("grown(): what is new and what began again grew from 0", () => {
  const earlier = parseMetrics('a{x="1"} 5\na{x="2"} 5\n');
  const later = parseMetrics('a{x="1"} 8\na{x="2"} 3\na{x="3"} 4\n');
  assertEquals(grown(later, earlier).map(({ value }) => value), [3, 3, 4]);
});

Deno.test("quantile() draws a straight line within a bucket, and stops at the last bound", async () => {
  const register = new Registry();
  const histogram = new Histogram({
    name: "h",
    help: "h",
    labelNames: ["route"],
    buckets: [0.1, 0.2, 1],
    registers: [register],
  });
  const buckets = async () => select(parseMetrics(await register.metrics()), "h_bucket");
  assertEquals(quantile(await buckets(), 0.95), undefined);
  for (let i = 0; i < 90; i++) histogram.observe({ route: "a" }, 0.05);
  for (let i = 0; i < 10; i++) histogram.observe({ route: "b" }, 0.15);
  assertEquals(quantile(await buckets(), 0.45), 0.05);
  assertEquals(quantile(await buckets(), 0.9), 0.1);
  assertEquals(quantile(await buckets(), 0.95)?.toFixed(6), "0.150000");
  for (let i = 0; i < 100; i++) histogram.observe({ route: "b" }, 7);
  assertEquals(quantile(await buckets(), 0.95), 1);
});
