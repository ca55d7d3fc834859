/**
 * `bfa cache`.
 *
 * @module
 */

import {
  cacheContents,
  type CachedObject,
  clearCache,
  pruneCache,
  verifyCache,
} from "../lib/cache/upkeep.ts";
import { BfaError } from "../lib/core/errors.ts";
import { freshnessAt } from "../lib/core/freshness.ts";
import { type Actions, runAction } from "./actions.ts";
import type { Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  PLAIN_FORMATS,
  print,
  readFormat,
  TEXT_FORMATS,
} from "./output.ts";
import { refresh } from "./refresh.ts";
import type { Tools } from "./tools.ts";

const ACTIONS: Actions = {
  dir(inputs, tools) {
    readFormat(inputs, tools.world, PLAIN_FORMATS);
    tools.world.out(tools.cacheDir(inputs) + "\n");
  },
  status: cacheStatus,
  list,
  verify,
  prune: async (inputs, tools) =>
    removed(await pruneCache(tools.cacheDir(inputs), tools.world.now()), inputs, tools),
  clear: async (inputs, tools) => removed(await clearCache(tools.cacheDir(inputs)), inputs, tools),
  refresh: (inputs, tools) => refresh.run(inputs, tools),
};

/** The copy on this machine. */
export const cache: Command = {
  name: "cache",
  summary: "The copy on this machine: where, how much, how sound; make room",
  about: `ACTION is one of:
  dir      where it is
  status   place, versions, size, age, freshness, hit rate
  list     every file, and which versions use it
  verify   hash every file; damaged ones are put aside
  prune    remove what no current version uses and is older than a day
  clear    remove everything but the pinned keys
  refresh  ask the publisher for a newer version now`,
  args: [{
    name: "action",
    help: `${Object.keys(ACTIONS).join(", ")}`,
    choices: Object.keys(ACTIONS),
  }],
  options: {
    ...OUTPUT_OPTIONS,
    "cache-dir": CLIENT_OPTIONS["cache-dir"],
    endpoint: CLIENT_OPTIONS.endpoint,
    channel: CLIENT_OPTIONS.channel,
    "trusted-keys": CLIENT_OPTIONS["trusted-keys"],
    offline: CLIENT_OPTIONS.offline,
  },
  examples: ["bfa cache status", "bfa cache verify"],
  run: (inputs, tools) => runAction(ACTIONS, inputs, tools),
};

async function cacheStatus(inputs: Inputs, tools: Tools): Promise<void> {
  const { world } = tools;
  const now = world.now();
  const { place, sources, bytes, hits, misses } = await cacheContents(tools.cacheDir(inputs));
  const versions = new Set(sources.flatMap((s) => s.manifests.map((m) => m.signed.version)));
  const copies = sources.map(({ record, manifests }) => {
    const current = manifests.find((m) => m.signed.sequence === record.sequence)?.signed;
    return {
      endpoint: record.endpoint,
      channel: record.channel,
      version: current?.version ?? null,
      freshness: current ? freshnessAt(current.freshness, now) : null,
      checkedAt: record.checkedAt,
    };
  });
  const asked = hits + misses;
  const hitRate = asked ? hits / asked : null;
  const facts = { place, versions: [...versions].sort(), bytes, hits, misses, hitRate, copies };
  if (readFormat(inputs, world, TEXT_FORMATS) === "json") {
    return world.out(JSON.stringify(facts) + "\n");
  }
  const rate = hitRate === null ? "nothing asked yet" : `${Math.floor(hitRate * 100)} % hits`;
  world.out(`${place} · ${formatBytes(bytes)} · ${counted(versions.size, "version")} · ${rate}\n`);
  for (const { endpoint, channel, version, freshness, checkedAt } of copies) {
    const age = checkedAt
      ? `, checked ${formatDuration(now.getTime() - Date.parse(checkedAt))} ago`
      : "";
    world.out(
      `  ${endpoint} (${channel}): ${version ?? "nothing yet"}${
        freshness ? `, ${freshness}` : ""
      }${age}\n`,
    );
  }
}

async function list(inputs: Inputs, tools: Tools): Promise<void> {
  const { objects, bytes } = await cacheContents(tools.cacheDir(inputs));
  await print<CachedObject>(
    {
      answer: { count: objects.length, bytes, objects },
      rows: objects,
      columns: [
        { name: "sha256", type: "VARCHAR", cell: (row) => row.sha256 },
        { name: "bytes", type: "BIGINT", title: "SIZE", isSize: true, cell: (row) => row.bytes },
        { name: "used_by", type: "VARCHAR", cell: (row) => row.usedBy.join(" ") },
      ],
      footer: `${counted(objects.length, "file")}, ${formatBytes(bytes)}`,
    },
    inputs,
    tools.world,
  );
}

async function verify(inputs: Inputs, tools: Tools): Promise<void> {
  const { sound, damaged } = await verifyCache(tools.cacheDir(inputs));
  const { world } = tools;
  if (readFormat(inputs, world, TEXT_FORMATS) === "json") {
    world.out(JSON.stringify({ sound, damaged }) + "\n");
  } else world.out(`${counted(sound, "sound file")}\n`);
  if (damaged.length) {
    const files = counted(damaged.length, "damaged file");
    throw new BfaError(
      "integrity",
      `${files}, to be fetched again when needed: ${damaged.join(", ")}`,
    );
  }
}

function removed(what: { files: number; bytes: number }, inputs: Inputs, tools: Tools): void {
  if (readFormat(inputs, tools.world, TEXT_FORMATS) === "json") {
    return tools.world.out(JSON.stringify(what) + "\n");
  }
  tools.world.out(`removed ${counted(what.files, "file")}, ${formatBytes(what.bytes)}\n`);
}
