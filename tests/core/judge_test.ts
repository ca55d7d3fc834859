import { assert, assertEquals } from "@std/assert";
import { factsBetween, judge } from "../../lib/core/judge.ts";
import { parseMetrics } from "../../lib/core/metrics_text.ts";
import { platformOf, PLATFORMS } from "../../lib/core/platforms.ts";
import { SIGNALS } from "../../lib/core/signals.ts";
import { METRIC_CASES } from "../helpers/metric_cases.ts";

const DEPLOY = platformOf("https://bfa.example.deno.net/")!;

/** The alarms of signals, by name. */
function alarms(text: string, seconds = 3_600): Record<string, string> {
  const samples = parseMetrics(`process_start_time_seconds 1000\n${text}`);
  const facts = factsBetween({ samples, seconds: 1000 + seconds });
  const judged = judge([...SIGNALS, ...DEPLOY.signals], facts);
  return Object.fromEntries(
    judged.filter(({ alarm }) => alarm).map(({ signal, alarm }) => [signal.name, alarm!]),
  );
}

for (const { name, metrics, alarm } of METRIC_CASES) {
  Deno.test(`judge(): ${name}`, () => {
    const text = Object.entries(metrics).map(([sample, value]) => `${sample} ${value}\n`).join("");
    assertEquals(alarms(text), alarm ?? {});
  });
}

Deno.test("every signal with a limit has a case where it alarms, and one just below", () => {
  for (const { name, limit } of [...SIGNALS, ...DEPLOY.signals]) {
    if (!limit) continue;
    const own = METRIC_CASES.filter((one) => one.about === name);
    assertEquals(own.map(({ alarm }) => alarm?.[name]), [limit.alarm, undefined], name);
  }
});

Deno.test("judge() says nothing of less than a hundred requests, nor of a month by less than an hour", () => {
  const queries = (refused: number, all: number) =>
    `bfa_http_requests_total{route="/v1/query",status="503"} ${refused}\n` +
    `bfa_http_requests_total{route="/v1/query",status="200"} ${all - refused}\n` +
    'bfa_http_answers_from_memory_total{status="200"} 0\n';
  assertEquals(alarms(queries(99, 99)), {});
  assertEquals(alarms(queries(2, 100)), { "sql refused": "grow" });
  assertEquals(alarms(queries(1, 100)), {});
  const many = 'bfa_http_answers_from_memory_total{status="200"} 1e6\n';
  assertEquals(alarms(many, 3_599), {});
  assertEquals(alarms(many, 3_600), { "requests a month": "grow" });
});

Deno.test("factsBetween() counts since the process began, or since the look before", () => {
  const look = (count: number, seconds: number) => ({
    samples: parseMetrics(`process_start_time_seconds 100\na ${count}\n`),
    seconds,
  });
  const whole = factsBetween(look(7, 160));
  assertEquals([whole.seconds, whole.counted?.at(-1)?.value], [60, 7]);
  const part = factsBetween(look(7, 160), look(5, 150));
  assertEquals([part.seconds, part.counted?.at(-1)?.value, part.now?.at(-1)?.value], [10, 2, 7]);
});

const PLACES: readonly [place: string, platform: string | undefined][] = [
  ["https://someone.github.io/bfa/", "GitHub Pages"],
  ["github:someone/bfa", "GitHub Releases"],
  ["https://bfa.someone.deno.net/", "Deno Deploy, free"],
  ["https://bfa.deno.dev", "Deno Deploy, free"],
  ["https://github.io.example.org/", undefined],
  ["https://deno.net/", undefined],
  ["http://127.0.0.1:8000/", undefined],
  ["s3://someone.github.io/bfa", undefined],
];

Deno.test("platformOf() knows places by their address", () => {
  for (const [place, name] of PLACES) assertEquals(platformOf(place)?.name, name, place);
});

Deno.test("the limits of a platform alarm where it ends", () => {
  const [pages, releases] = [PLACES[0]![0], PLACES[1]![0]].map((place) => platformOf(place)!);
  const alarm = (signals: typeof SIGNALS, facts: { stored: number; largest: number }) =>
    judge(signals, facts).map((one) => one.alarm);
  assertEquals(alarm(pages!.signals, { stored: 1e9, largest: 0 }), [undefined]);
  assertEquals(alarm(pages!.signals, { stored: 1e9 + 1, largest: 0 }), ["grow"]);
  assertEquals(alarm(releases!.signals, { stored: 1e12, largest: 2 ** 31 }), [undefined]);
  assertEquals(alarm(releases!.signals, { stored: 1e12, largest: 2 ** 31 + 1 }), ["grow"]);
});

Deno.test("every published limit names its page and the day it was read", () => {
  for (const { name, signals, source } of PLATFORMS) {
    if (signals.length === 0) continue;
    assert(source && URL.canParse(source.url) && /^\d{4}-\d\d-\d\d/.test(source.read), name);
  }
});
