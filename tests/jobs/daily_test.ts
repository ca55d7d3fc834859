import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { listing } from "../helpers/listing.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { GATES } from "../../lib/jobs/check.ts";
import { candidateError, reportPage } from "../../lib/jobs/daily_report.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { type Fault, when } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { smallListings } from "../helpers/collecting.ts";
import { type DailyWorld, withDaily } from "../helpers/daily_world.ts";
import { readBuffer } from "../helpers/parquet.ts";

const THROUGH = parseDay("2026-03-31");
const PAST = history(smallListings(), { through: THROUGH });

/** The directories of every third symbol are not listed. */
const DROPPED: Fault = when(({ kind }) => kind === "prefixes", async (_request, _count, usual) => {
  let index = 0;
  const body = (await usual().text()).replace(
    /<CommonPrefixes>.*?<\/CommonPrefixes>/g,
    (group) => index++ % 3 === 0 ? "" : group,
  );
  return new Response(body, { headers: { "content-type": "application/xml" } });
});

Deno.test("daily() publishes to latest, and the second time nothing", async () => {
  await withDaily(PAST, async (world) => {
    const first = await world.runAt("2026-03-30T12:00:00.000Z", { full: true });
    assertEquals([first.version, first.channel, first.symbols], ["2026-03-29.1", "latest", 12]);
    assertEquals(first.gates.map(({ ok }) => ok), Array(GATES.length).fill(true));
    assertEquals(await world.named(), "2026-03-29.1");

    const again = await world.runAt("2026-03-30T14:00:00.000Z");
    assertEquals([again.version, again.channel, again.collected.added], ["2026-03-29.1", null, 0]);
    assertEquals(await world.side.publisher.store.lastSequence(), 1);

    const next = await world.runAt("2026-03-31T12:00:00.000Z");
    assertEquals([next.version, next.channel, next.rows], [
      "2026-03-30.1",
      "latest",
      first.rows + 10,
    ]);
    assertEquals(await world.named(), "2026-03-30.1");
  });
});

Deno.test("a listing without a third of the symbols never reaches latest, unless someone says so", async () => {
  await withDaily(PAST, async (world) => {
    await world.runAt("2026-03-29T12:00:00.000Z", { full: true });
    world.source.bucket.fault = DROPPED;
    const first = await world.runAt("2026-03-30T12:00:00.000Z");
    assertEquals(first.gates.some(({ ok }) => !ok), true, reportPage(first));
    assertEquals(await world.named(), "2026-03-28.1");

    const next = await world.runAt("2026-03-31T12:00:00.000Z");
    assertEquals(next.channel, "candidate");
    assertEquals(await world.named("candidate"), next.version);
    assertEquals(await world.named(), "2026-03-28.1");
    const failure = candidateError(next);
    assertEquals(failure.code, "limit");
    assertStringIncludes(failure.message, "no days lost");
    assertStringIncludes(reportPage(next), "**failed**: no days lost");

    const forced = await world.runAt("2026-03-31T13:00:00.000Z", { override: "they are gone" });
    assertEquals(forced.channel, "latest");
    assertEquals(await world.named(), forced.version);
    const [entry] = await world.side.publisher.store.log(1);
    assertEquals([entry!.channel, entry!.reason], ["latest", "they are gone"]);
  });
});

