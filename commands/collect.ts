/**
 * `bfa collect` and `bfa daily`.
 *
 * @module
 */

import { catchUp } from "../lib/jobs/catch_up.ts";
import { daily as runDaily } from "../lib/jobs/daily.ts";
import { candidateError, reportPage } from "../lib/jobs/daily_report.ts";
import { collect as runCollect } from "../lib/jobs/collect.ts";
import { collectKlines, type KlinesReport } from "../lib/jobs/collect_klines.ts";
import { parseDay } from "../lib/core/day.ts";
import { withObservations } from "../lib/engine/observation_store.ts";
import { readWholeFiles } from "../lib/core/whole_files.ts";
import { BfaError } from "../lib/core/errors.ts";
import { folderOf, makeFolder } from "../lib/files/atomic_file.ts";
import { importUpstream } from "../lib/jobs/import.ts";
import { whileListing } from "../lib/jobs/list_symbols.ts";
import { seedFacts } from "../lib/source/seed.ts";
import type { Command, Inputs, Options } from "./command.ts";
import { progressLine } from "./job_progress.ts";
import {
  BUILD_OPTIONS,
  dataDirOf,
  observationsFile,
  PUBLISHER_OPTIONS,
  SIGNING_OPTIONS,
} from "./options.ts";
import type { World } from "./tools.ts";

const COLLECT_OPTIONS = {
  full: { help: "List every symbol from its first file" },
  lookback: { value: "DAYS", help: "How far back an incremental run looks (20)" },
  sweep: { value: "RUNS", help: "In so many runs, every symbol is listed whole once (30)" },
  concurrency: { value: "N", help: "Requests at once (32)" },
  klines: { help: "Also volume and prices of days that lack them" },
  since: { value: "DAY", help: "Numbers of days from here on only" },
  most: { value: "N", help: "Numbers of at most so many days (100000)" },
  "files-url": { value: "URL", help: "Where the bucket's files are", env: "BFA_VISION_FILES_URL" },
  "list-url": { value: "URL", help: "The bucket's listing API", env: "BFA_VISION_LIST_URL" },
  json: { help: "The report as JSON" },
} as const satisfies Options;

/** Lists the bucket. */
export const collect: Command = {
  name: "collect",
  summary: "List Binance Vision's bucket and keep what is new",
  about:
    "Every symbol from 20 days back (--full: from its first file); new symbols whole. A killed run goes\non where it was. Observations are kept in DATA_DIR/observations.duckdb.",
  args: [],
  options: { ...COLLECT_OPTIONS, "data-dir": PUBLISHER_OPTIONS["data-dir"] },
  examples: ["bfa collect", "bfa collect --full --concurrency 16"],
  async run(inputs, tools) {
    const { world } = tools;
    const numbers = numbersOptions(inputs, world);
    const path = await fileToCollectInto(inputs);
    const vision = await tools.visionLister(inputs);
    const bar = progressLine(inputs, world);
    const report = await whileListing(vision, (listed) =>
      withObservations(path, async (store) => {
        const options = { ...collectOptions(inputs, world), listed, onProgress: bar.onProgress };
        const files = await runCollect(store, vision, options);
        if (!numbers) return files;
        const klines = await collectKlines(store, await tools.numbersFetcher(inputs), {
          ...numbers,
          lister: vision,
          onProgress: bar.onNumbers,
        });
        return { ...files, klines };
      })).finally(bar.done);
    if (inputs.flag("json")) return world.out(JSON.stringify(report) + "\n");
    const { symbols, requests, keys, added, changed, gone, late, odd, newSymbols } = report;
    world.out(
      `${symbols} symbols (${newSymbols.length} new), ${requests} requests, ${keys} keys: ` +
        `${added} new files (${late} late), ${changed} changed, ${gone} gone, ${odd} odd\n`,
    );
    if ("klines" in report) world.out(klinesLine(report.klines));
  },
};

