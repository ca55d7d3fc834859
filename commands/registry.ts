/**
 * The commands by name. Each is loaded only when it is called: a question must start fast.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** How to load each command, in the order help shows them. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
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
  "get": async () => (await import("./get.ts")).get,
  "status": async () => (await import("./status.ts")).status,
  "refresh": async () => (await import("./status.ts")).refresh,
  "versions": async () => (await import("./status.ts")).versions,
  "pull": async () => (await import("./status.ts")).pull,
  "cache": async () => (await import("./cache.ts")).cache,
  "serve": async () => (await import("./serve.ts")).serve,
  "collect": async () => (await import("./collect.ts")).collect,
  "daily": async () => (await import("./collect.ts")).daily,
  "import": async () => (await import("./collect.ts")).importCommand,
  "build": async () => (await import("./publisher.ts")).build,
  "check": async () => (await import("./check.ts")).check,
  "publish": async () => (await import("./publisher.ts")).publish,
  "promote": async () => (await import("./publisher.ts")).promote,
  "rollback": async () => (await import("./publisher.ts")).rollback,
  "renew": async () => (await import("./publisher.ts")).renew,
  "log": async () => (await import("./publisher.ts")).log,
  "state": async () => (await import("./state.ts")).state,
  "keys": async () => (await import("./keys.ts")).keys,
};

/** Loads every command. */
export async function allCommands(): Promise<Command[]> {
  return await Promise.all(Object.values(COMMANDS).map((load) => load()));
}
