import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { KLINES_ROOT } from "../helpers/bucket_odd.ts";
import { history } from "../helpers/bucket_history.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { smallListings, withCollecting } from "../helpers/collecting.ts";
import { type FakeGithub, fakeGithub, TOKEN } from "../helpers/github.ts";

const PAST = history(smallListings(), { through: parseDay("2026-02-28") });
const NOW = new Date("2026-03-01T12:00:00.000Z");

/** Runs a test with a GitHub, and the environment that leads to it. */
async function withEnv(
  test: (github: FakeGithub, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const github = fakeGithub();
  github.now = NOW;
  github.immutable = true;
  try {
    await withCacheDir((env) =>
      test(github, {
        ...env,
        BFA_GITHUB_API: github.api,
        BFA_GITHUB_URL: github.web,
        BFA_DOWNLOAD_HOSTS: github.downloadHost,
        BFA_MIRROR: "github:octo/data",
        GITHUB_TOKEN: TOKEN,
      })
    );
  } finally {
    await github.close();
  }
}

const drafts = ({ releases }: FakeGithub) => releases.filter(({ draft }) => draft).length;

Deno.test("`bfa publish --mirror DIR --mirror github:…`: both have it, and a client needs no service", async () => {
  await withEnv(async (github, env) => {
    const call = (...args: string[]) => bfa(args, { env, now: NOW });
    assertEquals((await call("keys", "new")).code, 0);
    const built = await call("build");
    const folder = `${env.HOME}/folder`;
    const both = ["--mirror", folder, "--mirror", "github:octo/data"];
    const published = await call("publish", built.out.trim(), ...both);
    assertEquals([published.code, published.err], [0, ""]);
    assertEquals(published.out, "latest is now 2026-08-08.1 (sequence 1)\n");
    assertEquals(github.releases.map(({ tag, draft }) => [tag, draft]), [
      ["2026-08-08.1", false],
      ["manifest-1", false],
    ]);
    const pointer = await Deno.readTextFile(`${folder}/manifest.json`);
    const shown = github.release("manifest-1")!.assets.find(({ name }) =>
      name === "manifest.json"
    )!;
    assertEquals(new TextDecoder().decode(shown.bytes), pointer);

    const verified = await call("mirror", "verify", "--mirror", "github:octo/data", "--json");
    const [{ artifacts, faults }] = JSON.parse(verified.out).mirrors;
    assertEquals([verified.code, artifacts, faults], [0, 21, []]);

    const before = github.seen.length;
    const monitored = await call("monitor", "github:octo/data", folder, "--json");
    type Row = { place: string; signal: string; value: unknown; most: unknown };
    const rows: Row[] = JSON.parse(monitored.out).findings;
    const of = (signal: string) =>
      rows.filter((row) => row.signal === signal).map(({ place, value }) => [place, value]);
    const { signed } = JSON.parse(pointer);
    const largest = Math.max(...signed.artifacts.map(({ bytes }: { bytes: number }) => bytes));
    assertEquals([monitored.code, monitored.err], [0, ""]);
    assertEquals(of("files"), [["github:octo/data", "21 of 21"], [folder, "21 of 21"]]);
    assertEquals(of("largest file"), [["github:octo/data", largest]]);
    assertEquals(github.seen.slice(before).filter(({ host }) => host === "api").length, 0);
    const copy = ["--from", "github:octo/data", "--to", `${env.HOME}/copy`];
    const synced = await call("mirror", "sync", ...copy, "-q");
    assertStringIncludes(synced.out, "21 of 21 copied");
    assertEquals(await Deno.readTextFile(`${env.HOME}/copy/manifest.json`), pointer);

    const endpoint = `${github.web}/octo/data/releases/latest/download/`;
    const asked = await call("snapshot", "2024-01-15", "--endpoint", endpoint, "--json", "-q");
    assertEquals([asked.code, asked.err], [0, ""]);
    assertEquals(JSON.parse(asked.out).version, "2026-08-08.1");
    const seen = github.seen.filter(({ host }) => host === "web").length;
    const again = await call("snapshot", "2024-01-16", "--endpoint", endpoint);
    assertEquals([again.code, github.seen.filter(({ host }) => host === "web").length], [0, seen]);
  });
});

Deno.test("a wrong token is one line on stderr, exit code 2, and never shown", async () => {
  await withEnv(async (_github, env) => {
    const wrong = { ...env, GITHUB_TOKEN: "ghp_wrong" };
    await bfa(["keys", "new"], { env });
    const built = await bfa(["build"], { env, now: NOW });
    const { code, out, err } = await bfa(["publish", built.out.trim(), "-v"], {
      env: wrong,
      now: NOW,
    });
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(err, "GitHub does not accept the token in GITHUB_TOKEN; make a new one");
    assert(!err.includes("ghp_wrong"));
    for (const place of ["github:octo", "github:octo/..", "github:a/b/c", "github:-x/y"]) {
      const bad = await bfa(["renew", "--mirror", place], { env, now: NOW });
      assertEquals([bad.code, bad.err.split("\n").length], [2, 2], place);
    }
    for (const variable of ["BFA_GITHUB_API", "BFA_GITHUB_URL"]) {
      const bad = await bfa(["renew"], { env: { ...env, [variable]: "api.github.com" }, now: NOW });
      assertEquals([bad.code, bad.err], [
        2,
        `bfa: Cannot use ${variable}: it is no http(s):// address\n`,
      ]);
    }
  });
});

Deno.test("days on machines that forget: restore, daily, save; the releases carry everything", async () => {
  await withEnv(async (github, env) => {
    await withCollecting(PAST, NOW.toISOString(), async (source) => {
      const key = await Deno.makeTempFile();
      await Deno.remove(key);
      await bfa(["keys", "new", "--out", key], { env });
      const base = {
        ...env,
        BFA_SIGNING_KEY: await Deno.readTextFile(key),
        BFA_VISION_LIST_URL: source.bucket.listUrl,
        BFA_VISION_FILES_URL: `${source.bucket.filesUrl}${KLINES_ROOT}`,
      };
      await Deno.remove(key);
      /** A run on a new machine; `lose` ends it before its state is saved. */
      async function run(day: string, lose = false): Promise<{ said: string[]; uploaded: number }> {
        const now = new Date(`${day}T12:00:00.000Z`);
        source.clock = github.now = now;
        const dataDir = await Deno.makeTempDir({ prefix: "bfa-runner-" });
        const call = async (...args: string[]) => {
          const { code, out, err } = await bfa(args, {
            env: { ...base, BFA_DATA_DIR: dataDir },
            now,
          });
          assertEquals([code, err], [0, ""], `${day} ${args[0]}`);
          return out.split("\n")[0]!;
        };
        try {
          const before = github.uploaded();
          const said = [await call("state", "restore"), await call("daily")];
          const uploaded = github.uploaded() - before;
          if (!lose) said.push(await call("state", "save"));
          return { said: said.map((line) => line.replace(/, [\d.]+ \w+$/, "")), uploaded };
        } finally {
          await Deno.remove(dataDir, { recursive: true });
        }
      }

      const first = await run("2026-02-15");
      assertEquals(first.said, [
        "nothing was saved yet",
        "# 2026-02-14.1",
        "saved the state of 2026-02-15T12:00:00Z: 2 files",
      ]);
      const second = await run("2026-02-16");
      assertEquals(second.said, [
        "restored the state of 2026-02-15T12:00:00Z: 2 files",
        "# 2026-02-15.1",
        "saved the state of 2026-02-16T12:00:00Z: 2 files",
      ]);
      // Ends after it has published, before its state is saved: the KV of the next is behind.
      await run("2026-02-17", true);
      const fourth = await run("2026-02-18");
      assertEquals(fourth.said.slice(0, 2), [
        "restored the state of 2026-02-16T12:00:00Z: 2 files",
        "# 2026-02-17.1",
      ]);
      const last = await run("2026-02-19");
      assertEquals(last.said[1], "# 2026-02-18.1");
      const bytes = (tag: string) =>
        github.release(tag)!.assets.reduce((sum, asset) => sum + asset.bytes.length, 0);
      assertEquals(last.uploaded, bytes("2026-02-18.1") + bytes("manifest-5"));
      const published = github.releases.filter(({ draft }) => !draft).map(({ tag }) => tag);
      assertEquals(published, [
        ...["14.1", "15.1", "16.1", "17.1", "18.1"].flatMap((day, n) => [
          `2026-02-${day}`,
          `manifest-${n + 1}`,
        ]),
      ]);
      assertEquals([github.latest, drafts(github)], ["manifest-5", 3]);
      // January's and the first year's parts are where the first day put them.
      const own = github.release("2026-02-18.1")!.assets.map(({ name }) => name.slice(65)).sort();
      assert(!own.includes("parts_-2026-01.parquet"), own.join());
      assert(own.includes("parts_-2026-02.parquet"), own.join());
      const endpoint = `${github.web}/octo/data/releases/latest/download/`;
      const asked = await bfa(["versions", "--endpoint", endpoint, "--json"], {
        env: base,
        now: github.now,
      });
      assertEquals(JSON.parse(asked.out).count, 5);
    });
  });
});

Deno.test("`bfa state`: never over what is there, never half, never without knowing where", async () => {
  await withEnv(async (github, env) => {
    const call = (args: string[], more = {}) => bfa(args, { env: { ...env, ...more }, now: NOW });
    const dataDir = env.BFA_DATA_DIR!;
    assertEquals((await call(["state", "save"])).code, 3);
    assertEquals((await call(["state", "save"], { BFA_MIRROR: dataDir })).code, 2);
    assertEquals((await call(["state", "drop"])).code, 2);
    await Deno.mkdir(dataDir, { recursive: true });
    await Deno.writeTextFile(`${dataDir}/observations.duckdb`, "seen");
    await Deno.writeTextFile(`${dataDir}/kv.sqlite3`, "kv");
    assertEquals(
      (await call(["state", "save"])).out,
      "saved the state of 2026-03-01T12:00:00Z: 2 files, 6 B\n",
    );
    const there = await call(["state", "restore"]);
    assertEquals([there.code, there.err], [
      2,
      `bfa: Cannot restore into ${dataDir}: observations.duckdb is there already\n`,
    ]);

    // A later save that dies in the middle is not taken for a state.
    await Deno.writeTextFile(`${dataDir}/kv.sqlite3`, "kv, later");
    const later = new Date(NOW.getTime() + 3_600_000);
    github.fault = ({ host, path }) =>
      host === "uploads" && path.includes("kv.sqlite3")
        ? new Response(null, { status: 400 })
        : undefined;
    assertEquals((await bfa(["state", "save"], { env, now: later })).code, 6);
    github.fault = undefined;
    const elsewhere = `${env.HOME}/other`;
    const restored = await call(["state", "restore"], { BFA_DATA_DIR: elsewhere });
    assertEquals([restored.code, restored.err], [0, ""]);
    assertEquals(await Deno.readTextFile(`${elsewhere}/kv.sqlite3`), "kv");
    assertEquals(await Deno.readTextFile(`${elsewhere}/observations.duckdb`), "seen");

    // One whose last file cannot be read, or is damaged, is not restored by half.
    const kept = github.releases.at(0)!.assets.find(({ name }) => name === "kv.sqlite3")!;
    const refused: [exit: number, says: string, breakIt: () => void][] = [
      [6, "Cannot read a file of github:octo/data", () => {
        github.fault = ({ host, path }) =>
          host === "cdn" && path.includes(`/${kept.id}?`)
            ? new Response(null, { status: 403 })
            : undefined;
      }],
      [5, 'Cannot use "kv.sqlite3": its SHA-256 is ', () => {
        github.fault = undefined;
        kept.bytes = new TextEncoder().encode("xx");
      }],
    ];
    for (const [exit, says, breakIt] of refused) {
      breakIt();
      const half = await call(["state", "restore"], { BFA_DATA_DIR: `${env.HOME}/half` });
      assertEquals([half.code, half.out], [exit, ""]);
      assertStringIncludes(half.err, says);
      assertEquals([...Deno.readDirSync(`${env.HOME}/half`)], []);
    }

    for (const hour of [2, 3, 4, 5]) {
      const now = new Date(NOW.getTime() + hour * 3_600_000);
      assertEquals((await bfa(["state", "save"], { env, now })).code, 0);
    }
    assertEquals(drafts(github), 3);
    const own = await call(["state", "restore"], {
      BFA_DATA_DIR: `${env.HOME}/own`,
      GITHUB_TOKEN: "ghp_of_somebody_else",
      BFA_GITHUB_TOKEN: TOKEN,
    });
    assertEquals([own.code, own.err], [0, ""]);
    const anonymous = await call(["state", "restore"], {
      BFA_DATA_DIR: `${env.HOME}/third`,
      GITHUB_TOKEN: "",
    });
    assertEquals(anonymous.out, "nothing was saved yet\n"); // drafts are for those who may write
  });
});
