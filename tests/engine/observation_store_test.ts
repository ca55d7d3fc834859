import { assertEquals, assertRejects } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import type { Day } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { knownDays, quarantined } from "../../lib/engine/observation_views.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { FileColumns, type FileSeen } from "../../lib/core/file_columns.ts";
import type { ObservationStore, SymbolSeen } from "../../lib/engine/observations.ts";
import { build } from "../../lib/jobs/build.ts";
import { readFiles, select } from "../helpers/collecting.ts";
import { canMount, withSmallDisk } from "../helpers/fault_disk.ts";
import { spawnDeno, waitForLine } from "../helpers/process.ts";

const at = (time: string) => new Date(`2026-03-01T${time}:00.000Z`);
const file = (date: string, etag: string, bytes = 40_000): FileSeen => ({
  date: date as Day,
  bytes,
  etag,
  lastModified: "2026-03-01T07:00:00.000Z",
});
const seen = (symbol: string, files: FileSeen[], from: string | null = null): SymbolSeen => ({
  symbol,
  from: from as Day | null,
  files: new FileColumns(files),
  odd: [],
  keys: files.length,
  pages: 1,
});

async function withStore(test: (store: ObservationStore, path: string) => Promise<void>) {
  const dir = await Deno.makeTempDir({ prefix: "bfa-store-" });
  const path = join(dir, "observations.duckdb");
  await withObservations(path, (store) => test(store, path));
  await Deno.remove(dir, { recursive: true });
}

Deno.test("learn() counts what is added, changed and gone; gone only where it was listed", async () => {
  await withStore(async (store) => {
    const run = await store.begin("full", at("12:00"));
    const days = ["2026-02-01", "2026-02-02", "2026-02-03"];
    const none = { added: 0, changed: 0, gone: 0, late: 0, odd: 0 };
    assertEquals(await store.learn(run, [seen("A", days.map((d) => file(d, "1")))]), {
      ...none,
      added: 3,
    });
    await store.finish(run, {}, at("12:01"));
    const next = await store.begin("incremental", at("13:00"));
    const news = [seen("A", [file("2026-02-02", "2")], "2026-02-02")];
    assertEquals(await store.learn(next, news), { ...none, changed: 1, gone: 1 });
    assertEquals(await store.count(), 2);
    assertEquals(
      await store.symbols(),
      new Map([
        ["A", {
          first: "2026-02-01" as Day,
          last: "2026-02-03" as Day,
          listedWhole: "2026-03-01 12:00:00",
        }],
      ]),
    );
    const last = await store.begin("full", at("14:00"));
    // What comes back is added again, and late.
    const back = [seen("A", days.map((d) => file(d, "2")))];
    assertEquals(await store.learn(last, back), { ...none, added: 1, changed: 1, late: 1 });
  });
});

Deno.test("begin() goes on with the same kind only, and not with one that has ended", async () => {
  await withStore(async (store) => {
    const first = await store.begin("full", at("12:00"));
    await store.learn(first, [seen("A", [])]);
    assertEquals((await store.begin("incremental", at("12:05"))).done.size, 0);
    const again = await store.begin("full", at("12:10"));
    assertEquals([again.id, again.done], [first.id, new Set(["A"])]);
    await store.finish(again, {}, at("12:20"));
    assertEquals((await store.begin("full", at("12:30"))).done.size, 0);
  });
});

Deno.test("what a run learns after an interruption is newer than what others learned meanwhile", async () => {
  await withStore(async (store, path) => {
    const slow = await store.begin("full", at("12:00"));
    await store.learn(slow, [seen("A", [file("2026-02-01", "1")])]);
    const quick = await store.begin("incremental", at("13:00"));
    await store.learn(quick, [seen("B", [file("2026-02-01", "2")])]);
    await store.finish(quick, {}, at("13:01"));
    const resumed = await store.begin("full", at("14:00"));
    assertEquals(resumed.done, new Set(["A"]));
    const learned = await store.learn(resumed, [seen("B", [file("2026-02-01", "3")])]);
    assertEquals(learned.changed, 1);
    const again = await store.learn(resumed, [seen("B", [file("2026-02-01", "3")])]);
    assertEquals(again.changed, 0, `${path} still knows what was there before`);
  });
});

