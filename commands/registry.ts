/**
 * The commands by name. Each is loaded only when it is called: a question must start fast.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** A command that is not loaded yet. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** All commands, in the order help shows them. */
export const COMMANDS: readonly Entry[] = [
  {
    name: "snapshot",
    summary: "Symbols that really traded on a day",
    load: async () => (await import("./snapshot.ts")).snapshot,
  },
  {
    name: "timeline",
    summary: "The lives of a symbol",
    load: async () => (await import("./timeline.ts")).timeline,
  },
  {
    name: "range",
    summary: "Symbols that traded on at least one day of a range",
    load: async () => (await import("./range.ts")).range,
  },
  {
    name: "new-listings",
    summary: "Listings that began to trade",
    load: async () => (await import("./events.ts")).newListings,
  },
  {
    name: "delistings",
    summary: "Listings that stopped trading",
    load: async () => (await import("./events.ts")).delistings,
  },
  {
    name: "summary",
    summary: "Counts per state, one row a day",
    load: async () => (await import("./summary.ts")).summary,
  },
  {
    name: "symbols",
    summary: "Every symbol that ever existed",
    load: async () => (await import("./symbols.ts")).symbols,
  },
  {
    name: "status",
    summary: "What answers come from, and whether that is fresh",
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "refresh",
    summary: "Ask the publisher for a newer version now",
    load: async () => (await import("./status.ts")).refresh,
  },
  {
    name: "versions",
    summary: "The versions that the publisher serves",
    load: async () => (await import("./status.ts")).versions,
  },
  {
    name: "pull",
    summary: "Download the files of a version and keep them up to date",
    load: async () => (await import("./status.ts")).pull,
  },
  {
    name: "cache",
    summary: "The copy on this machine: dir, status, list, verify, prune, clear, refresh",
    load: async () => (await import("./cache.ts")).cache,
  },
  {
    name: "serve",
    summary: "Serve the dataset over HTTP",
    load: async () => (await import("./serve.ts")).serve,
  },
  {
    name: "build",
    summary: "Build the artifacts of a version",
    load: async () => (await import("./publisher.ts")).build,
  },
  {
    name: "publish",
    summary: "Upload a build and move a channel to it",
    load: async () => (await import("./publisher.ts")).publish,
  },
  {
    name: "promote",
    summary: "Move a channel to a version that exists",
    load: async () => (await import("./publisher.ts")).promote,
  },
  {
    name: "rollback",
    summary: "Move a channel back",
    load: async () => (await import("./publisher.ts")).rollback,
  },
  {
    name: "log",
    summary: "Who moved which channel, when and why",
    load: async () => (await import("./publisher.ts")).log,
  },
  {
    name: "keys",
    summary: "The signing key, and the keys this machine trusts",
    load: async () => (await import("./keys.ts")).keys,
  },
];
