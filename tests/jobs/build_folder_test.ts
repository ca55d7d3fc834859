import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { build } from "../../lib/jobs/build.ts";
import { readBuild } from "../../lib/jobs/build_folder.ts";
import { seedListings } from "../../lib/source/seed.ts";

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
