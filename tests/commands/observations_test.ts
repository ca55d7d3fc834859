import { assertEquals, assertMatch } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { history } from "../helpers/bucket_history.ts";
import { bfa } from "../helpers/cli.ts";
import { type Collecting, filesOf, smallListings, withCollecting } from "../helpers/collecting.ts";

const DAY = "2026-03-20";
const PAST = history(smallListings(), {
  through: parseDay("2026-03-25"),
  late: [{ symbol: "ETHUSDT", from: DAY, days: 2 }],
  uploads: [{ symbol: "BTCUSDT", from: DAY, at: "2026-03-22T03:00:00.000Z" }],
  removals: [{ symbol: "XRPUSDT", from: DAY, at: "2026-03-24T03:00:00.000Z" }],
});
const RUNS = [21, 22, 23, 24].map((day) => `2026-03-${day}T12:00:00.000Z`);

const call = (world: Collecting, ...args: string[]) =>
  bfa(["observations", ...args], { env: { BFA_DATA_DIR: world.dir } });
const json = async (world: Collecting, ...args: string[]) =>
  JSON.parse((await call(world, ...args, "--json")).out);

Deno.test("`bfa observations --as-of` says of a day what was known at each time", async () => {
  await withCollecting(PAST, RUNS[0]!, async (world) => {
    const truth = [];
    for (const [i, now] of RUNS.entries()) {
      world.clock = new Date(now);
      await world.collect({ full: i === 0 });
      truth.push(filesOf(PAST, world.clock).filter(({ date }) => date === DAY));
    }
    assertEquals(truth.map(({ length }) => length), [9, 9, 10, 9]);
    const known = ({ files }: { files: Record<string, unknown>[] }) =>
      files.map(({ symbol, bytes, lastModified, etag }) => ({
        symbol,
        date: DAY,
        bytes,
        lastModified: String(lastModified).replace("Z", ".000Z"),
        etag,
      }));
    for (const [i, now] of RUNS.entries()) {
      assertEquals(known(await json(world, DAY, "--as-of", now.slice(0, 10))), truth[i]);
      assertEquals(known(await json(world, DAY, "--as-of", now)), truth[i]);
    }
    assertEquals(known(await json(world, DAY)), truth.at(-1));
    assertEquals((await json(world, DAY, "--as-of", DAY)).files, []);
    assertEquals((await json(world, DAY, "--as-of", "2026-03-21T11:59:59Z")).count, 0);

    const revisions = await json(world, DAY, "BTCUSDT", "ETHUSDT", "XRPUSDT", "--revisions");
    assertEquals(
      revisions.files.map((
        f: Record<string, string>,
      ) => [f.symbol, f.what, f.learnedAt!.slice(8, 10)]),
      [
        ["BTCUSDT", "new", "21"],
        ["BTCUSDT", "changed", "22"],
        ["ETHUSDT", "new", "23"],
        ["XRPUSDT", "new", "21"],
        ["XRPUSDT", "gone", "24"],
      ],
    );
    const earlier = await json(world, DAY, "--revisions", "--as-of", "2026-03-22");
    assertEquals(earlier.count, 10);

    // Numbers count from when they were learned.
    const count = (files: { symbol: string; trades: number | null }[]) =>
      files.find(({ symbol }) => symbol === "BTCUSDT")!.trades;
    await world.withStore((store) =>
      collectKlines(store, world.fetchNumbers, { since: parseDay(DAY), now: () => world.clock })
    );
    const expected = [...PAST.expectedRows(undefined, world.clock.getTime())]
      .find(({ symbol, date }) => symbol === "BTCUSDT" && date === DAY)!.numbers!.count;
    assertEquals(count((await json(world, DAY)).files), expected);
    assertEquals(count((await json(world, DAY, "--as-of", "2026-03-23")).files), null);

    const table = await bfa(["observations", DAY, "BTCUSDT", "--as-of", "2026-03-21"], {
      env: { BFA_DATA_DIR: world.dir },
      terminal: true,
    });
    assertMatch(table.out, /^SYMBOL +LEARNED +WHAT +SIZE +WRITTEN +ETAG/);
    assertMatch(table.out, /\nBTCUSDT +2026-03-21T12:00:00Z +new +\d+ /);
    assertMatch(
      table.out + table.err,
      /1 file of 2026-03-20, as known at 2026-03-21T23:59:59.999Z/,
    );
  });
});

Deno.test("`bfa observations` without any, of no day, at no time: one line that says what to do", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const env = { BFA_DATA_DIR: dir };
    const none = await bfa(["observations", DAY], { env });
    assertEquals([none.code, none.out], [3, ""]);
    assertMatch(none.err, /run `bfa collect` first\n$/);
    assertEquals([...Deno.readDirSync(dir)], []);
    for (
      const args of [["May"], [DAY, "--as-of", "May"], [DAY, "--as-of", "2026-03-20T25:00:00Z"]]
    ) {
      const { code, err } = await bfa(["observations", ...args], { env });
      assertEquals([code, err.split("\n").length], [2, 2], err);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
