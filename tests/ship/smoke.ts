/**
 * What every executable must do on a machine that has nothing: no Deno, no Node, an empty home, no network.
 *
 *     deno run -A tests/ship/smoke.ts PROGRAM [ARGUMENTS]
 *
 * Deno runs the test, the program does not see it. Whoever starts this takes the network away (`unshare -n`, with
 * loopback up), where the system can.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { askPatiently } from "../helpers/patience.ts";
import { type Finished, spawnAlone, type Spawned, waitForLine } from "../helpers/process.ts";

/** What a launcher in shell may find in `PATH`. */
const SHELL_TOOLS = "sh cat find gzip head mkdir mktemp mv nice rm tail tar uname dirname readlink"
  .split(" ");

/** A machine that has nothing but an empty home. */
export interface EmptyMachine extends AsyncDisposable {
  /** Its only folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts a program there. */
  start(program: readonly string[], env?: Record<string, string>): Spawned;
  /** Runs one to its end. */
  run(program: readonly string[], env?: Record<string, string>): Promise<Finished>;
}

/** Makes one; `tools` are programs it has in `PATH`, besides what a shell script needs. */
export async function emptyMachine(tools: readonly string[] = []): Promise<EmptyMachine> {
  const home = await Deno.makeTempDir({ prefix: "bfa-machine-" });
  const env = Deno.build.os === "windows" ? windowsEnvironment(home) : {
    HOME: home,
    PATH: await folderOfTools(`${home}/bin`, [...SHELL_TOOLS, ...tools]),
    TMPDIR: `${home}/tmp`,
  };
  await Deno.mkdir(`${home}/tmp`);
  const start = ([name, ...args]: readonly string[], more: Record<string, string> = {}) =>
    spawnAlone(name!, args, { cwd: home, env: { ...env, NO_COLOR: "1", ...more } });
  return {
    home,
    env,
    start,
    run: (program, more) => start(program, more).finished,
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

/** The smoke test: version, snapshot from the built-in listings, serve, a copy of it, SQL both ways. */
export async function smoke(program: readonly string[]): Promise<void> {
  await using machine = await emptyMachine();
  const bfa = (args: string[], env = {}) => machine.run([...program, ...args], env);

  assertEquals(await bfa(["--version"]), { code: 0, out: `bfa ${config.version}\n`, err: "" });

  const seed = await bfa(["snapshot", "2024-01-15", "--json"]);
  assertEquals([seed.code, JSON.parse(seed.out).count], [0, 251]);
  assertStringIncludes(seed.err, "built-in listings");

  const nothing = await bfa(["timeline", "BTCUSD"]);
  assertEquals(nothing.code, 3);
  assertStringIncludes(nothing.err, "did you mean BTCUSDT");

  const server = machine.start([...program, "serve", "--init", "--port", "0"]);
  try {
    const [, url] = await waitForLine(server, /bfa serves on (\S+)[\s\S]*try:[\s\S]*latest\n/);
    assertMatch(server.text(), /BFA_ENDPOINT=\S+ bfa snapshot latest/);
    const client = { BFA_ENDPOINT: url! };

    const fresh = await bfa(["snapshot", "2024-01-15", "--json"], client);
    assertEquals(JSON.parse(fresh.out).symbols, JSON.parse(seed.out).symbols);
    assertEquals(fresh.out, await (await fetch(`${url}/v1/snapshot/2024-01-15`)).text());
    assertStringIncludes((await bfa(["status"], client)).out, "fresh");

    const sql = "SELECT state, count(*) AS days FROM daily_availability GROUP BY ALL ORDER BY ALL";
    const local = await bfa(["sql", sql, "--json"], client);
    assertEquals([local.code, local.err], [0, ""]);
    const { rows } = JSON.parse(local.out);
    assertEquals(rows.map(([state]: [string]) => state), ["archived", "missing", "traded"]);
    // The service runs it in a process of its own: the program starts itself.
    const remote = await askPatiently(`${url}/v1/query?sql=${encodeURIComponent(sql)}`);
    assertEquals([remote.status, (await remote.json()).rows], [200, rows]);
    const refused = await askPatiently(
      `${url}/v1/query?sql=${encodeURIComponent("FROM read_csv('/')")}`,
    );
    assertEquals([refused.status, (await refused.json()).code], [400, "sql_rejected"]);
  } finally {
    const { code, err } = await server.stop();
    if (Deno.build.os !== "windows") assertEquals([code, err.includes("bug")], [0, false]);
  }

  const offline = await bfa(["snapshot", "2024-01-15", "--offline"]);
  assertEquals([offline.code, offline.out.split("\n").length], [0, 252]);
  assert(!offline.err.includes("built-in"), "the copy answers now");
}

async function folderOfTools(dir: string, tools: readonly string[]): Promise<string> {
  await Deno.mkdir(dir);
  for (const name of tools) {
    for (const place of (Deno.env.get("PATH") ?? "").split(":")) {
      const found = await Deno.realPath(`${place}/${name}`).catch(() => undefined);
      if (found === undefined) continue;
      await Deno.symlink(found, `${dir}/${name}`);
      break;
    }
  }
  return dir;
}

function windowsEnvironment(home: string): Record<string, string> {
  const root = Deno.env.get("SYSTEMROOT") ?? "C:\\Windows";
  return {
    SYSTEMROOT: root,
    PATH: `${root}\\System32`,
    USERPROFILE: home,
    LOCALAPPDATA: `${home}\\local`,
    APPDATA: `${home}\\roaming`,
    TEMP: `${home}\\tmp`,
    TMP: `${home}\\tmp`,
  };
}

if (import.meta.main) {
  await smoke(Deno.args);
  console.log("smoke test: ok");
}
