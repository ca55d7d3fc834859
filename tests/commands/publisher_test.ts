import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { serveKv } from "../helpers/kv_connect.ts";
import { formatListings } from "../../lib/core/listings_file.ts";
import { parseDay } from "../../lib/core/day.ts";
import { buildListings, SMALL_LISTINGS } from "../helpers/publisher.ts";

const NOW = new Date("2024-04-01T12:05:00Z");

Deno.test("keys, build, publish, promote, rollback, renew and log: the publisher's day", async () => {
  await withCacheDir(async (env) => {
    const run = async (...args: string[]) => await bfa(args, { env, now: NOW });
    const out = async (...args: string[]) => (await run(...args)).out;
    const listings = `${env.HOME}/listings.json`;
    const write = (count: number) =>
      Deno.writeTextFile(
        listings,
        formatListings({
          dataThrough: parseDay("2024-03-31"),
          listings: SMALL_LISTINGS.slice(0, count),
        }),
      );

    assertEquals((await run("publish", env.HOME!)).code, 3);
    const key = (await out("keys", "new")).trim();
    assertMatch(key, /^ed25519:[\w-]{43}$/);
    assertEquals((await out("keys", "show")).trim(), key);
    assertEquals((await run("keys", "new")).code, 2);

    await write(4);
    const first = (await out("build", "--from", listings)).trim();
    assertEquals(first, `${env.BFA_DATA_DIR}/builds/2024-03-31.1`);
    assertEquals(await out("publish", first), "latest is now 2024-03-31.1 (sequence 1)\n");
    assertEquals(
      await out("publish", first),
      "latest is 2024-03-31.1 already (sequence 1); its mirrors are complete\n",
    );
    await write(3);
    const second = (await out("build", "--from", listings)).trim();
    assertEquals(
      await out("publish", second, "--channel", "candidate"),
      "candidate is now 2024-03-31.2 (sequence 2)\n",
    );
    assertEquals(
      await out("promote", "2024-03-31.2", "--reason", "looked good"),
      "latest is now 2024-03-31.2 (sequence 3)\n",
    );
    assertEquals(await out("rollback"), "latest is now 2024-03-31.1 (sequence 4)\n");
    const again = await run("rollback");
    assertEquals(again.code, 2);
    assertStringIncludes(again.err, "was rolled back to 2024-03-31.1 already; name a version");
    assertEquals(await out("renew"), "latest is now 2024-03-31.1 (sequence 5)\n");
    assertEquals((await run("renew", "--next-key", "nonsense")).code, 2);
    assertEquals((await run("promote", "2024-03-31.7")).code, 3);

    const { entries } = JSON.parse(await out("log", "--json"));
    assertEquals(
      entries.map((
        e: Record<string, unknown>,
      ) => [e.sequence, e.action, e.channel, e.version, e.reason]),
      [
        [5, "renew", "latest", "2024-03-31.1", null],
        [4, "rollback", "latest", "2024-03-31.1", null],
        [3, "promote", "latest", "2024-03-31.2", "looked good"],
        [2, "publish", "candidate", "2024-03-31.2", null],
        [1, "publish", "latest", "2024-03-31.1", null],
      ],
    );
  });
});

Deno.test("a KV and a mirror URL that cannot be one are refused, and nothing is made", async () => {
  await withCacheDir(async (env) => {
    for (
      const [args, line] of [
        [["--kv", "foo://x"], 'the KV "foo://x": give a file or an http(s):// address'],
        [["--mirror-url", "foo"], 'the mirror URL "foo": give an http(s):// address'],
      ] as const
    ) {
      const { code, err } = await bfa(["promote", "2024-03-31.1", ...args], { env, now: NOW });
      assertEquals([code, err], [2, `bfa: Cannot use ${line}\n`]);
      assertEquals(Array.from(Deno.readDirSync(env.HOME!)), []);
    }
  });
});

Deno.test("`bfa log` of a KV that is not there says so, and makes none", async () => {
  await withCacheDir(async (env) => {
    const kv = `${env.HOME}/mistyped/kv.sqlite3`;
    const { code, out, err } = await bfa(["log", "--kv", kv], { env, now: NOW });
    assertEquals([code, out], [3, ""]);
    assertStringIncludes(err, `no KV at ${kv}: give --kv or --data-dir`);
    assertEquals(await Array.fromAsync(Deno.readDir(env.HOME!)), []);
  });
});

Deno.test("a build never touches a folder of other files", async () => {
  await withCacheDir(async (env) => {
    await Deno.writeTextFile(`${env.HOME}/precious`, "");
    const { code, err } = await bfa(["build", "--out", env.HOME!], { env });
    assertEquals(code, 2);
    assertStringIncludes(err, "it holds other files than an earlier build");
    assertEquals(await Deno.readTextFile(`${env.HOME}/precious`), "");
  });
});

Deno.test("`bfa publish` refuses a build whose listings no client would read", async () => {
  await withCacheDir(async (env) => {
    const dir = `${env.HOME}/build`;
    const made = await buildListings(dir, "2024-03-31.1", SMALL_LISTINGS.toReversed());
    await Deno.writeTextFile(`${dir}/build.json`, JSON.stringify(made));
    await bfa(["keys", "new"], { env, now: NOW });
    const { code, out, err } = await bfa(["publish", dir], { env, now: NOW });
    assertEquals([code, out], [2, ""]);
    assertEquals(
      err,
      'bfa: Cannot publish 2024-03-31.1: every client would refuse its listings, for their row "BBBUSDT": order; sort them by symbol and first day, without overlaps\n',
    );
    await assertRejects(() => Deno.stat(`${env.BFA_DATA_DIR}/mirror`), Deno.errors.NotFound);
  });
});

Deno.test("a build is published to a KV on another machine, and another process reads it there", async () => {
  const server = serveKv();
  try {
    await withCacheDir(async (env) => {
      const listings = formatListings({
        dataThrough: parseDay("2024-03-31"),
        listings: SMALL_LISTINGS,
      });
      await Deno.writeTextFile(`${env.HOME}/listings.json`, listings);
      const run = (...args: string[]) => bfa([...args, "--kv", server.url], { env, now: NOW });
      await bfa(["keys", "new", "-q"], { env });
      const dir = (await run("build", "--from", `${env.HOME}/listings.json`)).out.trim();
      assertEquals((await run("publish", dir)).out, "latest is now 2024-03-31.1 (sequence 1)\n");
      assertStringIncludes((await run("log")).out, "publish\tlatest\t2024-03-31.1");
      const local = await bfa(["log", "--json"], { env, now: NOW });
      assertEquals([local.code, local.out], [3, ""]);
    });
  } finally {
    await server.close();
  }
});
