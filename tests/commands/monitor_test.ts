import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { copyFolder } from "../helpers/copy_folder.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { bfa } from "../helpers/cli.ts";
import { before, withMonitored } from "../helpers/monitored.ts";
import { LISTINGS, VERSION } from "../helpers/service.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";

const NEXT = "2024-04-01.1";

/** An address where nobody listens. */
function nobody(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
}

Deno.test("bfa monitor: a fresh service and its mirror, nothing to do", async () => {
  await withMonitored(async ({ world, url, monitor }) => {
    assertEquals(await (await fetch(`${url}/healthz`)).json(), { status: "ok" });
    const { code, of, wrong, err } = await monitor(url, world.mirrorDir);
    assertEquals([code, wrong, err], [0, [], ""]);
    assertEquals(of(url, "next version"), {
      place: url,
      signal: "next version",
      value: "2024-04-02T12:00:00Z",
      state: "ok",
      most: "2024-04-02T18:00:00Z",
      unit: "instant",
      whole: null,
      next: null,
    });
    for (const place of [url, world.mirrorDir]) {
      assertEquals(of(place, "version")?.value, `${VERSION} #1`);
      assertEquals(of(place, "files")?.value, "1 of 1");
    }
    assertEquals(of(url, "errors")?.value, 0);
    assertEquals(of(url, "event streams")?.most, 0.5);
    assertEquals(of(world.mirrorDir, "errors"), undefined, "a mirror has no metrics");
    assertEquals(of(url, "stored"), undefined, "a service stores nothing of its own");
    const { size } = await Deno.stat(`${world.dir}/builds/${VERSION}/listings.json`);
    assertEquals(of(world.mirrorDir, "stored")?.value, size);
  });
});

Deno.test("bfa monitor: a table for a mail, lines for programs", async () => {
  await withMonitored(async ({ world, url }) => {
    const call = (...args: string[]) => bfa(["monitor", url, ...args], { now: world.clock });
    const table = (await call("--format", "table")).out.split("\n");
    assertMatch(table[0]!, /^PLACE +SIGNAL +NOW +LIMIT +STATE$/);
    assertMatch(
      table[1]!,
      /^http\S+ +next version +2024-04-02 12:00 UTC +2024-04-02 18:00 UTC +ok$/,
    );
    assert(table.length < 25, "it fits a page");
    const lines = (await call()).out.split("\n");
    assertEquals(
      lines[0],
      `${url}\tnext version\t2024-04-02 12:00 UTC\t2024-04-02 18:00 UTC\tok\t`,
    );
    world.clock = new Date("2024-04-02T18:00:00Z");
    const late = await call("--format", "table");
    assertStringIncludes(
      late.out,
      `\n\n${url}: next version 2024-04-02 12:00 UTC\n  look at the pub`,
    );
    assertEquals(late.err, `bfa: 1 thing to do: ${url} next version late\n`);
    assertMatch((await call()).out, /\tlate\tlook at the publisher/);
  });
});

const AT: readonly [clock: string, code: number, state: string][] = [
  ["2024-04-02T11:59:59Z", 0, "ok"],
  ["2024-04-02T12:00:00Z", 0, "ok"], // due: within its six hours
  ["2024-04-02T18:00:00Z", 4, "late"],
  ["2024-04-15T12:05:00Z", 4, "expired"],
];

Deno.test("bfa monitor: the publisher is late when the manifest says so", async () => {
  await withMonitored(async ({ world, url, monitor }) => {
    for (const [clock, code, state] of AT) {
      world.clock = new Date(clock);
      const said = await monitor(url);
      assertEquals([said.code, said.of(url, "next version")?.state], [code, state], clock);
    }
  });
});

