import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { addDays, parseDay } from "../../lib/core/day.ts";
import { KLINES_PREFIX } from "../../lib/core/vision_keys.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { reportPage } from "../../lib/jobs/daily_report.ts";
import { formatQuarantine } from "../../lib/jobs/quarantine.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { when, wrongChecksum } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { quarantineKeys } from "../helpers/bucket_odd.ts";
import { smallListings } from "../helpers/collecting.ts";
import { type DailyWorld, withDaily } from "../helpers/daily_world.ts";

const DAY = parseDay("2026-03-20");
const MODIFIED = "2026-03-21T07:30:00.000Z";
const OWN = `${KLINES_PREFIX}SOLUSDT/1m/SOLUSDT-1m-`;
const HOSTILE = [
  `${KLINES_PREFIX}N\u0000LUSDT/1m/x.zip`,
  `${KLINES_PREFIX}SOLUSDT/1m/<script>alert(1)</script>.zip`,
  `${KLINES_PREFIX}SOLUSDT/1m/../../../../../../tmp/x-1m-${DAY}.zip`,
  `${KLINES_PREFIX}SOLUSDT/1m/\u0000\u001b[2J.zip`,
];

/** Bad names, an empty file, a file of 512 bytes, and the file of a day that has not been yet. */
const PAST = history(smallListings(), {
  through: parseDay("2026-04-30"),
  odd: [
    ...quarantineKeys("SOLUSDT", DAY, MODIFIED),
    ...HOSTILE.map((key) => ({ key, size: 9, lastModified: MODIFIED })),
    {
      key: `${KLINES_PREFIX}XRPUSDT/1m/XRPUSDT-1m-2026-03-22.zip`,
      size: 512,
      lastModified: "2026-03-23T07:30:00.000Z",
    },
    { key: `${OWN}2026-04-03.zip`, size: 40_000, lastModified: MODIFIED },
  ],
});

/** The quarantine that `latest` names, with what its manifest and its descriptor say of it. */
async function published(world: DailyWorld) {
  const { store } = world.side.publisher;
  const { pointer } = await store.head("latest");
  const { artifacts, quarantined } = (await store.bySequence(pointer!.sequence))!.manifest.signed;
  const read = (name: string) =>
    Deno.readTextFile(
      join(world.side.mirrorDir, artifactPath(artifacts.find((a) => a.name === name)!)),
    );
  const text = await read("quarantine.json");
  const { resources } = JSON.parse(await read("datapackage.json"));
  const resource = resources.find(({ path }: { path: string }) => path === "quarantine.json");
  return { text, quarantined, rows: resource.rows, sha256: resource.hash };
}

Deno.test("all that is odd is in quarantine.json, with the reason and the time, and counted", async () => {
  await withDaily(PAST, async (world) => {
    world.source.bucket.fault = when(
      ({ file }) => file?.symbol === "ZECUSDT" && file.day === "2026-03-25",
      wrongChecksum(),
    );
    const numbers = {
      fetch: world.source.fetchNumbers,
      since: parseDay("2026-03-24"),
      now: () => world.source.clock,
    };
    const report = await world.runAt("2026-03-30T12:00:00.000Z", { full: true, numbers });
    assertEquals(report.channel, "latest", reportPage(report));
    const { text, quarantined, rows } = await published(world);
    const found = JSON.parse(text);
    const at = "2026-03-30T12:00:00Z";
    const names = "not named SYMBOL-1m-DAY.zip";
    const expected = [
      ...HOSTILE.slice(1, 3).map((key) => [key, names]),
      [`${KLINES_PREFIX}SOLUSDT/1m/&#x0;&#x1b;[2J.zip`, names], // as S3 writes control characters
      [`${OWN}2026-04-03.zip`, "in the future"],
      [`${OWN}${addDays(DAY, 400)}.zip`, "in the future"],
      [`${OWN}${DAY}.zip`, "empty file"],
      [`${OWN}${DAY}.zip.tmp`, names],
      [`${OWN}2024-02-30.zip`, "no such day"],
      [`${OWN}2024-1-5.zip`, "no such day"],
      [`${KLINES_PREFIX}SOLUSDT/1m/OTHERUSDT-1m-${DAY}.zip`, names],
      ...["../", 'A<&>"USDT/', "A B+C%41USDT/", "N&#x0;LUSDT/", "index.html"]
        .map((name) => [KLINES_PREFIX + name, "not the name of a symbol"]),
      [`${KLINES_PREFIX}XRPUSDT/1m/XRPUSDT-1m-2026-03-22.zip`, "implausible size: 512 bytes"],
      [`${KLINES_PREFIX}ZECUSDT/1d/ZECUSDT-1d-2026-03-25.zip`, "numbers: checksum"],
    ].map(([key, reason]) => ({ key, reason, learnedAt: at }));
    const byKey = (a: { key?: string | undefined }, b: { key?: string | undefined }) =>
      a.key! < b.key! ? -1 : 1;
    assertEquals(found.quarantined.toSorted(byKey), expected.toSorted(byKey));
    const count = expected.length;
    assertEquals([found.count, quarantined, rows, report.quarantined], Array(4).fill(count));
    assertStringIncludes(reportPage(report), `Set aside in \`quarantine.json\`: ${count}`);

    // The day of 512 bytes is still a day: its file is there. The empty one is missing.
    const { listings } = await world.source.withStore((store) =>
      derive(store, { now: world.source.clock })
    );
    assertEquals<unknown>(
      listings.filter(({ gaps }) => gaps.length > 0).map(({ id, gaps }) => [id, gaps]),
      [["SOLUSDT#1", [[DAY, DAY]]]],
    );
    // Nothing in a key has become a file.
    const inFolder = [...Deno.readDirSync(world.source.dir)].map(({ name }) => name);
    assertEquals(inFolder, ["observations.duckdb"]);

    const again = await world.runAt("2026-03-30T20:00:00.000Z", { numbers });
    assertEquals([again.channel, again.klines?.problems], [null, { checksum: 1 }], "same bytes");
    assertEquals((await published(world)).text, text);

    // The CHECKSUM is repaired, and the day that had not been yet has been.
    world.source.bucket.fault = undefined;
    const later = await world.runAt("2026-04-04T12:00:00.000Z", { numbers });
    assertEquals([later.channel, later.quarantined], ["latest", count - 2]);
    const reasons = JSON.parse((await published(world)).text).quarantined
      .map(({ key }: { key: string }) => key);
    assertEquals(reasons.includes(`${OWN}2026-04-03.zip`), false);
    assertEquals(reasons.some((key: string) => key.includes("/1d/")), false);
  });
});

Deno.test("formatQuarantine() is JSON, a row a line, of anything and of nothing", () => {
  assertEquals(formatQuarantine([]), '{"count":0,"quarantined":[\n]}\n');
  const row = { key: 'a"\u0000\n<b>\u2028', reason: "odd", learnedAt: "2026-03-30T12:00:00Z" };
  const text = formatQuarantine([row, row]);
  assertEquals(text.split("\n").length, 5);
  assertEquals(JSON.parse(text), { count: 2, quarantined: [row, row] });
});
