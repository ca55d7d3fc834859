import { assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { lines, spawnDeno } from "../helpers/process.ts";

Deno.test("a KV that another process keeps locked: one line, exit 6, while it is still locked", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-locked-" });
  const env = { HOME: dir };
  const call = (...args: string[]) =>
    spawnDeno(["run", "-A", "cli.ts", ...args, "--data-dir", dir], env).finished;
  const log = () => call("log");
  try {
    (await Deno.openKv(`${dir}/kv.sqlite3`)).close();
    assertEquals((await log()).code, 0);
    const other = new DatabaseSync(`${dir}/kv.sqlite3`);
    other.exec("BEGIN EXCLUSIVE");
    for (const args of [["log"], ["serve", "--port", "0"]]) {
      const { code, out, err } = await call(...args);
      assertEquals([code, out, lines(err).length], [6, "", 1], err);
      assertStringIncludes(err, "another process keeps it locked");
    }
    other.exec("ROLLBACK");
    other.close();
    assertEquals((await log()).code, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
