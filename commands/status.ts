/**
 * `bfa status`, `bfa refresh`, `bfa versions`, `bfa pull`.
 *
 * @module
 */

import type { Status } from "../lib/jobs/status.ts";
import type { ListedVersion } from "../lib/manifest/endpoint.ts";
import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatInstant,
  print,
  readFormat,
} from "./output.ts";

const { "refresh-cache": _, ...QUIET_CLIENT_OPTIONS } = CLIENT_OPTIONS;

/** The condition of the copy. */
export const status: Command = {
  name: "status",
  summary: "What answers come from, and whether that is fresh; asks nobody",
  args: [],
  options: { ...OUTPUT_OPTIONS, ...QUIET_CLIENT_OPTIONS },
  examples: ["bfa status", "bfa status --json"],
  async run(inputs, tools) {
    const { world } = tools;
    const now = await (await tools.openDataset(inputs)).status();
    if (readFormat(inputs, world) === "json") return world.out(JSON.stringify(now) + "\n");
    world.out(statusLines(now, world.now()).map(([k, v]) => `${k.padEnd(11)}${v}\n`).join(""));
  },
};

/** Asks the publisher now. */
export const refresh: Command = {
  name: "refresh",
  summary: "Ask the publisher for a newer version now",
  args: [],
  options: { json: OUTPUT_OPTIONS.json!, ...QUIET_CLIENT_OPTIONS },
  examples: ["bfa refresh", "bfa refresh --endpoint http://127.0.0.1:8000"],
  async run(inputs, tools) {
    const result = await (await tools.openDataset(inputs)).refresh();
    if (inputs.flag("json")) return tools.world.out(JSON.stringify(result) + "\n");
    const { changed, version, sequence } = result;
    tools.world.out(
      changed
        ? `now at ${version} (sequence ${sequence})\n`
        : `${version} is the newest (sequence ${sequence})\n`,
    );
  },
};

/** The versions an endpoint serves. */
export const versions: Command = {
  name: "versions",
  summary: "The versions that the publisher serves, newest first",
  args: [],
  options: { ...OUTPUT_OPTIONS, ...QUIET_CLIENT_OPTIONS },
  examples: ["bfa versions", "bfa snapshot latest --at 2026-08-08.1"],
  async run(inputs, tools) {
    const list = await (await tools.openDataset(inputs)).versions();
    const channelsOf = (version: string) =>
      Object.entries(list.channels).filter(([, at]) => at.version === version).map(([n]) => n);
    await print<ListedVersion>(
      {
        answer: { count: list.versions.length, ...list },
        rows: list.versions,
        columns: [
          { name: "version", type: "VARCHAR", cell: (row) => row.version },
          { name: "sequence", type: "BIGINT", cell: (row) => row.sequence },
          { name: "published", type: "VARCHAR", cell: (row) => row.publishedAt },
          { name: "rows", type: "BIGINT", cell: (row) => row.rows },
          { name: "symbols", type: "BIGINT", cell: (row) => row.symbols },
          { name: "bytes", type: "BIGINT", title: "SIZE", cell: (row) => row.bytes },
          { name: "channels", type: "VARCHAR", cell: (row) => channelsOf(row.version).join(" ") },
        ],
        footer: counted(list.versions.length, "version"),
      },
      inputs,
      tools.world,
    );
  },
};

/** Downloads a version's files. */
export const pull: Command = {
  name: "pull",
  summary: "Download the files of a version into the copy, and keep them up to date",
  about: "Without names: all files. Prints where each one is.",
  args: [{ name: "artifact", help: "Such as availability.parquet", optional: true, many: true }],
  options: { json: OUTPUT_OPTIONS.json!, ...CLIENT_OPTIONS },
  examples: ["bfa pull", "bfa pull availability.parquet"],
  async run(inputs, tools) {
    const dataset = await tools.openDataset(inputs);
    if (inputs.flag("refresh-cache")) await dataset.refresh();
    const names = await dataset.pull(inputs.args);
    const files = await Promise.all(
      names.map(async (name) => ({ name, path: await dataset.path(name) })),
    );
    if (inputs.flag("json")) {
      return tools.world.out(JSON.stringify({ count: files.length, files }) + "\n");
    }
    tools.world.out(files.map(({ name, path }) => `${name}\t${path}\n`).join(""));
    const { artifacts } = (await dataset.manifest()).signed;
    const bytes = artifacts.filter((a) => names.includes(a.name)).reduce(
      (sum, a) => sum + a.bytes,
      0,
    );
    if (!inputs.flag("quiet")) {
      tools.world.err(`${counted(files.length, "file")}, ${formatBytes(bytes)}, verified\n`);
    }
  },
};

/** A status as lines: what, and how it is. */
export function statusLines(now: Status, at: Date): [string, string][] {
  if (now.from === "seed") {
    return [
      ["version", `built-in listings, data through ${now.dataThrough}`],
      ["this copy", "none: set BFA_ENDPOINT, or give --endpoint, to keep one"],
      ["cache", now.place],
    ];
  }
  if (now.from === "nothing") {
    return [
      ["endpoint", `${now.endpoint} (channel ${now.channel})`],
      ["this copy", "none yet: the first question makes it"],
      ["cache", now.place],
    ];
  }
  return [
    ["version", `${now.version}, data through ${now.dataThrough} (sequence ${now.sequence})`],
    ["this copy", copyLine(now, at)],
    ["publisher", publisherLine(now)],
    ["endpoint", `${now.endpoint} (channel ${now.channel})`],
    ["key", now.keys.join(", ")],
    ["cache", now.place],
  ];
}

function copyLine({ freshness, refreshAfter, staleAfter, expiresAt }: Status, at: Date): string {
  const until = (iso: string) => formatDuration(Date.parse(iso) - at.getTime());
  switch (freshness) {
    case "fresh":
      return `fresh: next version expected ${formatInstant(refreshAfter!)}, in ${
        until(refreshAfter!)
      }`;
    case "due":
      return `due: a newer version was expected ${
        formatInstant(refreshAfter!)
      }; the next question asks for it`;
    case "stale":
      return `stale since ${formatInstant(staleAfter!)}, ${
        until(staleAfter!)
      } ago: run \`bfa refresh\``;
    case "expired":
      return `expired on ${formatInstant(expiresAt!)}: run \`bfa refresh\``;
    default:
      return "pinned: it never goes stale";
  }
}

function publisherLine({ publisher, checkedAt }: Status): string {
  const asked = checkedAt ? ` (last asked ${formatInstant(checkedAt)})` : "";
  return (publisher === "unknown" ? "not asked since a newer version was expected" : publisher) +
    asked;
}
