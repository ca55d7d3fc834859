import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { openSqlPage } from "../../routes/sql_page.ts";
import { MODULE, withSqlPageFolder } from "../helpers/sql_page.ts";
import { withService } from "../helpers/service.ts";

const POLICY = /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; .*connect-src 'self'/;

Deno.test("the folder's files: types, tags, ranges, and the policy on the worker's script too", async () => {
  await withSqlPageFolder(async (dir) => {
    await withService(async ({ ask }) => {
      for (
        const [path, type, policy] of [
          ["/sql/", "text/html; charset=utf-8", POLICY],
          ["/sql/index.html", "text/html; charset=utf-8", POLICY],
          ["/sql/worker.js", "text/javascript; charset=utf-8", POLICY],
          ["/sql/duckdb.wasm.gz", "application/gzip", /default-src 'none'/],
        ] as const
      ) {
        const answer = await ask(path);
        assertEquals([path, answer.status], [path, 200]);
        assertEquals(answer.headers.get("content-type"), type);
        assertEquals(answer.headers.get("cache-control"), "no-cache");
        assertMatch(answer.headers.get("content-security-policy")!, policy);
        await answer.text();
        const tag = answer.headers.get("etag")!;
        const again = await ask(path, { headers: { "if-none-match": tag } });
        assertEquals([path, again.status], [path, 304]);
      }
      const zipped = await ask("/sql/worker.js", { headers: { "accept-encoding": "gzip" } });
      assertEquals(zipped.headers.get("content-encoding"), "gzip");
      await zipped.body?.cancel();
      const whole = await ask("/sql/duckdb.wasm.gz", { headers: { "accept-encoding": "gzip" } });
      assertEquals(whole.headers.get("content-encoding"), null);
      assertEquals(new Uint8Array(await whole.arrayBuffer()), MODULE);
      const part = await ask("/sql/duckdb.wasm.gz", { headers: { range: "bytes=10-19" } });
      assertEquals([part.status, (await part.arrayBuffer()).byteLength], [206, 10]);
      for (const path of ["/sql/nothing.js", "/sql/..%2f..%2fdeno.json", "/sql/sub/page.js"]) {
        const answer = await ask(path);
        assertEquals([path, answer.status], [path, 404]);
        await answer.text();
      }
    }, { sqlPage: await openSqlPage(dir) });
  });
});

Deno.test("the policy that is sent is the one that stands in the page, and forbids frames", async () => {
  await withSqlPageFolder(async (dir) => {
    const page = await openSqlPage(dir);
    const answer = await page.answer(new Request("http://127.0.0.1/sql/"), "");
    const [, stated] = /content="(default-src [^"]+)"/.exec(await answer.text())!;
    const sent = answer.headers.get("content-security-policy");
    assertEquals(sent, `${stated}; frame-ancestors 'none'`);
    assert(!/unsafe-(inline|eval)|\*/.test(stated!.replace("'wasm-unsafe-eval'", "")));
  });
});

Deno.test("the front page points to it where it is", async () => {
  await withSqlPageFolder(async (dir) => {
    await withService(async ({ ask }) => {
      const page = await (await ask("/", { headers: { accept: "text/html" } })).text();
      assertStringIncludes(page, '<p id="sql-here">');
    }, { sqlPage: await openSqlPage(dir) });
  });
});

Deno.test("a folder without a page is refused with what to do", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-sql-page-" });
  for (const folder of [dir, `${dir}/missing`]) {
    const error = await assertRejects(() => openSqlPage(folder), BfaError);
    assertEquals([error.code, error.message.includes("deno task browser")], ["usage", true]);
  }
  await Deno.remove(dir);
});