Deno.test("bfa monitor: a mirror that stays behind, once it had time to catch up", async () => {
  await withMonitored(async ({ world, url, monitor }) => {
    const behind = `${world.dir}/behind`;
    await copyFolder(world.mirrorDir, behind);
    await world.publishListings(NEXT, LISTINGS);
    const now = world.clock.getTime();
    assertEquals((await monitor(world.mirrorDir, behind)).code, 0);
    world.clock = new Date(now + 120_001);
    const said = await monitor(world.mirrorDir, behind);
    assertEquals([said.code, said.wrong], [4, [`${behind} version behind`]]);
    const { value, most, next } = said.of(behind, "version")!;
    assertEquals([value, most], [`${VERSION} #1`, `${NEXT} #2`]);
    // What it says to do is what helps.
    const [, from, to] = /`bfa mirror sync --from (\S+) --to (\S+)`/.exec(next!)!;
    assertEquals((await bfa(["mirror", "sync", "--from", from!, "--to", to!, "-q"])).code, 0);
    assertEquals((await monitor(world.mirrorDir, behind)).code, 0);
    assertEquals((await monitor(url)).of(url, "next version")?.state, "ok");
    // What a version adds is what those before it have not; the first has nothing before it.
    const { size } = await Deno.stat(`${world.dir}/builds/${NEXT}/listings.json`);
    const kept = await monitor(world.mirrorDir);
    assertEquals(kept.of(world.mirrorDir, "each version")?.value, size);
    assertEquals(kept.of(world.mirrorDir, "stored")?.value, 2 * size);
    assertEquals(said.of(behind, "each version")?.value, size, "told from the newest place");
  });
});

Deno.test("bfa monitor: what cannot be reached is more urgent than what is late", async () => {
  await withMonitored(async ({ world, url, monitor }) => {
    world.clock = new Date("2024-04-02T18:00:00Z");
    const gone = nobody();
    const said = await monitor(url, gone);
    assertEquals([said.code, said.wrong], [6, [
      `${url} next version late`,
      `${gone} answers unreachable`,
    ]]);
    assertEquals((await monitor(gone)).code, 6);
  });
});

Deno.test("bfa monitor: a damaged file is the most urgent; the mirrors in the manifest are looked at too", async () => {
  await withMonitored(async ({ world, url, monitor }) => {
    const copy = `${world.dir}/copy`;
    await copyFolder(world.mirrorDir, copy);
    const endpoint = serveMirror(copy);
    try {
      Object.assign(world.publisher, { mirrorUrls: [endpoint.url] });
      const { stored } = await world.publishListings(NEXT, LISTINGS);
      await copyFolder(world.mirrorDir, copy);
      const { sha256, name } = stored.manifest.signed.artifacts[0]!;
      const sound = await monitor(world.mirrorDir);
      assertEquals([sound.code, sound.of(endpoint.url, "files")?.value], [0, "1 of 1"]);

      const path = `${copy}/${sha256}/${name}`;
      const bytes = await Deno.readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await Deno.writeFile(path, bytes);
      const said = await monitor(world.mirrorDir, nobody());
      assertEquals([said.code, said.wrong.length], [5, 2]);
      assertEquals(said.of(endpoint.url, "files")?.state, "broken");
      await Deno.remove(dirname(path), { recursive: true });
      const lost = await monitor(world.mirrorDir);
      assertMatch(String(lost.of(endpoint.url, "files")?.value), /^0 of 1: Cannot find/);
      assertEquals(url !== endpoint.url, true);
    } finally {
      await endpoint.close();
    }
  });
});

Deno.test("bfa monitor: a place that another key signs is not trusted", async () => {
  await withMonitored(async ({ world, url, monitor }) => {
    const own = world.publisher.signers[0]!.keyId;
    const other = (await signer(await newSecretKey())).keyId;
    assertEquals((await monitor(url, "--trusted-keys", own)).code, 0);
    const said = await monitor(url, "--trusted-keys", other);
    assertEquals([said.code, said.wrong], [5, [`${url} answers untrusted`]]);
  });
});

Deno.test("bfa monitor: a service without a version, and one that hides its metrics", async () => {
  await withMonitored(async ({ url, monitor }) => {
    const hidden = before(
      url,
      (path) => path === "/metrics" ? new Response("no", { status: 403 }) : undefined,
    );
    const empty = before(
      url,
      (path) =>
        path === "/readyz" ? Response.json({ code: "unavailable" }, { status: 503 }) : undefined,
    );
    try {
      const said = await monitor(hidden.url);
      assertEquals([said.code, said.of(hidden.url, "metrics")?.value], [0, "not shown to you"]);
      assertEquals(said.of(hidden.url, "stored"), undefined);
      assertEquals((await monitor(empty.url)).wrong, [`${empty.url} answers unreachable`]);
    } finally {
      await Promise.all([hidden.close(), empty.close()]);
    }
  });
});

