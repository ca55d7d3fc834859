import { assertEquals, assertStringIncludes } from "@std/assert";
import { type CopyWorld, withCopy } from "../helpers/fault_world.ts";
import { bfa, type Called } from "../helpers/cli.ts";

interface Report {
  ok: boolean;
  checks: { check: string; ok: boolean; found: string; code: string | null }[];
}

/** Runs the doctor as a client of the endpoint, with a right clock. */
async function doctor(
  world: CopyWorld,
  options: { env?: Record<string, string>; now?: Date } = {},
): Promise<Called & { report: Report; found: (check: string) => string }> {
  const env = {
    BFA_ENDPOINT: world.endpoint.url,
    BFA_CACHE_DIR: world.cacheDir,
    HOME: world.dir,
    ...options.env,
  };
  const called = await bfa(["doctor", "--json"], { env, now: options.now ?? new Date() });
  const report = JSON.parse(called.out) as Report;
  return { ...called, report, found: (name) => report.checks.find((c) => c.check === name)!.found };
}

/** Publishes a manifest that is fresh by the real clock: the one that the server's Date header tells. */
async function publishNow(world: CopyWorld): Promise<void> {
  world.clock = new Date();
  await world.publishFiles(`${world.clock.toISOString().slice(0, 10)}.1`, {});
}

const wrong = ({ checks }: Report) => checks.filter(({ ok }) => !ok).map((c) => [c.check, c.code]);

Deno.test("bfa doctor: all is well", async () => {
  await withCopy(async (world) => {
    await publishNow(world);
    const { code, report, found } = await doctor(world);
    assertEquals([code, report.ok, wrong(report)], [0, true, []]);
    assertEquals(report.checks.map(({ check }) => check), [
      "deno",
      "cache",
      "disk",
      "endpoint",
      "manifest",
      "duckdb",
    ]);
    assertEquals(found("endpoint"), `${world.endpoint.url} answers; the clocks agree`);
    assertStringIncludes(found("manifest"), "is fresh, signed by ed25519:");
    assertStringIncludes(found("duckdb"), "DuckDB v1.");
    const left = [...Deno.readDirSync(world.cacheDir)].filter(({ name }) => /doctor/.test(name));
    assertEquals(left, []);
  });
});

Deno.test("bfa doctor without an endpoint: all is well, the built-in listings answer", async () => {
  await withCopy(async (world) => {
    const { code, report } = await doctor(world, { env: { BFA_ENDPOINT: "" } });
    assertEquals([code, report.ok], [0, true]);
  });
});

Deno.test("bfa doctor: nobody answers", async () => {
  await withCopy(async (world) => {
    const gone = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = gone.addr;
    gone.close();
    // A client tries several times before it gives up: without waiting, here.
    const { random } = Math;
    Math.random = () => 0;
    const { code, report, err } = await doctor(world, {
      env: { BFA_ENDPOINT: `http://127.0.0.1:${port}` },
    });
    Math.random = random;
    assertEquals([code, wrong(report)], [6, [["endpoint", "network"], ["manifest", "network"]]]);
    assertStringIncludes(err, "not all is well: endpoint, manifest");
  });
});

Deno.test("bfa doctor: a clock that is a day ahead", async () => {
  await withCopy(async (world) => {
    await publishNow(world);
    const now = new Date(Date.now() + 25 * 3_600_000);
    const { code, report, found } = await doctor(world, { now });
    assertEquals([code, wrong(report)], [2, [["endpoint", "usage"]]]);
    assertStringIncludes(found("endpoint"), "this clock is 25 h ahead of its: set the clock");
  });
});

Deno.test("bfa doctor: signed by a stranger, and a cache that cannot be written; the worst decides", async () => {
  await withCopy(async (world) => {
    await publishNow(world);
    const { report, code } = await doctor(world, {
      env: { BFA_TRUSTED_KEYS: `ed25519:${"A".repeat(43)}` },
    });
    assertEquals([code, wrong(report)], [5, [["manifest", "untrusted"]]]);
    const file = `${world.dir}/file`;
    await Deno.writeTextFile(file, "");
    const both = await doctor(world, { env: { BFA_CACHE_DIR: `${file}/cache` } });
    assertEquals(both.code, 8);
    assertEquals(wrong(both.report)[0], ["cache", "storage"]);
    assertStringIncludes(both.found("cache"), "choose another place with BFA_CACHE_DIR");
  });
});
