import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { NEW, someBytes, withCopy } from "../helpers/fault_world.ts";
import { bfa } from "../helpers/cli.ts";

const BIG = someBytes(300_001, 1);

/** Runs a test with a version of two files, one of them a part, and the environment of a client. */
async function withFiles(
  test: (out: string, call: (...args: string[]) => ReturnType<typeof bfa>) => Promise<void>,
): Promise<void> {
  await withCopy(async (world) => {
    await Deno.mkdir(join(world.dir, "builds", NEW, "parts"), { recursive: true });
    await world.publishFiles(NEW, { "parts/2024.bin": BIG });
    const env = {
      BFA_ENDPOINT: world.endpoint.url,
      BFA_CACHE_DIR: world.cacheDir,
      HOME: world.dir,
    };
    const call = (...args: string[]) => bfa(args, { env, now: world.clock });
    await test(join(world.dir, "out"), call);
  });
}

Deno.test("bfa pull --out DIR writes the files under their own names, and says where", async () => {
  await withFiles(async (out, call) => {
    const { code, out: told, err } = await call("pull", "--out", `${out}/`);
    assertEquals([code, told], [
      0,
      `listings.json\t${out}/listings.json\nparts/2024.bin\t${out}/parts/2024.bin\n`,
    ]);
    assertStringIncludes(err, "2 files, 300.");
    assertEquals(await Deno.readFile(`${out}/parts/2024.bin`), BIG);
    const names = [...Deno.readDirSync(out), ...Deno.readDirSync(`${out}/parts`)];
    assertEquals(names.map(({ name }) => name).sort(), ["2024.bin", "listings.json", "parts"]);
  });
});

Deno.test("bfa pull --out DIR replaces a file that is not the artifact, and leaves one that is", async () => {
  await withFiles(async (out, call) => {
    await call("pull", "--out", out);
    const path = `${out}/parts/2024.bin`;
    const { ino } = await Deno.stat(path);
    await call("pull", "--out", out);
    assertEquals((await Deno.stat(path)).ino, ino);
    await Deno.writeFile(path, BIG.slice(1));
    assertEquals((await call("pull", "parts/2024.bin", "--out", out)).code, 0);
    assertEquals(await Deno.readFile(path), BIG);
  });
});

Deno.test("bfa pull --out DIR: a file where a folder should be is refused, in one line", async () => {
  await withFiles(async (out, call) => {
    await Deno.writeTextFile(out, "a file");
    const { code, err } = await call("pull", "listings.json", "--out", out);
    assertEquals(code, 8);
    assertStringIncludes(err, "a file is where a folder should be");
  });
});

Deno.test("bfa pull --out DIR removes the months of a year that has closed: they would count twice", async () => {
  await withCopy(async (world) => {
    const out = join(world.dir, "out");
    const env = {
      BFA_ENDPOINT: world.endpoint.url,
      BFA_CACHE_DIR: world.cacheDir,
      HOME: world.dir,
    };
    const pull = (...args: string[]) =>
      bfa(["pull", "--refresh-cache", "--out", out, ...args], { env, now: world.clock });
    const publish = async (version: string, parts: string[]) => {
      await Deno.mkdir(join(world.dir, "builds", version, "parts"), { recursive: true });
      await world.publishFiles(
        version,
        Object.fromEntries(parts.map((name) => [`parts/${name}.parquet`, someBytes(100, 1)])),
      );
    };
    const parts = async () =>
      (await Array.fromAsync(Deno.readDir(`${out}/parts`), ({ name }) => name)).sort();

    await publish("2024-03-31.2", ["2023", "2024-01", "2024-02"]);
    assertEquals((await pull()).code, 0);
    await Deno.writeTextFile(`${out}/parts/mine.parquet`, "");
    await publish("2024-03-31.3", ["2023", "2024"]);
    await pull("parts/2024.parquet");
    const months = ["2024-01.parquet", "2024-02.parquet"];
    assertEquals(await parts(), ["2023.parquet", ...months, "2024.parquet", "mine.parquet"]);
    const { code, err } = await pull();
    assertEquals(code, 0);
    assertStringIncludes(
      err,
      "removed, as 2024-03-31.3 has them no more: parts/2024-01.parquet, parts/2024-02.parquet\n",
    );
    assertEquals(await parts(), ["2023.parquet", "2024.parquet", "mine.parquet"]);
  });
});
