import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { build } from "../../lib/jobs/build.ts";
import { fillBuildFolder, readBuild } from "../../lib/jobs/build_folder.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { canMount, withSmallDisk } from "../helpers/fault_disk.ts";

Deno.test("build() never touches a folder that is not an earlier build", async () => {
  const outDir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${outDir}/thesis.txt`, "mine");
    const error = await assertRejects(
      async () => await build(await seedListings(), { version: "2026-08-08.1", outDir }),
      BfaError,
    );
    assertEquals(error.code, "usage");
    assertEquals(await Deno.readTextFile(`${outDir}/thesis.txt`), "mine");
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
});

Deno.test("a build removes what killed builds left beside it more than a day ago, and nothing else", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const scratch = () => `${dir}/2026-08-07.1.${crypto.randomUUID()}.tmp`;
    const [old, young, others] = [scratch(), scratch(), `${dir}/x.${crypto.randomUUID()}.tmp`];
    for (const path of [old, young, others]) await Deno.mkdir(path);
    await Deno.writeTextFile(`${old}/work.duckdb`, "");
    const yesterday = new Date(Date.now() - 86_401_000);
    for (const path of [old, others]) await Deno.utime(path, yesterday, yesterday);
    const outDir = `${dir}/2026-08-08.1`;
    await fillBuildFolder(outDir, () => Promise.reject(new Error("enough"))).catch(() => {});
    const left = Array.from(Deno.readDirSync(dir), ({ name }) => `${dir}/${name}`).sort();
    assertEquals(left, [young, others].sort());
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("readBuild() says `integrity` for a damaged build.json", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const text of ["{", "null", '{"version":"2026-08-08.1"}']) {
      await Deno.writeTextFile(`${dir}/build.json`, text);
      assertEquals((await assertRejects(() => readBuild(dir), BfaError)).code, "integrity");
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

for (const state of ["full", "read-only"]) {
  Deno.test({
    name: `build() on a disk that is ${state}: storage, and nothing is left`,
    ignore: !canMount,
    fn: () =>
      withSmallDisk(async (disk) => {
        await (state === "full" ? disk.fill(12) : disk.readOnly(true));
        const outDir = `${disk.dir}/build`;
        const error = await assertRejects(
          async () => await build(await seedListings(), { version: "2026-08-08.1", outDir }),
          BfaError,
        );
        const why = state === "full" ? "the disk is full" : "this place is read-only";
        assertEquals([error.code, error.message], ["storage", `Cannot write ${outDir}: ${why}`]);
        const left = Array.from(Deno.readDirSync(disk.dir), ({ name }) => name);
        assertEquals(left, state === "full" ? ["filler"] : []);
      }),
  });
}