Deno.test("evidence() takes trades before sizes", async () => {
  await withStore(async (store) => {
    const run = await store.begin("full", at("12:00"));
    const sizes = [8_999, 9_000, 8_000, 50_000];
    const files = sizes.map((bytes, i) => file(`2026-02-0${i + 1}`, "1", bytes));
    await store.learn(run, [seen("A", files)]);
    const traded = async () => (await store.evidence()).map((r) => [r.from, r.to, r.traded]);
    assertEquals<unknown>(await traded(), [
      ["2026-02-01", "2026-02-01", false],
      ["2026-02-02", "2026-02-02", true],
      ["2026-02-03", "2026-02-03", false],
      ["2026-02-04", "2026-02-04", true],
    ]);
    const price = { open: 1, high: 1, low: 1, close: 1, quoteVolume: 0, volumeBase: 0 };
    const taker = { takerBuyVolumeBase: 0, takerBuyQuoteVolume: 0 };
    await store.learnNumbers([
      {
        symbol: "A",
        date: "2026-02-03" as Day,
        etag: "1",
        zipEtag: null,
        found: { ...price, ...taker, tradeCount: 1 },
      },
      {
        symbol: "A",
        date: "2026-02-04" as Day,
        etag: "1",
        zipEtag: null,
        found: { ...price, ...taker, tradeCount: 0 },
      },
      {
        symbol: "A",
        date: "2026-02-02" as Day,
        etag: "1",
        zipEtag: null,
        found: { problem: "checksum" },
      },
    ], at("12:30"));
    assertEquals<unknown>(await traded(), [
      ["2026-02-01", "2026-02-01", false],
      ["2026-02-02", "2026-02-03", true],
      ["2026-02-04", "2026-02-04", false],
    ]);
  });
});

Deno.test("a build while another process collects is told who holds the file", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-store-" });
  const path = join(dir, "observations.duckdb");
  await withObservations(path, (store) => store.count());
  assertEquals(await readFiles(path), []);
  const program = fromFileUrl(new URL("../helpers/collect_process.ts", import.meta.url));
  const child = spawnDeno(["run", "-A", "--no-check", "--quiet", program, "hold", path]);
  try {
    await waitForLine(child, /held/);
    const dataThrough = "2026-02-01" as Day;
    const options = { version: "2026-02-01.1", outDir: join(dir, "out"), observations: path };
    const error = await assertRejects(
      () => build({ dataThrough, listings: [] }, options),
      BfaError,
    );
    assertEquals([error.code, error.message.includes(`PID ${child.pid}`)], ["unavailable", true]);
  } finally {
    await child.stop("SIGKILL");
    await Deno.remove(dir, { recursive: true });
  }
});

for (
  const [name, table] of Object.entries({ knownDays: knownDays(), quarantined: quarantined() })
) {
  Deno.test(`${name}() joins by hashing: a nested loop over a million files would never end`, async () => {
    await withStore(async (_store, path) => {
      const other = join(dirname(path), "other.duckdb");
      await withObservations(other, () => Promise.resolve());
      const plan = await select(other, `EXPLAIN SELECT * FROM ${table}`);
      assertEquals(/HASH_JOIN/.test(String(plan)), true, String(plan));
      assertEquals(/NL_JOIN|NESTED_LOOP/.test(String(plan)), false, String(plan));
    });
  });
}

Deno.test({
  name: "withObservations() on a disk that is full: storage",
  ignore: !canMount,
  fn: () =>
    withSmallDisk(async (disk) => {
      await disk.fill();
      const path = `${disk.dir}/observations.duckdb`;
      const error = await assertRejects(
        () => withObservations(path, (store) => store.count()),
        BfaError,
      );
      assertEquals(
        [error.code, error.message],
        ["storage", `Cannot write ${path}: the disk is full`],
      );
    }),
});