Deno.test("a listing without one symbol of forty is short, however few that is", async () => {
  const lives = Array.from({ length: 40 }, (_, i) => listing(`A${i}USDT#1`, "2025-12-15"));
  const past = history(lives, { through: THROUGH });
  await withDaily(past, async (world) => {
    const first = await world.runAt("2026-03-29T12:00:00.000Z", { full: true });
    assertEquals(first.channel, "latest");
    const lost = [...past.expectedRows(parseDay("2026-03-28"))].filter(({ symbol }) =>
      symbol === "A7USDT"
    ).length;
    world.source.bucket.fault = when(({ kind }) => kind === "prefixes", async (_r, _n, usual) => {
      const page = await usual().text();
      return new Response(
        page.replace(/<CommonPrefixes><Prefix>[^<]*\/A7USDT\/.*?<\/CommonPrefixes>/, ""),
      );
    });
    const short = await world.runAt("2026-03-30T12:00:00.000Z");
    assertEquals([short.channel, short.collected.gone], ["candidate", lost]);
    assertEquals(
      short.gates.filter(({ ok }) => !ok).map(({ gate, value }) => [gate, value]),
      [["no days lost", `${lost} days without the file they had`]],
    );
    // The run that publishes it has found nothing new; its report says what latest loses all the same.
    const forced = await world.runAt("2026-03-30T13:00:00.000Z", { override: "it is gone" });
    assertEquals([forced.collected.gone, forced.changes.gone], [0, lost]);
    assertStringIncludes(
      reportPage(forced),
      "## Files that are gone\n\n- 2026-03-28 A7USDT\n- 2026-03-27 A7USDT\n",
    );
    assertStringIncludes(reportPage(forced), `\n- and ${lost - 20} more\n`);

    world.source.bucket.fault = undefined;
    const whole = await world.runAt("2026-03-30T14:00:00.000Z");
    assertEquals(whole.changes.gone, 0);
    assertEquals([whole.channel, whole.symbols, whole.rows], [
      "latest",
      40,
      first.rows + 40,
    ]);
  });
});

Deno.test("a listing that ends before its end, and says it is whole, never shortens latest", async () => {
  const past = history([...smallListings(), listing("LONGUSDT#1", "2023-01-01")], {
    through: THROUGH,
  });
  await withDaily(past, async (world) => {
    const first = await world.runAt("2026-03-27T12:00:00.000Z", { full: true });
    assertEquals([first.channel, first.gates.every(({ ok }) => ok)], ["latest", true]);
    world.source.bucket.fault = when(
      ({ prefix, marker }) => prefix.includes("LONGUSDT") && marker === "",
      async (_request, _count, usual) => {
        const page = await usual().text();
        return new Response(page.replace("<IsTruncated>true<", "<IsTruncated>false<"));
      },
    );
    for (const day of ["28", "29"]) {
      const report = await world.runAt(`2026-03-${day}T12:00:00.000Z`, { sweepRuns: 1 });
      assertEquals(report.channel, "candidate");
      const failed = report.gates.filter(({ ok }) => !ok).map(({ gate, value }) => [gate, value]);
      // 1,181 days had a file, and 500 are left.
      assertEquals(failed.at(-1), ["no days lost", "681 days without the file they had"]);
      assertEquals(await world.named(), "2026-03-26.1");
    }
    world.source.bucket.fault = undefined;
    const whole = await world.runAt("2026-03-30T12:00:00.000Z", { sweepRuns: 1 });
    assertEquals([whole.channel, whole.rows], ["latest", first.rows + 3 * 11]);
  });
});

Deno.test("symbols that stay away for weeks never turn into delistings of latest", async () => {
  await withDaily(PAST, async (world) => {
    await world.runAt("2026-03-10T12:00:00.000Z", { full: true });
    world.source.bucket.fault = DROPPED;
    for (const day of ["11", "12", "18", "19", "20", "21"]) {
      await world.runAt(`2026-03-${day}T12:00:00.000Z`);
    }
    assertEquals(await world.named(), "2026-03-09.1");
  });
});

Deno.test("daily() on a source that fails changes nothing", async () => {
  await withDaily(PAST, async (world) => {
    await world.runAt("2026-03-29T12:00:00.000Z", { full: true });
    world.source.bucket.fault = when(
      ({ prefix }) => prefix.includes("XRPUSDT"),
      () => new Response("no", { status: 403 }),
    );
    await assertRejects(() => world.runAt("2026-03-30T12:00:00.000Z"), BfaError);
    assertEquals([await world.named(), await world.named("candidate")], [
      "2026-03-28.1",
      undefined,
    ]);
    world.source.bucket.fault = undefined;
    assertEquals((await world.runAt("2026-03-30T14:00:00.000Z")).version, "2026-03-29.1");
  });
});

