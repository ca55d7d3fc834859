import { assertEquals, assertStringIncludes } from "@std/assert";
import { withMain } from "../helpers/main_process.ts";
import { withSqlPageFolder } from "../helpers/sql_page.ts";
import { lines, spawnDeno } from "../helpers/process.ts";

Deno.test("BFA_SQL_PAGE: main.ts serves the folder, before any version is there", async () => {
  await withSqlPageFolder(async (dir) => {
    await withMain(async ({ url }) => {
      const answer = await fetch(`${url}/sql/`);
      assertEquals([answer.status, await answer.text()], [
        200,
        await Deno.readTextFile("browser/page.html"),
      ]);
    }, { env: { BFA_SQL_PAGE: dir } });
  });
});

Deno.test("`bfa serve --sql-page` refuses a folder that is none, in one line", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const args = ["serve", "--port", "0", "--data-dir", dir, "--sql-page", `${dir}/missing`];
  const process = spawnDeno(["run", "-A", "--unstable-kv", "cli.ts", ...args], { HOME: dir });
  const { code, err } = await process.finished;
  assertEquals([code, lines(err).length], [2, 1]);
  assertStringIncludes(err, "it has no index.html; make it with `deno task browser");
  await Deno.remove(dir, { recursive: true });
});
