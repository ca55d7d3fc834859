/**
 * The npm package, packed here and installed from its file into empty folders: the command through `npx`, the library in
 * Node, its types in TypeScript. Wants Node 20 or later and npm's registry.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { runProgram } from "../../scripts/run_program.ts";
import { pack } from "../../scripts/pack.ts";
import { askPatiently } from "../helpers/patience.ts";
import { type Finished, spawn, waitForLine } from "../helpers/process.ts";

const LIBRARY = `
import { BfaError, open } from "@bfa/cli";
const offline = await open({ offline: true });
const told = [(await offline.snapshot("2024-01-15")).count];
const bfa = await open({ endpoint: process.argv[2] });
told.push((await bfa.snapshot("2024-01-15")).count, (await bfa.status()).freshness);
told.push((await bfa.rows({ day: "2024-01-15" })).rows.length);
told.push((await offline.sql("SELECT 6 * 7")).rows[0][0]);
const questions = Array.from({ length: 20 }, () => bfa.rows({ symbol: "BTCUSDT", from: "2024-01-15", to: "2024-01-16" }));
told.push(new Set((await Promise.all(questions)).map(({ count }) => count)).size);
for await (const { version } of (await open({ endpoint: process.argv[2] })).watch()) { told.push(typeof version); break; }
await bfa.rows({ day: "latest", signal: AbortSignal.abort() }).catch((e) => told.push(e.name));
await bfa.sql("SELECT 1").catch((e) => told.push(e.code));
await bfa.export("rows.csv").catch((e) => told.push(e.code));
await open({ cacheDir: "copy" }).catch((e) => told.push(e instanceof BfaError, e.code));
console.log(JSON.stringify(told));
`;

const TYPED = `
import { open, type Dataset } from "@bfa/cli";
const bfa: Dataset = await open({ offline: true });
export const count: number = (await bfa.snapshot("2024-01-15")).count;
`;

Deno.test("the npm package", async (t) => {
  const dist = await Deno.makeTempDir({ prefix: "bfa-npm-" });
  const home = `${dist}/home`;
  await Deno.mkdir(home);
  const started = (program: string, args: string[], cwd: string) =>
    spawn("sh", ["-c", `cd ${cwd} && exec "$0" "$@"`, program, ...args], { HOME: home });
  const run = (program: string, args: string[], cwd: string): Promise<Finished> =>
    started(program, args, cwd).finished;
  try {
    const file = await pack(dist);
    const whole = await project(`${dist}/whole`, file, []);
    const light = await project(`${dist}/light`, file, ["--omit=optional"]);

    await t.step("holds JavaScript and declarations, and nothing else of the project", async () => {
      const names = (await runProgram("tar", ["-tzf", file])).out.trim().split("\n");
      const known =
        /^package\/((app|lib)\/[\w.-]+\.js|types\/[\w/]+\.d\.ts|bin\.js|[A-Z_]+(\.(md|txt))?|package\.json)$/;
      assertEquals(names.filter((name) => !known.test(name)), []);
      assert(names.includes("package/types/lib/mod.d.ts"));
      assert((await Deno.stat(file)).size < 2e6);
    });

    await t.step("answers by npx, with the exit codes of the command line", async () => {
      assertEquals((await run("npx", ["bfa", "--version"], whole)).out, `bfa ${config.version}\n`);
      const { code, out } = await run("npx", ["bfa", "snapshot", "2024-01-15"], whole);
      assertEquals([code, out.trim().split("\n").length], [0, 251]);
      const wrong = await run("npx", ["bfa", "timeline", "BTCUSD"], whole);
      assertEquals([wrong.code, wrong.err.includes("did you mean BTCUSDT")], [3, true]);
      assertEquals((await run("npx", ["bfa", "sql", "SELECT 6 * 7"], whole)).out, "42\n");
    });

    const bin = `${whole}/node_modules/.bin/bfa`;
    const server = started(bin, ["serve", "--init", "--port", "0"], whole);
    try {
      const [, url] = await waitForLine(server, /bfa serves on (\S+)[\s\S]*latest\n/);

      await t.step("serves, with SQL", async () => {
        assertMatch(server.text(), /BFA_ENDPOINT=\S+ bfa snapshot latest/);
        const sql = await (await askPatiently(`${url}/v1/query?sql=SELECT+6*7`)).json();
        assertEquals(sql.rows, [[42]]);
      });

      await t.step("is a library for Node", async () => {
        await Deno.writeTextFile(`${whole}/library.mjs`, LIBRARY);
        const { code, out, err } = await run("node", ["library.mjs", url!], whole);
        assertEquals([code, err], [0, ""]);
        assertEquals(JSON.parse(out), [
          251,
          251,
          "fresh",
          257,
          42,
          1,
          "string",
          "AbortError",
          "storage",
          "not_implemented",
          true,
          "not_implemented",
        ]);
      });
    } finally {
      assertEquals((await server.stop("SIGTERM")).code, 0);
    }

    await t.step("has types that TypeScript accepts, all of them", async () => {
      const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"];
      const tsc = ["-y", "-p", "typescript@5.9.3", "tsc", ...options, "--types", "node"];
      await runProgram("npm", ["install", "--silent", "--prefix", whole, "@types/node@20"]);
      await Deno.writeTextFile(`${whole}/typed.mts`, TYPED);
      const { code, out } = await run("npx", [...tsc, "typed.mts"], whole);
      assertEquals([code, out], [0, ""]);
      await Deno.writeTextFile(
        `${whole}/typed.mts`,
        TYPED.replace("count: number", "count: string"),
      );
      assertStringIncludes((await run("npx", [...tsc, "typed.mts"], whole)).out, "TS2322");
    });

    await t.step(
      "is light without its optional packages: the library works, the command says why not",
      async () => {
        const installed = await Array.fromAsync(
          Deno.readDir(`${light}/node_modules`),
          (e) => e.name,
        );
        assertEquals(installed.includes("deno") || installed.includes("@duckdb"), false);
        const script = `import("@bfa/cli").then(async ({ open }) =>
        console.log((await (await open({ offline: true })).snapshot("2024-01-15")).count))`;
        assertEquals((await run("node", ["-e", script], light)).out, "251\n");
        const { code, out, err } = await run("npx", ["bfa", "--version"], light);
        assertEquals([code, out, err.trim().split("\n").length], [1, "", 1], err);
        assertStringIncludes(err, 'the npm package "deno" is not here');
      },
    );
  } finally {
    await Deno.remove(dist, { recursive: true });
  }
});

/** A project of its own that has the package installed from its file. */
async function project(dir: string, file: string, options: string[]): Promise<string> {
  await Deno.mkdir(dir);
  await Deno.writeTextFile(`${dir}/package.json`, `{ "private": true }`);
  await runProgram("npm", ["install", "--silent", "--prefix", dir, ...options, file]);
  return dir;
}
