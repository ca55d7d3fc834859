import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { clearCache, pruneCache } from "../../lib/cache/upkeep.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { open, type OpenOptions } from "../../lib/mod.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { codeOf, seededRandom, withoutBackoff } from "../helpers/fault_world.ts";
import { Life } from "../helpers/lifetime.ts";
import { PATIENCE_MS } from "../helpers/patience.ts";
import { type TestPublisher, withPublisher } from "../helpers/publisher.ts";

const DAYS = 60;

/** Each is another life. */
const SEEDS = (Deno.env.get("BFA_TEST_SEEDS") ?? "2").split(",").map(Number);

const HOUR_MS = 3_600_000;
const START = Date.parse("2024-04-01T12:05:00Z");
const instant = (day: number) => new Date(START + day * 24 * HOUR_MS);

/** How many days pass between a client's questions, and what it is told besides. */
const CLIENTS: Record<string, { every: number; trustsAll?: boolean; aheadMs?: number }> = {
  daily: { every: 1 },
  weekly: { every: 7 },
  sleeper: { every: 30 },
  trusting: { every: 3, trustsAll: true },
  "its clock is 40 days ahead now and then": { every: 2, aheadMs: 40 * 24 * HOUR_MS },
};

async function live(world: TestPublisher, seed: number): Promise<void> {
  const mirrors = [world.publisher.mirrors[0]!, directoryMirror(join(world.dir, "second"))];
  const life = new Life(world, mirrors, seededRandom(seed));
  const endpoint = serveMirror(world.mirrorDir);
  const highest = new Map<string, number>();

  const openAt = (options: OpenOptions) =>
    open({
      endpoint: endpoint.url,
      now: () => world.clock,
      onNotice: () => {},
      budget: PATIENCE_MS,
      ...options,
    });

  /** Asks, and compares the answer with what was published. */
  async function ask(options: OpenOptions) {
    const dataset = await openAt(options);
    const { version, symbols } = await dataset.symbols();
    assertEquals(symbols, [life.record.versions.get(version)!], `of ${version}`);
    return { version, sequence: (await dataset.status()).sequence };
  }

  async function wake(name: string): Promise<void> {
    const { trustsAll, aheadMs } = CLIENTS[name]!;
    const cacheDir = join(world.dir, "caches", name);
    const options: OpenOptions = { cacheDir, ...(trustsAll ? { trustedKeys: life.keys } : {}) };
    if (aheadMs && life.chance(0.5)) {
      const now = () => new Date(world.clock.getTime() + aheadMs);
      const code = await codeOf(ask({ ...options, now, acceptExpired: true }));
      assert(code === undefined || code === "expired", code); // there is nothing newer
    }
    const found = await codeOf(ask({ ...options, maxAge: 0 }));
    if (found !== undefined) assert(["expired", "untrusted"].includes(found), found);
    const dataset = await openAt(options);
    if (await codeOf(dataset.refresh()) === "untrusted") {
      // It slept while the key was changed: it was told, and its user decides.
      assert(life.keys.length > 1 && !trustsAll);
      await Deno.remove(cacheDir, { recursive: true });
      highest.delete(name);
    }
    const { version, sequence } = await ask(options);
    assertEquals(version, life.record.asOf("9999"));
    assert(sequence! >= (highest.get(name) ?? 0), `${name} went back to ${sequence}`);
    highest.set(name, sequence!);
    if (life.chance(0.2)) await pruneCache(cacheDir, new Date(Date.now() + 48 * HOUR_MS));
    assertEquals((await ask({ ...options, offline: true })).version, version);
    if (life.chance(0.05)) await clearCache(cacheDir);
  }

  try {
    for (let day = 0; day < DAYS; day++) {
      world.clock = instant(day);
      if (day === 0) await life.publishDay();
      else await life.liveDay();
      await life.checkMirrors();
      world.clock = new Date(world.clock.getTime() + 7 * HOUR_MS);
      for (const [name, { every }] of Object.entries(CLIENTS)) {
        if (day % every === 0) await wake(name);
      }
    }
    // Every day, and every version, by one who trusts all keys there were.
    const historian = { cacheDir: join(world.dir, "caches", "historian"), trustedKeys: life.keys };
    const dataset = await openAt(historian);
    for (let day = 0; day < DAYS; day++) {
      const date = instant(day).toISOString().slice(0, 10);
      const { version } = await (await dataset.asOf(date)).symbols();
      assertEquals(version, life.record.asOf(date), `as of ${date}`);
    }
    const { versions } = await dataset.versions();
    assertEquals(
      versions.map(({ version }) => version).sort(),
      [...life.record.versions.keys()].sort(),
    );
    for (const { version } of versions) await ask({ ...historian, version });
  } finally {
    life.close();
    await endpoint.close();
  }
}

for (const seed of SEEDS) {
  Deno.test(`life ${seed}, of ${DAYS} days: nothing torn, no sequence twice, every answer as it was published`, async () => {
    await withoutBackoff(() => withPublisher((world) => live(world, seed)));
  });
}