Deno.test("after a stop between commit and mirror, the next run brings the mirror up to date", async () => {
  await withDaily(PAST, async (world) => {
    await world.runAt("2026-03-29T12:00:00.000Z", { full: true });
    const { publisher, mirrorDir } = world.side;
    const broken = publisher.mirrors.map((mirror): Mirror => ({
      ...mirror,
      put: (path, body) =>
        /manifest/.test(path) ? Promise.reject(new Error("killed")) : mirror.put(path, body),
    }));
    const at = "2026-03-30T12:00:00.000Z";
    const stopped = { publisher: { ...publisher, mirrors: broken } };
    await assertRejects(() => world.runAt(at, stopped), Error, "killed");
    assertEquals(await world.named(), "2026-03-29.1");
    await world.runAt("2026-03-30T14:00:00.000Z");
    const onMirror = parseManifest(await Deno.readTextFile(join(mirrorDir, "manifest.json")));
    assertEquals(onMirror.signed.version, "2026-03-29.1");
  });
});

Deno.test("reports name each new listing, delisting and relisting once, when it becomes known", async () => {
  const past = history([
    ...smallListings(),
    listing("NEWUSDT#1", "2026-03-10"),
    listing("ENDUSDT#1", "2026-01-05", "2026-03-12", "2026-03-25"),
    listing("BACKUSDT#1", "2026-01-05", "2026-02-01"),
    listing("BACKUSDT#2", "2026-03-14"),
    listing("PAUSEUSDT#1", "2026-01-05", null, null, {
      halts: [[parseDay("2026-03-10"), parseDay("2026-03-10")], [
        parseDay("2026-03-14"),
        parseDay("2026-03-20"),
      ]],
    }),
  ], { through: THROUGH });
  await withDaily(past, async (world) => {
    await world.runAt("2026-03-09T12:00:00.000Z", { full: true });
    const seen: string[] = [];
    let page = "";
    for (let day = 10; day <= 21; day++) {
      const report = await world.runAt(`2026-03-${day}T12:00:00.000Z`);
      for (const { symbol, relisting } of report.newListings) {
        seen.push(`+${symbol}${relisting ? " again" : ""}`);
        page = reportPage(report);
      }
      for (const { symbol, date } of report.delistings) seen.push(`-${symbol} ${date} on ${day}`);
    }
    // A halt, of a day or a week, is never a delisting; the end of trading is one after 8 days.
    assertEquals(seen.sort(), ["+BACKUSDT again", "+NEWUSDT", "-ENDUSDT 2026-03-13 on 21"]);
    assertStringIncludes(page, "- 2026-03-14 BACKUSDT (again)");
  });
});

Deno.test("trading that halts for ten days is a delisting after eight, and the report takes it back", async () => {
  const halts = [[parseDay("2026-03-10"), parseDay("2026-03-19")]] as const;
  const past = history(
    [...smallListings(), listing("SLEEPUSDT#1", "2026-01-05", null, null, { halts })],
    { through: THROUGH },
  );
  await withDaily(past, async (world) => {
    await world.runAt("2026-03-10T12:00:00.000Z", { full: true });
    const ended = await world.runAt("2026-03-19T12:00:00.000Z");
    assertEquals(ended.delistings.map(({ symbol, date }) => [symbol, date]), [
      ["SLEEPUSDT", "2026-03-10"],
    ]);
    assertEquals(ended.takenBack, []);
    const back = await world.runAt("2026-03-21T12:00:00.000Z");
    assertEquals([back.newListings, back.delistings], [[], []]);
    assertEquals<unknown>(back.takenBack, [{ listing: "SLEEPUSDT#1", lastTraded: "2026-03-09" }]);
    assertStringIncludes(
      reportPage(back),
      "## Delistings taken back\n\n- SLEEPUSDT#1: it was said to have ended on 2026-03-09, and has traded since: that was a halt\n",
    );
  });
});

Deno.test("a late file that moves a delisting is reported, with the day it has moved to", async () => {
  const past = history(
    [...smallListings(), listing("ENDUSDT#1", "2026-01-05", "2026-03-05")],
    { through: THROUGH, late: [{ symbol: "ENDUSDT", from: "2026-03-05", days: 10 }] },
  );
  await withDaily(past, async (world) => {
    await world.runAt("2026-03-05T12:00:00.000Z", { full: true });
    const ended = await world.runAt("2026-03-14T12:00:00.000Z");
    assertEquals(ended.delistings.map(({ date }) => `${date}`), ["2026-03-05"]);
    const moved = await world.runAt("2026-03-17T12:00:00.000Z");
    assertEquals(moved.delistings.map(({ date }) => `${date}`), ["2026-03-06"]);
    assertEquals<unknown>(moved.takenBack, [{ listing: "ENDUSDT#1", lastTraded: "2026-03-04" }]);
    assertEquals((await world.runAt("2026-03-18T12:00:00.000Z")).delistings, []);
  });
});

