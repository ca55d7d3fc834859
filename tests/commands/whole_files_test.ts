/** What the command line says where files of all days go less far than the version. */

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { bfa } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { parseDay } from "../../lib/core/day.ts";
import { history } from "../helpers/bucket_history.ts";
import { type Collecting, smallListings, withCollecting } from "../helpers/collecting.ts";

const PAST = history(smallListings(), { through: parseDay("2026-03-31") });

/** Runs a test with a publisher that builds monthly, by its settings file, and a client of it. */
async function withMonthly(
  test: (world: Collecting, call: (...args: string[]) => ReturnType<typeof bfa>) => Promise<void>,
): Promise<void> {
  await withCollecting(PAST, "2026-03-29T12:00:00.000Z", async (world) => {
    const data = join(world.dir, "data");
    const endpoint = serveMirror(join(data, "mirror"));
    const env = {
      BFA_DATA_DIR: data,
      BFA_VISION_LIST_URL: world.bucket.listUrl,
      BFA_WHOLE_FILES: "monthly",
      BFA_ENDPOINT: endpoint.url,
      BFA_CACHE_DIR: join(world.dir, "cache"),
      HOME: world.dir,
    };
    const call = (...args: string[]) => bfa(args, { env, now: world.clock });
    try {
      await call("keys", "new");
      const { code, err, out } = await call("daily", "--full");
      assertEquals(code, 0, err);
      assertMatch(
        out,
        /\nOf 0\.\d MB of files, 0\.\d MB are new; files of all days go through 2026-02-28\.\n/,
      );
      await test(world, call);
    } finally {
      await endpoint.close();
    }
  });
}

Deno.test("daily, pull, status, versions and doctor say how far files of all days go", async () => {
  await withMonthly(async (world, call) => {
    const pulled = await call("pull", "availability.parquet", "--out", join(world.dir, "out"));
    assertEquals(pulled.code, 0, pulled.err);
    assertEquals(
      pulled.err.trimEnd().split("\n").at(-1),
      "through 2026-02-28, not 2026-03-28: availability.parquet; the days after it are in parts/ (`bfa pull parts/`)",
    );
    const { files } = JSON.parse((await call("pull", "--all", "--json")).out);
    assertEquals(
      files.filter((file: { dataThrough?: string }) => file.dataThrough)
        .map(({ name, dataThrough }: { name: string; dataThrough: string }) => [name, dataThrough]),
      ["availability.parquet", "availability-by-symbol.parquet", "availability.duckdb.gz"]
        .map((name) => [name, "2026-02-28"]),
    );
    assertEquals((await call("pull", "-q", "availability.parquet")).err, "");
    assertEquals((await call("pull", "parts/")).err.trimEnd().split("\n").length, 1);

    assertMatch(
      (await call("status", "--format", "table")).out,
      /\nfiles +of all days go through 2026-02-28; `parts\/` have every day\n/,
    );
    const status = JSON.parse((await call("status", "--json")).out);
    assertEquals([status.dataThrough, status.wholeFilesThrough], ["2026-03-28", "2026-02-28"]);
    const versions = JSON.parse((await call("versions", "--json")).out);
    assertEquals(versions.versions[0].wholeFilesThrough, "2026-02-28");
    assertMatch(
      (await call("versions", "--format", "csv")).out,
      /^version,.*,channels,whole_files_through\r?\n/,
    );
    assertMatch(
      (await call("doctor")).out,
      /2026-03-28\.1 is fresh, signed by \S+; files of all days go through 2026-02-28, its parts through 2026-03-28/,
    );
    const checked = await call(
      "check",
      join(world.dir, "data", "builds", "2026-03-28.1"),
      "--json",
    );
    assertEquals(checked.code, 0, checked.err);
  });
});

Deno.test("with whole files built daily nothing of this is said; going over to monthly makes another version", async () => {
  await withMonthly(async (_world, call) => {
    const daily = await call("daily", "--whole-files", "daily");
    assertMatch(daily.out, /^# 2026-03-28\.2\n/);
    assertMatch(daily.out, /MB are new\.\n/);
    await call("refresh");
    assertEquals(/files/.test((await call("status", "--format", "table")).out), false);
    assertEquals(/files of/.test((await call("pull", "--all")).err), false);
    const back = await call("rollback", "--reason", "files were fine");
    assertEquals(back.code, 0, back.err);
    await call("refresh");
    const status = JSON.parse((await call("status", "--json")).out);
    assertEquals([status.version, status.wholeFilesThrough], ["2026-03-28.1", "2026-02-28"]);
  });
});

Deno.test("a word that is no setting is refused before anything is collected", async () => {
  await withCollecting(PAST, "2026-03-29T12:00:00.000Z", async (world) => {
    const env = { BFA_DATA_DIR: world.dir, BFA_VISION_LIST_URL: world.bucket.listUrl };
    const { code, err } = await bfa(["daily", "--whole-files", "yearly"], {
      env,
      now: world.clock,
    });
    assertEquals([code, err], [
      2,
      'bfa: Cannot use --whole-files "yearly": give daily, weekly, monthly\n',
    ]);
    assertEquals(Object.values(world.bucket.counts).every((count) => count === 0), true);
  });
});
