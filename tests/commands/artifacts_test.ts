import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bfa } from "../helpers/cli.ts";
import { NEW, someBytes, withCopy } from "../helpers/fault_world.ts";
import { open } from "../../lib/mod.ts";

const YEAR = someBytes(70_001, 1);
const MONTH = someBytes(3_001, 2);

Deno.test("bfa artifacts: what a version has, and what of it is here; nothing is downloaded", async () => {
  await withCopy(async (world) => {
    await Deno.mkdir(join(world.dir, "builds", NEW, "parts"), { recursive: true });
    await world.publishFiles(NEW, { "parts/2023.parquet": YEAR, "parts/2024-01.parquet": MONTH });
    const env = {
      BFA_ENDPOINT: world.endpoint.url,
      BFA_CACHE_DIR: world.cacheDir,
      HOME: world.dir,
    };
    const call = (...args: string[]) => bfa(args, { env, now: world.clock });

    const all = await call("artifacts", "--json", "--refresh-cache");
    assertEquals(all.code, 0);
    const listed = JSON.parse(all.out);
    const { signed } = await (await open({
      endpoint: world.endpoint.url,
      cacheDir: null,
      now: () => world.clock,
    })).manifest();
    assertEquals(listed, {
      version: NEW,
      count: 3,
      bytes: signed.artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
      artifacts: signed.artifacts.map((artifact) => ({
        ...artifact,
        here: artifact.name === "listings.json",
        path: `${artifact.sha256}/${artifact.name}`,
      })),
    });

    const lines = (names: string[]) =>
      names.map((name) => {
        const { sha256 } = signed.artifacts.find((artifact) => artifact.name === name)!;
        return `${sha256}  ${name}\n`;
      }).join("");
    assertEquals((await call("artifacts", "parts/2024*")).out, lines(["parts/2024-01.parquet"]));
    const parts = lines(["parts/2023.parquet", "parts/2024-01.parquet"]);
    assertEquals((await call("artifacts", "parts/")).out, parts);

    const table = await bfa(["artifacts"], { env, now: world.clock, terminal: true });
    assertStringIncludes(table.err, "3 files of 2024-04-01.1, ");
    assertStringIncludes(table.err, "; 73.0 kB are not here");
    await call("pull", "parts/*");
    const pulled = await bfa(["artifacts", "parts/"], { env, now: world.clock, terminal: true });
    assertStringIncludes(pulled.err, "2 files of 2024-04-01.1, 73.0 kB; all of it is here");

    const none = await call("artifacts", "parts/2025*");
    assertEquals(none.code, 3);
    assertStringIncludes(
      none.err,
      'no artifact "parts/2025*" in 2024-04-01.1: it has listings.json, parts/',
    );
  });
});

Deno.test("bfa artifacts: what it prints is what sha256sum checks", async () => {
  await withCopy(async (world) => {
    const env = {
      BFA_ENDPOINT: world.endpoint.url,
      BFA_CACHE_DIR: world.cacheDir,
      HOME: world.dir,
    };
    const out = join(world.dir, "out");
    await bfa(["pull", "--all", "--out", out], { env, now: world.clock });
    const { out: sums } = await bfa(["artifacts"], { env, now: world.clock });
    for (const line of sums.trimEnd().split("\n")) {
      const [digest, name] = line.split("  ");
      const bytes = await crypto.subtle.digest("SHA-256", await Deno.readFile(join(out, name!)));
      assertEquals(new Uint8Array(bytes).toHex(), digest);
    }
  });
});
