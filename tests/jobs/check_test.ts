import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import type { Artifact, ManifestBody } from "../../lib/core/manifest.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { check, type Checked, GATES, rowFacts } from "../../lib/jobs/check.ts";
import type { CollectReport } from "../../lib/jobs/collect.ts";

const THROUGH = parseDay("2026-03-31");
const trading = (count: number) =>
  Array.from({ length: count }, (_, i) => listing(`S${i}USDT#1`, "2026-01-01"));
const missing = (count: number) =>
  trading(100).slice(-count).map((life) => ({ ...life, gaps: [[THROUGH, THROUGH] as const] }));

const BEFORE = trading(100);
/** The same, but that one of them had files to a day only. */
const short = (last: string) => [
  ...BEFORE.slice(1),
  { ...BEFORE[0]!, last: parseDay(last), lastTraded: parseDay(last) },
];

function checked(changes: {
  build?: Partial<Checked["build"]>;
  facts?: Partial<Checked["facts"]>;
  collected?: Partial<CollectReport>;
  klines?: Checked["klines"];
  listings?: Checked["listings"]["listings"];
  first?: boolean;
} = {}): Checked {
  const rows = changes.build?.rows ?? 1_000;
  const artifacts = ["availability-by-symbol", "part"].map((role) => ({ role, parquet: { rows } }));
  const build = { dataThrough: THROUGH, rows, symbols: 100, artifacts, ...changes.build };
  const collected = { symbols: 100, keys: 10_000, odd: 0, ...changes.collected };
  const facts = {
    rows,
    duplicates: 0,
    newest: THROUGH,
    implausibleSizes: 0,
    newestRows: 100,
    ...changes.facts,
  };
  return {
    build: build as Checked["build"],
    listings: { dataThrough: THROUGH, listings: changes.listings ?? trading(100) },
    before: changes.first ? undefined : { dataThrough: THROUGH, listings: BEFORE },
    previous: changes.first
      ? undefined
      : { dataThrough: THROUGH, rows: 1_000, symbols: 100 } as unknown as ManifestBody,
    collected: collected as CollectReport,
    klines: changes.klines,
    facts,
    now: new Date("2026-04-01T12:00:00Z"),
  };
}

/** A version whose whole files have some rows, and its recent ones others. */
const filesOf = (whole: number, recent: number) =>
  [["availability-by-symbol", whole], ["recent-availability-by-symbol", recent], ["part", 1_000]]
    .map(([role, rows]) => ({ role, parquet: { rows } })) as unknown as Artifact[];

type Change = Parameters<typeof checked>[0];

/** What just passes and what just fails each gate. */
const TABLE: Readonly<Record<string, readonly [passes: Change, fails: Change]>> = {
  "complete listing": [{ collected: { symbols: 95 } }, { collected: { symbols: 94 } }],
  "keys well formed": [{ collected: { odd: 100 } }, { collected: { odd: 101 } }],
  "no fewer symbols": [{ build: { symbols: 95 } }, { build: { symbols: 94 } }],
  "no fewer rows": [{ build: { rows: 950 } }, { build: { rows: 949 } }],
  "files agree": [{ build: { artifacts: filesOf(900, 100) } }, {
    build: { artifacts: filesOf(900, 99) },
  }],
  "no days lost": [{ listings: short("2026-02-09") }, { listings: short("2026-02-08") }],
  "no future day": [{ facts: { newest: "2026-03-31" } }, { facts: { newest: "2026-04-01" } }],
  "no duplicates": [{}, { facts: { duplicates: 1 } }],
  "not older than before": [
    { build: { dataThrough: parseDay("2026-04-01") } },
    { build: { dataThrough: parseDay("2026-03-30") } },
  ],
  "sizes plausible": [{ facts: { implausibleSizes: 1 } }, { facts: { implausibleSizes: 2 } }],
  "newest day complete": [
    { listings: [...trading(95), ...missing(5)] },
    { listings: [...trading(94), ...missing(6)] },
  ],
};

Deno.test("every gate has a case that passes and one that fails", () => {
  assertEquals(GATES.map(([name]) => name).sort(), Object.keys(TABLE).sort());
});

for (const [name, [passes, fails]] of Object.entries(TABLE)) {
  Deno.test(`gate "${name}" lets through what is just good enough, and nothing less`, () => {
    const failed = (change: Change) =>
      check(checked(change)).filter(({ ok }) => !ok).map(({ gate }) => gate);
    assertEquals(failed(passes), []);
    assertEquals(failed(fails), [name]);
  });
}

Deno.test("odd keys among the 1d files fail the gate too, however good the 1m files are", () => {
  const gate = (klines: Checked["klines"]) =>
    check(checked({ klines })).find(({ gate }) => gate === "keys well formed")!;
  assertEquals(gate({ keys: 5_000, odd: 50 }), {
    gate: "keys well formed",
    ok: true,
    value: "0 odd of 10000 keys, 50 odd of 5000 keys of 1d files",
    bound: "at most 100, at most 50",
  });
  assertEquals(gate({ keys: 5_000, odd: 51 }).ok, false);
  assertEquals(gate({ keys: 30, odd: 20 }).ok, true); // a handful is nothing
  assertEquals(gate({ keys: 0, odd: 0 }).value, "0 odd of 10000 keys");
});

Deno.test("a first version has nothing to be compared with", () => {
  const results = check(checked({ first: true, build: { symbols: 1, rows: 1 } }));
  assertEquals(results.filter(({ ok }) => !ok), []);
});

Deno.test("rowFacts() counts rows, duplicates and sizes of the newest day, whatever file they are in", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.mkdir(join(dir, "parts"));
  const write = async (name: string, role: string, rows: string) => {
    await withDuckdb({}, (connection) =>
      connection.run(
        `COPY (FROM (VALUES ${rows}) AS t(date, symbol, file_size_bytes)) TO '${join(dir, name)}'`,
      ));
    return { name, role } as unknown as Artifact;
  };
  const day = (day: string, symbol: string, bytes: number | null) =>
    `(DATE '${day}', '${symbol}', ${bytes})`;
  const before = day("2026-03-30", "A", 10);
  const newest = ["A", "B", "B", "C", "D"]
    .map((symbol, i) => day("2026-03-31", symbol, [999, 1_000, 5_000_000, 5_000_001, null][i]!))
    .join(", ");
  const expected = {
    rows: 6,
    duplicates: 1,
    newest: "2026-03-31",
    implausibleSizes: 2,
    newestRows: 5,
  };
  const whole = await write("availability.parquet", "availability", `${before}, ${newest}`);
  const part = await write("parts/2026-03.parquet", "part", `${before}, ${newest}`);
  const build = { dataThrough: THROUGH };
  assertEquals(await rowFacts(dir, { ...build, artifacts: [whole, part] }), expected);
  const short = await write("short.parquet", "availability", before);
  const artifacts = [{ ...short, dataThrough: parseDay("2026-03-30") }, part];
  assertEquals(await rowFacts(dir, { ...build, artifacts }), expected);
  await Deno.remove(dir, { recursive: true });
});
