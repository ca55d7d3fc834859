import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import { GATES } from "../../lib/jobs/check.ts";
import { when } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { bfaIn, smallListings, withCollecting } from "../helpers/collecting.ts";

const PAST = history(smallListings(), { through: parseDay("2026-03-31") });

Deno.test("`bfa check` prints the gates of a build, and ends with 8 when one fails", async () => {
  await withCollecting(PAST, "2026-03-29T12:00:00.000Z", async (world) => {
    await bfaIn(world, "keys", "new");
    assertEquals((await bfaIn(world, "check")).code, 3);
    const first = await bfaIn(world, "daily", "--full");
    assertEquals(first.code, 0, first.err);
    const dir = join(world.dir, "builds", "2026-03-28.1");
    const passed = await bfaIn(world, "check", dir, "--format", "table");
    assertEquals(passed.code, 0, passed.err);
    assertEquals(passed.err, `${GATES.length} gates, 0 failed · 2026-03-28.1\n`);
    assertEquals(passed.out.trimEnd().split("\n").length, 1 + GATES.length);
    assertMatch(passed.out, /no fewer symbols +ok +12 symbols +at least 12, before 12/);

    // The directories of four symbols are not listed any more.
    world.bucket.fault = when(
      ({ kind }) => kind === "prefixes",
      async (_request, _count, usual) => {
        const body = (await usual().text()).replace(
          /<CommonPrefixes><Prefix>[^<]*\/(0GUSDT|ETHUSDC|GAPUSDT|XRPUSDT)\/<.*?<\/CommonPrefixes>/g,
          "",
        );
        return new Response(body);
      },
    );
    world.clock = new Date("2026-03-31T12:00:00.000Z");
    const daily = await bfaIn(world, "daily");
    assertEquals(daily.code, 8);
    assertMatch(daily.err, /stays in channel candidate: .*complete listing \(8 symbols listed/);
    const failed = await bfaIn(world, "check", "--json");
    assertEquals(failed.code, 8);
    const answer = JSON.parse(failed.out);
    assertEquals(answer.passed, false);
    const [listing] = answer.gates;
    assertEquals(listing, {
      gate: "complete listing",
      ok: false,
      value: "8 symbols listed",
      bound: "at least 12, before 12",
    });
    assertEquals(failed.err.split("\n").length, 2);
    assertStringIncludes(failed.err, `${answer.version} failed complete listing`);

    // Over the gates goes only who says why.
    for (const blank of ["", "  "]) {
      assertEquals((await bfaIn(world, "daily", "--override", blank)).code, 2);
    }
    const mute = await bfaIn(world, "promote", answer.version);
    assertEquals([mute.code, mute.out], [2, ""]);
    assertStringIncludes(mute.err, "it failed complete listing (8 symbols listed");

    // A build that was tampered with is found out by its rows.
    await Deno.copyFile(
      join(world.dir, "builds", answer.version, "availability.parquet"),
      join(dir, "availability.parquet"),
    );
    world.clock = new Date("2026-03-29T12:00:00.000Z");
    const wrong = JSON.parse((await bfaIn(world, "check", dir, "--json")).out);
    assertEquals(
      wrong.gates.filter(({ ok }: { ok: boolean }) => !ok).map(({ gate }: { gate: string }) =>
        gate
      ),
      ["complete listing", "no future day", "files agree"],
    );
    world.clock = new Date("2026-03-31T13:00:00.000Z");
    const told = await bfaIn(world, "promote", answer.version, "--reason", "four were removed");
    assertEquals(told.out, `latest is now ${answer.version} (sequence 3)\n`);
    const { entries } = JSON.parse((await bfaIn(world, "log", "--json")).out);
    assertEquals(entries[0].reason, "four were removed");
  });
});
