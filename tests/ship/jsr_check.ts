/**
 * The package as JSR gives it: published to a registry of our own on 127.0.0.1, then used from empty homes as a command,
 * as a library, in Node and in a browser. Wants npm's registry, Node and chromium.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { runProgram } from "../../scripts/run_program.ts";
import { inBrowser } from "../helpers/browser.ts";
import { type JsrRegistry, jsrRegistry } from "../helpers/jsr_registry.ts";
import { askPatiently } from "../helpers/patience.ts";
import {
  denoEnvironment,
  type Finished,
  spawnAlone,
  spawnDeno,
  waitForLine,
} from "../helpers/process.ts";

/** The commands of docs/install.md, and all that each may do. */
const PERMITTED: readonly (readonly [flags: string, call: string, out: RegExp])[] = [
  ["--allow-env", "--version", /^bfa \d/],
  ["--allow-env --allow-read", "snapshot 2024-01-15", /^1000BONKUSDT\n/],
  ["--allow-env --allow-read", "timeline LITUSDT --json", /"symbol":"LITUSDT"/],
  ["--allow-env --allow-read --allow-ffi", "sql FROM+(SELECT+7*6)", /^42\n/],
];

/** A permission left out of them, and the line that says so. */
const MISSING: readonly (readonly [flags: string, call: string, line: string])[] = [
  ["", "snapshot 2024-01-15", "add --allow-env"],
  ["--allow-env", "snapshot 2024-01-15", "add --allow-read"],
  [
    "--allow-env --allow-read",
    "snapshot latest --endpoint http://127.0.0.1:65000",
    "add --allow-net",
  ],
  ["--allow-env --allow-read", "sql SELECT+1", "add --allow-ffi"],
  ["--allow-env --allow-read --allow-net", "serve --init", "add --allow-write"],
];

/** What `serve` needs; it is given in words in docs/install.md. */
const SERVE = "--unstable-kv --allow-env --allow-read --allow-write --allow-net --allow-ffi " +
  "--allow-sys --allow-run";

const PROGRAM = `
import { open } from "@bfa/cli/lib";
const bfa = await open({ offline: true, cacheDir: null });
const { count, date } = await bfa.snapshot("2024-01-15");
const lives: number = (await bfa.timeline("LITUSDT")).listings.length;
export const answer = JSON.stringify({ count, date, lives });
`;
const ANSWER = `{"count":251,"date":"2024-01-15","lives":2}`;