Deno.test("bfa monitor: a service whose clients ask too much says so, and no longer when they stopped", async () => {
  const limits = {
    perClient: { name: "client", quota: 1000, windowSeconds: 86_400 },
    clientHeader: "x-client",
  };
  await withMonitored(async ({ url, monitor }) => {
    const ask = (client: string) =>
      fetch(`${url}/v1/symbols`, { headers: { "x-client": client } }).then(async (response) => {
        await response.body?.cancel();
        return response.status;
      });
    const drive = async (client: string, times: number) =>
      Object.groupBy(await Promise.all(Array.from({ length: times }, () => ask(client))), String);
    assertEquals((await drive("greedy", 1000))["429"], undefined);
    assertEquals((await monitor(url)).code, 0);
    assert((await drive("greedy", 100))["429"]!.length > 10);
    const said = await monitor(url);
    assertEquals([said.code, said.wrong], [8, [`${url} rate limit grow`]]);
    assertStringIncludes(said.of(url, "rate limit")!.next!, "keep a copy");
    assertEquals((await monitor(url, "--ignore", "rate limit")).code, 0);

    // What comes between two looks: others ask, and nobody is refused.
    let looks = 0;
    const between = before(url, async (path) => {
      if (path === "/metrics" && ++looks === 2) await drive("modest", 200);
      return undefined;
    });
    try {
      const calm = await monitor(between.url, "--over", "1s");
      assertEquals([calm.code, calm.wrong, looks], [0, [], 2]);
      assertEquals((await monitor(between.url)).code, 8, "since it began, there was too much");
    } finally {
      await between.close();
    }
  }, { limits });
});

Deno.test("bfa monitor: SQL that is refused for want of a free child says what helps, and no longer when there is one", async () => {
  await withMonitored(async ({ url, monitor }) => {
    const sql = async (text: string, signal?: AbortSignal) => {
      const query = new URLSearchParams({ sql: text });
      const response = await fetch(`${url}/v1/query?${query}`, signal ? { signal } : {});
      await response.body?.cancel();
      return response.status;
    };
    const metrics = async () => await (await fetch(`${url}/metrics`)).text();
    while (await sql("SELECT 1") !== 200);

    // One statement takes the only child until its client leaves.
    const leave = new AbortController();
    const slow = sql(
      "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b",
      leave.signal,
    );
    slow.catch(() => {});
    while (!(await metrics()).includes('bfa_limit_used{limit="sql"} 1\n'));
    const refused = await Promise.all(Array.from({ length: 120 }, () => sql("SELECT 2")));
    assertEquals(new Set(refused), new Set([503]));
    const said = await monitor(url);
    assertEquals([said.code, said.wrong], [8, [`${url} sql refused grow`]]);
    assertStringIncludes(said.of(url, "sql refused")!.next!, "`bfa sql`");
    leave.abort();
    await slow.catch(() => {});

    let looks = 0;
    const between = before(url, async (path) => {
      if (path !== "/metrics" || ++looks !== 2) return undefined;
      while (await sql("SELECT 3") !== 200);
      for (let i = 0; i < 150; i++) await sql(`SELECT ${i}`);
      return undefined;
    });
    try {
      const calm = await monitor(between.url, "--over", "1s");
      assertEquals(
        [calm.code, calm.wrong],
        [0, []],
        JSON.stringify(calm.of(between.url, "sql refused")),
      );
    } finally {
      await between.close();
    }
  }, {
    database: true,
    sql: { slots: 1, queue: 1, waitMs: 1, perClient: 1000, deadlineMs: 600_000 },
  });
});

Deno.test("bfa monitor: addresses from the settings; none is a wrong call", async () => {
  await withMonitored(async ({ world, url }) => {
    const env = { BFA_ENDPOINT: url, BFA_MIRROR: world.mirrorDir };
    const { out, code } = await bfa(["monitor", "--json"], { env, now: world.clock });
    const places = JSON.parse(out).findings.map(({ place }: { place: string }) => place);
    assertEquals([code, [...new Set(places)]], [0, [url, world.mirrorDir]]);
    assertEquals((await bfa(["monitor"])).code, 2);
    assertEquals((await bfa(["monitor", url, "--over", "soon"])).code, 2);
    assertEquals((await bfa(["monitor", url, "--ignore", "next version"])).code, 2);
  });
});
