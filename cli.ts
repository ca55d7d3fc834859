/**
 * The command line of bfa. The entry point: it reads the world, builds what commands need from it,
 * and hands that down.
 *
 * ```sh
 * deno run -A jsr:@bfa/cli snapshot 2024-01-15
 * ```
 *
 * @module
 */

import type { Inputs, SettingSources } from "./commands/command.ts";
import { readMaxAge, secretKeyFile, SETTINGS } from "./commands/options.ts";
import { noticeLine } from "./commands/notices.ts";
import { progressBar, wantsProgress } from "./commands/progress.ts";
import { run } from "./commands/run.ts";
import type { PublisherSide, Tools, World } from "./commands/tools.ts";
import { defaultCacheDir, userConfigFile } from "./lib/cache/cache_dir.ts";
import { BfaError } from "./lib/core/errors.ts";
import { DAILY_SCHEDULE } from "./lib/core/freshness.ts";
import { folderOf, makeFolder } from "./lib/files/atomic_file.ts";
import { open } from "./lib/jobs/open.ts";
import type { MirrorWorld } from "./lib/jobs/open_mirrors.ts";
import { httpClient } from "./lib/net/client.ts";

export type { World };

/**
 * Runs one call of the CLI.
 *
 * @param argv The arguments, without the program.
 * @param world Standard streams, environment and clock.
 * @returns The exit code.
 */
export async function main(argv: readonly string[], world: World = realWorld()): Promise<number> {
  return await run(argv, cliTools(world), settingSources(world));
}

function cliTools(world: World): Tools {
  const cacheDir = (inputs: Inputs) => {
    const dir = inputs.text("cache-dir") ?? defaultCacheDir({ os: Deno.build.os, env: world.env });
    if (dir) return dir;
    throw new BfaError("usage", "Cannot tell where the cache is: set BFA_CACHE_DIR or HOME");
  };

  return {
    world,
    cacheDir,

    async openDataset(inputs) {
      const quiet = inputs.flag("quiet");
      const off = quiet || inputs.flag("no-progress");
      const bar = wantsProgress(world, off) ? progressBar(world) : undefined;
      const dataset = await open({
        endpoint: inputs.text("endpoint"),
        channel: inputs.text("channel"),
        version: inputs.text("at"),
        offline: inputs.flag("offline"),
        copy: inputs.flag("no-copy") ? "none" : undefined,
        acceptExpired: inputs.flag("accept-expired"),
        cacheDir: cacheDir(inputs),
        maxAge: readMaxAge(inputs),
        trustedKeys: inputs.texts("trusted-keys"),
        downloadHosts: inputs.texts("download-hosts"),
        now: world.now,
        onNotice: (notice) => {
          if (!quiet) world.err(`${noticeLine(notice)}\n`);
        },
        onProgress: bar,
      });
      const asOf = inputs.text("as-of");
      return asOf === undefined ? dataset : await dataset.asOf(asOf);
    },

    async visionLister(inputs) {
      const { VISION_LIST_URL, visionLister } = await import("./lib/source/vision.ts");
      return visionLister(httpClient(), inputs.text("list-url") ?? VISION_LIST_URL);
    },

    async numbersFetcher(inputs) {
      const { VISION_FILES_URL } = await import("./lib/core/schema.ts");
      const { fetchDayKline } = await import("./lib/source/klines.ts");
      const filesUrl = inputs.text("files-url") ?? VISION_FILES_URL;
      const http = httpClient();
      return (symbol, day) => fetchDayKline(http, filesUrl, symbol, day);
    },

    async localDatabase(source, folder) {
      const { localDatabase } = await import("./lib/jobs/import.ts");
      return await localDatabase(source, folder, httpClient());
    },

    async githubReleases(place) {
      const { openReleases } = await import("./lib/jobs/open_mirrors.ts");
      return await openReleases(place, mirrorWorld(world));
    },

    async withPublisher(inputs, work) {
      const side = await openPublisherSide(inputs, world);
      try {
        const done = await work(side);
        side.store.close();
        return done;
      } catch (error) {
        // Closing a KV that another process keeps locked waits, deaf, until it is free again.
        if (!(error instanceof BfaError && error.code === "unavailable")) side.store.close();
        throw error;
      }
    },
  };
}