Deno.test("the package on JSR", async (t) => {
  await using registry = jsrRegistry();
  const home = await Deno.makeTempDir({ prefix: "bfa-jsr-" });
  const deno = (args: readonly string[], options: { cwd?: string } = {}) =>
    denoIn(home, registry, args, options.cwd ?? home).finished;
  const call = (flags: string, line: string) =>
    deno(["run", "--no-prompt", ...words(flags), "jsr:@bfa/cli", ...words(line)]);
  try {
    await t.step(
      "is refused with a wrong token, and published once with the right one",
      async () => {
        const publish = (token: string) => {
          const args = ["publish", "--allow-dirty", "--token", token];
          return spawnDeno(args, { JSR_URL: registry.url }).finished; // a publisher's home is not empty
        };
        const wrong = await publish("wrong");
        assertEquals(wrong.code, 1);
        assertStringIncludes(wrong.err, "the token is not right");
        assertEquals(registry.files(config.version), []);

        const right = await publish(registry.token);
        assertEquals(right.code, 0, right.err);
        const again = await publish(registry.token);
        assertEquals(again.code, 0);
        assertStringIncludes(again.err, "already published");

        const files = registry.files(config.version);
        for (
          const file of ["/README.md", "/LICENSE", "/cli.ts", "/lib/mod.ts", "/data/seed.json"]
        ) {
          assert(files.includes(file), file);
        }
        const stray = /^\/(tests|docs|scripts|deploy|dist|\.ci|\.github)\//;
        assertEquals(files.filter((file) => stray.test(file)), []);
      },
    );

    await t.step("answers in an empty home, and fetches no DuckDB for it", async () => {
      const { code, out } = await deno(["run", "-A", "jsr:@bfa/cli", "snapshot", "2024-01-15"]);
      assertEquals([code, out.trim().split("\n").length], [0, 251]);
      assertEquals(await packagesIn(home, "@duckdb"), []);
    });

    await t.step("needs only the permissions that are documented", async () => {
      for (const [flags, line, expected] of PERMITTED) {
        const { code, out, err } = await call(flags, line);
        assertEquals([line, code], [line, 0], err);
        assertMatch(out, expected);
      }
    });

    await t.step("names the permission that is missing", async () => {
      for (const [flags, line, expected] of MISSING) {
        const { code, out, err } = await call(flags, line);
        const last = err.trim().split("\n").at(-1)!;
        assertEquals([line, code, out], [line, 2, ""], err);
        assertMatch(last, /^bfa: Requires \w+ access/);
        assertEquals(last.endsWith(expected), true, last);
      }
    });

    await t.step("serves, with SQL", async () => {
      const args = ["run", "--no-prompt", ...words(SERVE), "jsr:@bfa/cli", "serve", "--init"];
      const server = denoIn(home, registry, [...args, "--port", "0"], home);
      try {
        const [, url] = await waitForLine(server, /bfa serves on (\S+)[\s\S]*latest\n/);
        assertStringIncludes(server.text(), "deno run -A jsr:@bfa/cli snapshot latest");
        const day = await (await fetch(`${url}/v1/snapshot/2024-01-15`)).json();
        assertEquals(day.count, 251);
        const sql = await (await askPatiently(`${url}/v1/query?sql=SELECT+7*6+AS+n`)).json();
        assertEquals(sql.rows, [[42]]);
      } finally {
        await server.stop();
      }
    });

    const project = `${home}/project`;
    await Deno.mkdir(project);
    await Deno.writeTextFile(`${project}/deno.json`, "{}");
    await Deno.writeTextFile(`${project}/answer.ts`, PROGRAM);

    await t.step("is a library, typed, that runs without any permission", async () => {
      const added = await deno(["add", "jsr:@bfa/cli"], { cwd: project });
      assertEquals(added.code, 0, added.err);
      await Deno.writeTextFile(
        `${project}/main.ts`,
        `import { answer } from "./answer.ts";\nconsole.log(answer);\n`,
      );
      const ran = await deno(["run", "--no-prompt", "--check", "main.ts"], { cwd: project });
      assertEquals([ran.code, ran.out], [0, `${ANSWER}\n`], ran.err);
      await Deno.writeTextFile(`${project}/wrong.ts`, PROGRAM.replace(": number", ": string"));
      const wrong = await deno(["check", "wrong.ts"], { cwd: project });
      assertStringIncludes(wrong.err, "Type 'number' is not assignable to type 'string'");
    });

    await t.step("runs in Node, bundled", async () => {
      const args = ["bundle", "--platform=browser", "--external=@duckdb/*", "-o", "answer.js"];
      const bundled = await deno([...args, "answer.ts"], { cwd: project });
      assertEquals(bundled.code, 0, bundled.err);
      await lower(`${project}/answer.js`);
      const script = `import("${project}/answer.js").then(({ answer }) => console.log(answer))`;
      const node = await nodeIn(project, ["-e", script]);
      assertEquals([node.code, node.out], [0, `${ANSWER}\n`], node.err);
    });

    await t.step("runs in a browser, bundled", async () => {
      const code = await Deno.readTextFile(`${project}/answer.js`);
      assertEquals(await inBrowser(code), ANSWER);
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

/** Deno with an empty home and cache, which knows JSR by our registry. */
function denoIn(home: string, registry: JsrRegistry, args: readonly string[], cwd: string) {
  return spawnAlone(Deno.execPath(), args, {
    cwd,
    env: {
      ...denoEnvironment(), // how npm is reached
      HOME: home,
      DENO_DIR: `${home}/.cache/deno`,
      JSR_URL: registry.url,
    },
  });
}

/** A bundler with a target writes newer syntax, such as `using`, in the target's own. */
async function lower(path: string): Promise<void> {
  const args = ["-y", "esbuild@0.28.2", path, "--target=node20", `--outfile=${path}`];
  await runProgram("npx", [...args, "--allow-overwrite", "--log-level=error"]);
}

function nodeIn(cwd: string, args: string[]): Promise<Finished> {
  return spawnAlone("node", args, { cwd, env: { PATH: Deno.env.get("PATH")! } }).finished;
}

async function packagesIn(home: string, scope: string): Promise<string[]> {
  const found: string[] = [];
  for await (const registry of Deno.readDir(`${home}/.cache/deno/npm`)) {
    const folder = Deno.readDir(`${home}/.cache/deno/npm/${registry.name}/${scope}`);
    found.push(...await Array.fromAsync(folder, ({ name }) => name).catch(() => []));
  }
  return found;
}

/** `+` is a space inside one argument. */
function words(line: string): string[] {
  return line.split(" ").filter((word) => word !== "").map((word) => word.replaceAll("+", " "));
}
