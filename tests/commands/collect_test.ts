import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { forbidden } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { bfaIn, smallListings, withCollecting } from "../helpers/collecting.ts";

const PAST = history(smallListings(), { through: parseDay("2026-02-28") });

Deno.test("`bfa collect` says what it found, and its failures are one line", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    const first = await bfaIn(world, "collect", "--full", "--klines", "--since", "2026-02-27");
    assertEquals(first.code, 0, first.err);
    assertMatch(
      first.out,
      /^12 symbols \(12 new\), 14 requests, \d+ keys: \d+ new files \(0 late\)/,
    );
    assertMatch(first.out, /\nnumbers of 21 of 21 days\n$/);
    const json = await bfaIn(world, "collect", "--json");
    assertEquals(JSON.parse(json.out).added, 0);

    world.bucket.fault = forbidden();
    const failed = await bfaIn(world, "collect");
    assertEquals([failed.code, failed.out, failed.err.split("\n").length], [6, "", 2]);
  });
});

const BAD = [
  ["--list-url", "nonsense"],
  ["--files-url", "ftp://x"],
  ["--lookback", "0"],
  ["--concurrency", "x"],
  ["--most", "1e3"],
  ["--since", "May"],
];
for (const [option, value] of BAD) {
  Deno.test(`\`bfa collect --klines ${option} ${value}\` is refused`, async () => {
    await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
      const { code, err } = await bfaIn(world, "collect", "--klines", option!, value!);
      assertEquals([code, err.split("\n").length], [2, 2]);
    });
  });
}

Deno.test("options about numbers are refused without --klines, before anything is listed", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    for (const [option, value] of [["--since", "2026-02-27"], ["--most", "5"]] as const) {
      const { code, err } = await bfaIn(world, "collect", option, value);
      assertEquals([code, err], [
        2,
        `bfa: Cannot use ${option} without --klines: it is about numbers\n`,
      ]);
    }
    const { err } = await bfaIn(world, "collect", "--klines", "--since", "May");
    assertStringIncludes(err, '"May"');
    assertEquals([world.bucket.counts.prefixes, world.bucket.counts.keys], [0, 0]);
  });
});
