import { assertEquals } from "@std/assert";
import { scratchFolder } from "../../lib/files/scratch_folder.ts";

Deno.test("scratchFolder() removes the folders of processes that were killed, and no others", async () => {
  const prefix = `bfa-scratch-${crypto.randomUUID().slice(0, 8)}-`;
  const alive = await scratchFolder(prefix);
  const dead = await Deno.makeTempDir({ prefix });
  await Deno.writeTextFile(`${dead}/lock`, "");
  await Deno.writeTextFile(`${dead}/left.duckdb`, "x");
  const foreign = await Deno.makeTempDir({ prefix });
  const young = await Deno.makeTempDir({ prefix });
  await Deno.writeTextFile(`${young}/lock`, "");
  const old = new Date(Date.now() - 3_600_000);
  for (const path of [alive.path, dead, foreign]) await Deno.utime(path, old, old);

  const next = await scratchFolder(prefix);
  const exists = async (path: string) => await Deno.stat(path).then(() => true, () => false);
  assertEquals(await Promise.all([alive.path, dead, foreign, young, next.path].map(exists)), [
    true,
    false,
    true,
    true,
    true,
  ]);
  await alive.remove();
  await next.remove();
  assertEquals(await Promise.all([alive.path, next.path].map(exists)), [false, false]);
  for (const path of [foreign, young]) await Deno.remove(path, { recursive: true });
});
