import { assertEquals, assertStringIncludes } from "@std/assert";
import { DAILY_AVAILABILITY } from "../../lib/core/schema.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { type RangeServer, serveRanges } from "../helpers/range_server.ts";

Deno.test("`bfa rows` and `bfa top`", async (t) => {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const server = serveRanges(publisher.mirrorDir);
    try {
      await withCacheDir(async (env) => {
        await steps(t, server, { ...env, BFA_ENDPOINT: server.url });
      });
    } finally {
      await server.close();
    }
  });
});

async function steps(t: Deno.TestContext, server: RangeServer, env: Record<string, string>) {
  const cache = env.BFA_CACHE_DIR!;

  await t.step("without a copy nothing is written, and what is printed is the same", async () => {
    const calls = [
      ["rows", "2024-02-10", "--json"],
      ["rows", "S07USDT", "--columns", "all", "--format", "csv"],
      ["rows", "S07USDT", "--from", "2024-03-01", "--to", "latest"],
      ["rows", "2024-03-30", "--to", "latest", "--columns", "close_price,state"],
      ["top", "latest", "-n", "3", "--format", "ndjson"],
      ["snapshot", "2024-02-10"],
      ["timeline", "S07USDT", "--json"],
    ];
    const bare = [];
    for (const call of calls) bare.push(await bfa([...call, "--no-copy", "-q"], { env }));
    assertEquals(await Deno.stat(cache).catch(() => "none"), "none");
    for (const [i, call] of calls.entries()) {
      assertEquals(await bfa([...call, "-q"], { env }), bare[i], call.join(" "));
      assertEquals([bare[i]!.code, bare[i]!.err], [0, ""]);
    }
  });

  await t.step(
    "the same cells as in SQL, character for character: days, instants, numbers",
    async () => {
      const columns = DAILY_AVAILABILITY.map(({ name }) => name).join(", ");
      const sql =
        `SELECT ${columns} FROM daily_availability WHERE symbol = 'S07USDT' ORDER BY date`;
      for (const format of ["csv", "ndjson", "md", "arrow", "parquet"]) {
        const rows = ["rows", "S07USDT", "--columns", "all", "--format", format, "-q"];
        const [asked, selected] = [
          await bfa(rows, { env }),
          await bfa(["sql", sql, "--format", format, "-q"], { env }),
        ];
        const names = (text: string) =>
          text.replace(/^date,symbol,.*$/m, "").replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
        assertEquals([asked.code, selected.code], [0, 0]);
        if (asked.bytes.length > 0) assertEquals(asked.bytes, selected.bytes, format);
        else assertEquals(names(asked.out), names(selected.out), format);
      }
    },
  );

  await t.step("the copy's parts answer offline from then on", async () => {
    server.take();
    const { code, out } = await bfa(["rows", "2024-02-11", "--offline"], { env });
    assertEquals([code, out.split("\n").length - 1], [0, 62]);
    assertEquals(server.take(), []);
  });

  await t.step(
    "a copy downloads only the parts that a day, or a symbol's life, can be in",
    async () => {
      const fresh = { ...env, BFA_CACHE_DIR: `${cache}-parts` };
      server.take();
      await bfa(["rows", "2024-01-02"], { env: fresh });
      await bfa(["rows", "ZENDEDUSDT"], { env: fresh });
      await bfa(["rows", "ZENDEDUSDT", "--from", "2024-02-20", "--to", "2024-03-01"], {
        env: fresh,
      });
      const parts = server.take().map(({ path }) => path).filter((path) =>
        path.startsWith("parts/")
      );
      assertEquals(parts, ["parts/2024-01.parquet", "parts/2024-02.parquet"]);
    },
  );

  await t.step("a pipe gets lines, a terminal a table with a footer", async () => {
    const lines = await bfa(["rows", "THREEUSDT"], { env });
    assertEquals(lines.out.split("\n").map((line) => line.split("\t")[0]), [
      "2024-03-29",
      "2024-03-30",
      "2024-03-31",
      "",
    ]);
    const table = await bfa(["rows", "THREEUSDT"], { env, terminal: true });
    assertEquals(
      table.out.split("\n")[0],
      "DATE        SYMBOL     AVAILABLE  STATE   FILE SIZE BYTES  QUOTE VOLUME USDT  TRADE COUNT",
    );
    assertStringIncludes(table.err, "3 rows, 2024-03-29 to 2024-03-31   version 2024-03-31.1");
    const top = await bfa(["top", "latest", "-n", "2"], { env, terminal: true });
    assertStringIncludes(top.out, "RANK  SYMBOL");
    assertStringIncludes(top.err, "2 of 62 whose volume on 2024-03-31 is known");
    const names = await bfa(["top", "latest", "-n", "2"], { env });
    assertEquals(names.out.split("\n").length, 3);
  });

  await t.step("a pinned version and an earlier day answer without a copy", async () => {
    const at = await bfa(["rows", "2024-02-10", "--at", "2024-03-31.1", "--no-copy"], { env });
    assertEquals([at.code, at.out.split("\n").length - 1], [0, 62]);
    const asOf = await bfa(["top", "latest", "--as-of", "2024-04-01", "--no-copy"], { env });
    assertEquals([asOf.code, asOf.out.split("\n").length - 1], [0, 20]);
  });

  const failures: [args: string[], code: number, says: string][] = [
    [["rows", "2024-02-10", "--no-copy", "--offline"], 2, "leave out --offline or --no-copy"],
    [["rows", "S7USDT", "--no-copy"], 3, "did you mean S07USDT"],
    [["rows", "2024-02-30"], 2, "no such day"],
    [["rows", "2024-2-3"], 2, "write it as YYYY-MM-DD"],
    [["rows", "2024-02-10", "--from", "2024-02-01"], 2, "write the first day, then --to"],
    [["rows", "2024-02-10", "--columns", "price"], 2, "choose among date, symbol"],
    [["top", "latest", "-n", "0"], 2, "Cannot read -n"],
    [["top", "2023-12-01"], 3, "no volumes on 2023-12-01"],
    [["pull", "--no-copy"], 2, "without a copy"],
    [["rows", "2024-01-02", "--offline"], 7, "parts/2024-01.parquet offline"],
  ];
  for (const [args, code, says] of failures) {
    await t.step(`bfa ${args.join(" ")} exits ${code}`, async () => {
      // A copy of its own: what earlier steps brought would answer.
      const fresh = { ...env, BFA_CACHE_DIR: `${cache}-${code}` };
      if (code === 7) await bfa(["snapshot", "latest"], { env: fresh });
      const called = await bfa(args, { env: fresh });
      assertEquals([called.code, called.out], [code, ""]);
      assertStringIncludes(called.err, says);
    });
  }
}