/** The publisher's side: KV, mirror and signing key. Loaded only here: clients never need KV. */
async function openPublisherSide(inputs: Inputs, world: World): Promise<PublisherSide> {
  const { kvManifestStore, openKv } = await import("./lib/manifest/kv.ts");
  const { openMirror } = await import("./lib/jobs/open_mirrors.ts");
  const { parseSecretKey, readSecretKey } = await import("./lib/manifest/secret_key_file.ts");
  const dataDir = inputs.text("data-dir") ?? ".bfa";
  const place = inputs.text("kv") ?? `${dataDir}/kv.sqlite3`;
  if (!/^https?:/.test(place)) await makeFolder(folderOf(place));
  const secret = world.env("BFA_SIGNING_KEY");
  const signer = secret
    ? await parseSecretKey(secret, "BFA_SIGNING_KEY")
    : await readSecretKey(secretKeyFile(inputs));
  const given = inputs.texts("mirror");
  const places = given?.length ? given : [`${dataDir}/mirror`];
  const store = kvManifestStore(await openKv(place));
  const mirrors = await Promise.all(places.map((p) => openMirror(p, store, mirrorWorld(world))))
    .catch((error) => {
      store.close();
      throw error;
    });
  const publisher = {
    store,
    mirrors,
    signers: signer ? [signer] : [],
    schedule: DAILY_SCHEDULE,
    mirrorUrls: inputs.texts("mirror-url") ?? [],
    by: world.env("BFA_PUBLISHER") ?? world.env("USER") ?? "unknown",
    now: world.now,
  };
  return { store, mirror: mirrors[0]!, publisher, dataDir };
}

function mirrorWorld({ env, now, err }: World): MirrorWorld {
  return { env, now, onWait: (line) => err(`${line}\n`) };
}

/** Settings files are read when a setting is first looked for: most calls need none. */
function settingSources(world: World): SettingSources {
  let files: Record<string, unknown>[] | undefined;
  const user = userConfigFile({ os: Deno.build.os, env: world.env });
  return {
    env: world.env,
    files: () => files ??= [readSettings("bfa.json", world), user ? readSettings(user, world) : {}],
  };
}

function readSettings(path: string, world: World): Record<string, unknown> {
  const text = world.readTextFile(path);
  if (text === undefined) return {};
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch {
    throw new BfaError("usage", `Cannot read ${path}: it is not JSON`);
  }
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw new BfaError("usage", `Cannot read ${path}: it is not a JSON object`);
  }
  const unknown = Object.keys(settings).find((name) => !SETTINGS.has(name));
  if (unknown !== undefined) {
    const known = [...SETTINGS].sort().join(", ");
    throw new BfaError(
      "usage",
      `Cannot use ${JSON.stringify(unknown)} in ${path}: it takes ${known}`,
    );
  }
  return settings as Record<string, unknown>;
}

/** The process's own world. */
function realWorld(): World {
  return {
    out: (data) => writeWhole(Deno.stdout, data),
    err: (text) => writeWhole(Deno.stderr, text),
    outIsTerminal: Deno.stdout.isTerminal(),
    errIsTerminal: Deno.stderr.isTerminal(),
    get columns() {
      return Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80;
    },
    env: (name) => Deno.env.get(name),
    readTextFile(path) {
      try {
        return Deno.readTextFileSync(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
    now: () => new Date(),
    onInterrupt() {
      const stop = new AbortController();
      for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, () => stop.abort());
      return stop.signal;
    },
  };
}

/** Windows knows no SIGTERM. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** Writes all of it: one write may take only part. */
function writeWhole(
  stream: { writeSync(bytes: Uint8Array): number },
  data: string | Uint8Array,
): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
