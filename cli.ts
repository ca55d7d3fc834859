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

import type { Inputs, SettingsFile, SettingSources } from "./commands/command.ts";
import { SETTINGS } from "./commands/options.ts";
import { loadLater } from "./commands/registry.ts";
import { run } from "./commands/run.ts";
import type { Tools, World } from "./commands/tools.ts";
import { defaultCacheDir, userConfigFile } from "./lib/cache/cache_dir.ts";
import { BfaError } from "./lib/core/errors.ts";
import type { SQL_CHILD_COMMAND } from "./lib/engine/sql_process.ts";

export type { World };

type PublisherModule = typeof import("./commands/publisher_tools.ts");
type TerminalModule = typeof import("./commands/terminal_text.ts");

/**
 * Runs one call of the CLI.
 *
 * @param argv The arguments, without the program.
 * @param world Standard streams, environment and clock.
 * @returns The exit code.
 */
export async function main(argv: readonly string[], world?: World): Promise<number> {
  world ??= await realWorld();
  return await run(argv, cliTools(world), settingSources(world));
}

function cliTools(world: World): Tools {
  const cacheDir = (inputs: Inputs) => {
    const dir = inputs.text("cache-dir") ?? defaultCacheDir({ os: Deno.build.os, env: world.env });
    if (dir) return dir;
    throw new BfaError("usage", "Cannot tell where the cache is: set BFA_CACHE_DIR or HOME");
  };

  const publisher = async () => {
    const { publisherTools } = await loadLater<PublisherModule>("publisher_tools.ts");
    return publisherTools(world);
  };

  return {
    world,
    cacheDir,

    visionLister: async (inputs) => (await publisher()).visionLister(inputs),
    numbersFetcher: async (inputs) => (await publisher()).numbersFetcher(inputs),
    localDatabase: async (source, folder) => (await publisher()).localDatabase(source, folder),
    githubReleases: async (place) => (await publisher()).githubReleases(place),
    openReader: async (place, retry) => (await publisher()).openReader(place, retry),
    openFileMirror: async (place) => (await publisher()).openFileMirror(place),
    withPublisher: async (inputs, work, options) =>
      (await publisher()).withPublisher(inputs, work, options),
  };
}

/** Settings files are read when a setting is first looked for: most calls need none. */
function settingSources(world: World): SettingSources {
  let files: SettingsFile[] | undefined;
  const read = () => {
    const user = userConfigFile({ os: Deno.build.os, env: world.env });
    return ["bfa.json", ...(user ? [user] : [])]
      .map((path) => ({ path, settings: readSettings(path, world) }));
  };
  return { env: world.env, files: () => files ??= read() };
}

function readSettings(path: string, world: World): Record<string, unknown> {
  let text: string | undefined;
  try {
    text = world.readTextFile(path);
  } catch (error) {
    // A permission that Deno was not given is told with its flag.
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new BfaError("usage", `Cannot read ${path}: ${reason}`);
  }
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
async function realWorld(): Promise<World> {
  const outIsTerminal = Deno.stdout.isTerminal();
  const errIsTerminal = Deno.stderr.isTerminal();
  return {
    out: await writerOf(Deno.stdout, outIsTerminal),
    err: await writerOf(Deno.stderr, errIsTerminal),
    errSink: Deno.stderr,
    outIsTerminal,
    errIsTerminal,
    get columns() {
      const columns = errIsTerminal ? Deno.consoleSize().columns : 0;
      return columns || 80; // a terminal that nobody gave a size says 0
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
    stdin: {
      isTerminal: Deno.stdin.isTerminal(),
      text: () => new Response(Deno.stdin.readable).text(),
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

/** Writes to a stream; a terminal obeys nothing of what it shows. Programs that read a pipe need not wait for what sees to that. */
async function writerOf(
  stream: typeof Deno.stdout,
  isTerminal: boolean,
): Promise<(data: string | Uint8Array) => void> {
  const write = (data: string | Uint8Array) => writeWhole(stream, data);
  if (!isTerminal) return write;
  return (await loadLater<TerminalModule>("terminal_text.ts")).terminalWriter(write);
}

/** Writes all of it: one write may take only part. */
function writeWhole(
  stream: { writeSync(bytes: Uint8Array): number },
  data: string | Uint8Array,
): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  try {
    for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
      throw new BfaError("storage", "Cannot write the answer: the disk is full", { cause: error });
    }
    throw error;
  }
}

/** What a bundle and a compiled program start themselves with, to run strangers' SQL. */
const SQL_CHILD: typeof SQL_CHILD_COMMAND = "sql-child";

if (import.meta.main) {
  if (Deno.args[0] === SQL_CHILD) {
    const { runSqlChild } = await import("./lib/engine/sql_child.ts");
    await runSqlChild();
    Deno.exit(0); // whatever still runs
  }
  Deno.exit(await main(Deno.args));
}
