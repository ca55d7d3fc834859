/**
 * `bfa status`.
 *
 * @module
 */

import { isOfFuture } from "../lib/core/freshness.ts";
import type { Status } from "../lib/jobs/status.ts";
import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { OUTPUT_OPTIONS, SILENT_CLIENT_OPTIONS } from "./options.ts";
import { formatDuration, formatInstant, readFormat, TEXT_FORMATS } from "./output.ts";

/** The condition of the copy. */
export const status: Command = {
  name: "status",
  summary: "What answers come from, and whether that is fresh; asks nobody",
  args: [],
  options: { ...OUTPUT_OPTIONS, ...SILENT_CLIENT_OPTIONS },
  examples: ["bfa status", "bfa status --json"],
  async run(inputs, tools) {
    const { world } = tools;
    const format = readFormat(inputs, world, TEXT_FORMATS);
    const now = await (await openDataset(inputs, tools)).status();
    if (format === "json") return world.out(JSON.stringify(now) + "\n");
    world.out(statusLines(now, world.now()).map(([k, v]) => `${k.padEnd(11)}${v}\n`).join(""));
  },
};

/** A status as lines: what, and how it is. */
function statusLines(now: Status, at: Date): [string, string][] {
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
    ...wholeFilesLine(now),
    ["this copy", copyLine(now, at)],
    ["publisher", publisherLine(now, at)],
    ["endpoint", `${now.endpoint} (channel ${now.channel})`],
    ["key", now.keys.join(", ")],
    ["cache", now.place],
  ];
}

/** Only where the files that hold all days lack some. */
function wholeFilesLine({ wholeFilesThrough, dataThrough }: Status): [string, string][] {
  if (wholeFilesThrough === dataThrough) return [];
  return [["files", `of all days go through ${wholeFilesThrough}; \`parts/\` have every day`]];
}

function copyLine(now: Status, at: Date): string {
  const { freshness, publishedAt, refreshAfter, staleAfter, expiresAt } = now;
  const until = (iso: string) => formatDuration(Date.parse(iso) - at.getTime());
  if (isAhead(now, at)) {
    return `signed on ${formatInstant(publishedAt!)}, but this clock says ${
      formatInstant(at.toISOString())
    }: set it, or nothing tells how old the copy is`;
  }
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

/** Whether one of two clocks is wrong, and that matters. */
function isAhead({ freshness, publishedAt }: Status, at: Date): boolean {
  return freshness !== "pinned" && isOfFuture({ publishedAt: publishedAt! }, at);
}

function publisherLine(now: Status, at: Date): string {
  const { publisher, checkedAt, refreshAfter } = now;
  const asked = checkedAt ? ` (last asked ${formatInstant(checkedAt)})` : "";
  if (publisher !== "unknown" || isAhead(now, at)) return publisher + asked;
  const since = checkedAt !== null && Date.parse(checkedAt) >= Date.parse(refreshAfter ?? "");
  return (since ? "had nothing newer yet" : "not asked since a newer version was expected") + asked;
}