Deno.test("a symbol is new when it trades, not when it has a file; one that never trades is no news at all", async () => {
  const halted = (from: string, to: string) => [[parseDay(from), parseDay(to)]] as const;
  const past = history([
    ...smallListings(),
    // A small file, and trading on the next day: a first day that began late, as that one shows.
    listing("LATEUSDT#1", "2026-03-12", null, null, { halts: halted("2026-03-12", "2026-03-12") }),
    listing("NEVERUSDT#1", "2026-03-01", null, null, { halts: halted("2026-03-01", THROUGH) }),
    listing("WAITUSDT#1", "2026-03-05", null, null, { halts: halted("2026-03-05", "2026-03-15") }),
  ], { through: THROUGH });
  await withDaily(past, async (world) => {
    const news: string[] = [];
    await world.runAt("2026-03-10T12:00:00.000Z", { full: true });
    for (const day of ["13", "14", "15", "16", "17", "18"]) {
      // The directory of a new symbol comes a day later: LATEUSDT's at noon of the 14th.
      const report = await world.runAt(`2026-03-${day}T12:00:00.000Z`);
      for (const { symbol, date } of report.newListings) news.push(`${day}: +${symbol} ${date}`);
      for (const { symbol } of report.delistings) news.push(`${day}: -${symbol}`);
      for (const { listing } of report.takenBack) news.push(`${day}: ${listing} taken back`);
    }
    assertEquals(news, ["14: +LATEUSDT 2026-03-12", "17: +WAITUSDT 2026-03-16"]);
  });
});

Deno.test("the report is one page that says what happened", async () => {
  await withDaily(PAST, async (world) => {
    const report = await world.runAt("2026-03-30T12:00:00.000Z", { full: true });
    const { requests, added } = report.collected;
    assertEquals(reportPage(report).split("\n").slice(0, 5), [
      "# 2026-03-29.1",
      "",
      `Published to \`latest\`: 12 symbols, ${report.rows} rows, data through 2026-03-29.`,
      "",
      `Collected 12 symbols in ${requests} requests: ${added} new files (0 of them late), 0 changed, 0 gone, 0 odd keys.`,
    ]);
    const page = reportPage(await world.runAt("2026-03-30T14:00:00.000Z"));
    assertStringIncludes(page, "Nothing new: `latest` stays 2026-03-29.1");
  });
});

Deno.test("volume-rankings.parquet is what a naive count over the truth gives", async () => {
  await withDaily(PAST, async (world) => {
    const numbers = { fetch: world.source.fetchNumbers, now: () => world.source.clock };
    await world.runAt("2026-02-20T12:00:00.000Z", { full: true, numbers });
    const rows = await rankings(world);
    const truth = [...PAST.expectedRows(parseDay("2026-02-19"))].filter((row) => row.traded);
    const volume = new Map(truth.map((r) => [`${r.date} ${r.symbol}`, r.numbers!.quoteVolume]));
    assertEquals(rows.length, truth.length);
    for (const row of rows) {
      const date = (row.date as Date).toISOString().slice(0, 10);
      const day = truth.filter((r) => r.date === date).map((r) => r.numbers!.quoteVolume);
      const own = volume.get(`${date} ${row.symbol}`)!;
      const above = day.filter((other) => other > own).length;
      assertEquals(Number(row.rank), 1 + above, `${date} ${row.symbol}`);
      assertEquals(row.quote_volume_usdt, own);
      const share = own / day.reduce((sum, other) => sum + other, 0);
      assertEquals(Math.abs(Number(row.market_share) - share) < 1e-12, true);
      assertEquals(Math.abs(Number(row.percentile) - (1 - above / (day.length - 1))) < 1e-12, true);
    }
  });
});

async function rankings(world: DailyWorld) {
  const stored = await world.side.publisher.store.bySequence(1);
  const { artifacts } = stored!.manifest.signed;
  const artifact = artifacts.find(({ name }) => name === "volume-rankings.parquet")!;
  const file = await readBuffer(join(world.side.mirrorDir, artifactPath(artifact)));
  return await parquetReadObjects({ file, compressors });
}
