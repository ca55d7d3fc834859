/**
 * The commands by name. Each is loaded only when it is called: a question must start fast.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** How to load commands, by name. */
type Loaders = Readonly<Record<string, () => Promise<Command>>>;

/** How to load each command, by what it is for, in the order help shows them. */
export const COMMAND_GROUPS: Readonly<Record<string, Loaders>> = {
  "questions": {
    "snapshot": async () => (await import("./snapshot.ts")).snapshot,
    "timeline": async () => (await import("./timeline.ts")).timeline,
    "range": async () => (await import("./range.ts")).range,
    "new-listings": async () => (await import("./events.ts")).newListings,
    "delistings": async () => (await import("./events.ts")).delistings,
    "summary": async () => (await import("./summary.ts")).summary,
    "rows": async () => (await import("./rows.ts")).rows,
    "top": async () => (await import("./rows.ts")).top,
    "symbols": async () => (await import("./symbols.ts")).symbols,
    "diff": async () => (await import("./diff.ts")).diff,
    "sql": async () => (await import("./sql.ts")).sql,
    "export": async () => (await import("./export.ts")).exportCommand,
    "get": async () => (await import("./get.ts")).get,
  },
  "this machine's copy": {
    "status": async () => (await import("./status.ts")).status,
    "refresh": async () => (await import("./refresh.ts")).refresh,
    "versions": async () => (await import("./versions.ts")).versions,
    "artifacts": async () => (await import("./artifacts.ts")).artifacts,
    "pull": async () => (await import("./pull.ts")).pull,
    "cache": async () => (await import("./cache.ts")).cache,
  },
  "serving, and keeping it sound": {
    "serve": () => publisherCommand("serve.ts", "serve"),
    "health": async () => (await import("./health.ts")).health,
    "monitor": () => publisherCommand("monitor.ts", "monitor"),
    "mirror": () => publisherCommand("mirror.ts", "mirror"),
  },
  "making and publishing versions": {
    "daily": () => publisherCommand("collect.ts", "daily"),
    "collect": () => publisherCommand("collect.ts", "collect"),
    "import": () => publisherCommand("collect.ts", "importCommand"),
    "observations": () => publisherCommand("observations.ts", "observations"),
    "build": () => publisherCommand("build.ts", "build"),
    "check": () => publisherCommand("check.ts", "check"),
    "publish": () => publisherCommand("publish.ts", "publish"),
    "promote": () => publisherCommand("promote.ts", "promote"),
    "rollback": () => publisherCommand("rollback.ts", "rollback"),
    "renew": () => publisherCommand("renew.ts", "renew"),
    "log": () => publisherCommand("log.ts", "log"),
    "state": () => publisherCommand("state.ts", "state"),
  },
  "bfa itself": {
    "keys": async () => (await import("./keys.ts")).keys,
    "config": async () => (await import("./config.ts")).config,
    "doctor": async () => (await import("./doctor.ts")).doctor,
    "completions": async () => (await import("./completions.ts")).completions,
  },
};

/** How to load each command. */
export const COMMANDS: Loaders = Object.assign({}, ...Object.values(COMMAND_GROUPS));

async function publisherCommand(file: string, name: string): Promise<Command> {
  return (await loadLater<Record<string, Command>>(file))[name]!;
}

/**
 * Loads a module of this folder without Deno knowing it beforehand. Where a program runs without this project's
 * `deno.json` (from JSR), what a literal `import()` names is looked through before it runs, with all that it imports:
 * every question would wait for the publisher's modules.
 * Bundlers find it all the same: the pattern names every file of this folder. (A copy from JSR fetches such a
 * module when it is first called.)
 */
export async function loadLater<Module>(file: string): Promise<Module> {
  return await import(`./${file}`);
}

/** Loads every command. */
export async function allCommands(): Promise<Command[]> {
  return await Promise.all(Object.values(COMMANDS).map((load) => load()));
}