/** The whole job. */
export const daily: Command = {
  name: "daily",
  summary: "Collect, build, check and publish as one job; safe to run twice",
  about:
    "A version that fails a gate goes to channel candidate, and the exit code is 8. The report is a page\nof Markdown on stdout (--json: all of it).",
  args: [],
  options: {
    ...COLLECT_OPTIONS,
    ...PUBLISHER_OPTIONS,
    "mirror-url": SIGNING_OPTIONS["mirror-url"],
    ...BUILD_OPTIONS,
    override: { value: "REASON", help: "Publish although gates failed; kept in the log" },
  },
  examples: ["bfa daily", "bfa daily --json > report.json"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher, dataDir }) => {
      const { world } = tools;
      const wholeFiles = readWholeFiles(inputs.text("whole-files"));
      const numbers = numbersOptions(inputs, world);
      const override = inputs.text("override")?.trim();
      if (override === "") throw new BfaError("usage", "Cannot use --override: give the reason");
      await catchUp(publisher); // before the next version is named
      const bar = progressLine(inputs, world);
      const report = await runDaily({
        ...collectOptions(inputs, world),
        onProgress: bar.onProgress,
        onStep: bar.onStep,
        publisher,
        lister: await tools.visionLister(inputs),
        observations: await fileToCollectInto(inputs),
        buildsDir: `${dataDir}/builds`,
        facts: await seedFacts(),
        override,
        wholeFiles,
        numbers: numbers && {
          fetch: await tools.numbersFetcher(inputs),
          ...numbers,
          onProgress: bar.onNumbers,
        },
      }).finally(bar.done);
      world.out(inputs.flag("json") ? JSON.stringify(report) + "\n" : reportPage(report));
      const passed = report.gates.every(({ ok }) => ok);
      if (!passed && report.channel !== "latest") throw candidateError(report);
    }),
};

/** Takes in an upstream database. */
export const importCommand: Command = {
  name: "import",
  summary: "Take in an upstream availability.duckdb[.gz], from a path or URL",
  about:
    "Fills what is not known yet; what was collected from the source stays as it is. Its last_modified was\nstored in local time: it is corrected where the offset can be proved, else left out.",
  args: [{ name: "database", help: "Path or http(s):// URL" }],
  options: { json: COLLECT_OPTIONS.json, "data-dir": PUBLISHER_OPTIONS["data-dir"] },
  examples: [
    "bfa import availability.duckdb.gz",
    "bfa import https://example.org/availability.duckdb",
  ],
  async run(inputs, tools) {
    const observations = await fileToCollectInto(inputs);
    const { path, temporary } = await tools.localDatabase(inputs.args[0]!, folderOf(observations));
    try {
      const report = await withObservations(
        observations,
        (store) => importUpstream(store, path, tools.world.now, inputs.args[0]),
      );
      if (inputs.flag("json")) return tools.world.out(JSON.stringify(report) + "\n");
      const { rows, symbols, added, numbers, odd, withoutTimes } = report;
      tools.world.out(
        `${rows} rows of ${symbols} symbols: ${added} new files, numbers of ${numbers} days, ${odd} odd; ` +
          `times of ${withoutTimes} files left out\n`,
      );
    } finally {
      if (temporary) await Deno.remove(path);
    }
  },
};

/** The file of observations, in a folder where it can be made. */
async function fileToCollectInto(inputs: Inputs): Promise<string> {
  await makeFolder(dataDirOf(inputs));
  return observationsFile(inputs);
}

function collectOptions(inputs: Inputs, world: World) {
  return {
    full: inputs.flag("full"),
    lookbackDays: readCount(inputs, "lookback", 20, 5_000),
    sweepRuns: readCount(inputs, "sweep", 30, 5_000),
    concurrency: readCount(inputs, "concurrency", 32, 256),
    now: world.now,
  };
}

/** How to read numbers; `undefined` when none are asked for. */
function numbersOptions(inputs: Inputs, world: World) {
  const since = inputs.text("since");
  if (!inputs.flag("klines")) {
    const unused = since !== undefined ? "since" : inputs.text("most") ? "most" : undefined;
    if (!unused) return undefined;
    throw new BfaError("usage", `Cannot use --${unused} without --klines: it is about numbers`);
  }
  return {
    since: since === undefined ? undefined : parseDay(since),
    most: readCount(inputs, "most", 100_000, 10_000_000),
    sweepRuns: readCount(inputs, "sweep", 30, 5_000),
    concurrency: readCount(inputs, "concurrency", 16, 256),
    now: world.now,
  };
}

function klinesLine({ days, found, left, problems, outdated, odd }: KlinesReport): string {
  const list = Object.entries(problems).map(([problem, count]) => `${count} ${problem}`).join(", ");
  const dropped = outdated ? `; those of ${outdated} days were outdated` : "";
  const aside = odd ? `; ${odd} odd keys` : "";
  const later = left ? `; ${left} more lack them still` : "";
  return `numbers of ${found} of ${days} days${
    list ? `: ${list}` : ""
  }${later}${dropped}${aside}\n`;
}

function readCount(inputs: Inputs, name: string, usual: number, most: number): number {
  const text = inputs.text(name);
  if (text === undefined) return usual;
  if (/^[1-9]\d{0,7}$/.test(text) && Number(text) <= most) return Number(text);
  throw new BfaError("usage", `Cannot use --${name} ${JSON.stringify(text)}: give 1 to ${most}`);
}
