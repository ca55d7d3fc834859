import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lines, spawnDeno, type Spawned, waitForLine } from "../helpers/process.ts";

/** Everything a stranger's machine has: nothing. Deno's own downloads are shared, to save time. */
async function emptyHome(): Promise<{ dir: string; env: Record<string, string> }> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-home-" });
  const env: Record<string, string> = {
    HOME: dir,
    XDG_CACHE_HOME: `${dir}/xdg`,
    BFA_DATA_DIR: `${dir}/bfa`,
  };
  return { dir, env };
}

Deno.test("`task start` in an empty home serves a first version; the CLI uses it as a second process", async () => {
  const { dir, env } = await emptyHome();
  const first = start(env);
  try {
    const url = await served(first);
    const told = first.text();
    assertStringIncludes(
      told,
      "version 2026-08-08.1: 946 symbols, 2413 days (2019-12-31 to 2026-08-08)",
    );
    assertStringIncludes(told, `curl ${url}/v1/snapshot/2024-01-15`);

    const client = { ...env, BFA_ENDPOINT: url };
    const answer = await call(["snapshot", "2024-01-15", "--json"], client);
    const served200 = await fetch(`${url}/v1/snapshot/2024-01-15`);
    assertEquals(answer.out, await served200.text());
    assertEquals(JSON.parse(answer.out).count, 251);
    assertStringIncludes(answer.err, "first contact");
    assertStringIncludes((await call(["status"], client)).out, "fresh");

    const pulled = await call(["pull", "availability.duckdb.gz"], client);
    assertStringIncludes(pulled.out, `${dir}/xdg/bfa/v1/objects/`);

    await first.stop();
    assertEquals((await call(["snapshot", "2024-01-15", "--json"], client)).out, answer.out);

    const again = start(env);
    assertEquals(await served(again) !== "", true);
    assert(!again.text().includes("building"), "the second start builds nothing");
    await again.stop();
  } finally {
    await first.stop();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a port in use, and a file where the state should be, each get one line and their exit code", async () => {
  const { dir, env } = await emptyHome();
  const taken = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  try {
    const port = String((taken.addr as Deno.NetAddr).port);
    const busy = await call(["serve", "--port", port], env);
    assertEquals([busy.code, lines(busy.err).length], [2, 1]);
    assertStringIncludes(
      busy.err,
      `127.0.0.1:${port}: the port is in use; set PORT or --port to another`,
    );

    await Deno.writeTextFile(`${dir}/file`, "");
    const blocked = await call(["build"], { ...env, BFA_DATA_DIR: `${dir}/file` });
    assertEquals([blocked.code, lines(blocked.err).length], [8, 1]);
  } finally {
    taken.close();
    await Deno.remove(dir, { recursive: true });
  }
});

function start(env: Record<string, string>): Spawned {
  return spawnDeno(["task", "start"], { ...env, PORT: "0" });
}

async function served(process: Spawned): Promise<string> {
  return (await waitForLine(process, /bfa serves on (\S+)[\s\S]*task -q bfa/))[1]!;
}

async function call(args: string[], env: Record<string, string>) {
  const process = spawnDeno(["run", "-A", "cli.ts", ...args], env);
  return await process.finished;
}
