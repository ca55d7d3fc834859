/**
 * What a daily run did, as data, as a page and as an error.
 *
 * @module
 */

import type { EventsAnswer } from "../core/answer_types.ts";
import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import type { FileChange, FileChanges } from "../engine/observations.ts";
import type { GateResult } from "./check.ts";
import type { CollectReport } from "./collect.ts";
import type { KlinesReport } from "./collect_klines.ts";
import { QUARANTINE_NAME } from "./quarantine.ts";

/** What a daily run did. */
export interface DailyReport {
  readonly version: string;
  /** Where it went: `latest`, `candidate`, or nowhere because nothing changed. */
  readonly channel: string | null;
  readonly dataThrough: string;
  readonly rows: number;
  readonly symbols: number;
  /** Size of all its files. */
  readonly bytes: number;
  /** Size of those that the version before does not have. */
  readonly newBytes: number;
  /** The last day of the files that hold all days. */
  readonly wholeFilesThrough: string;
  /** How many things are set aside in the version's quarantine. */
  readonly quarantined: number;
  readonly collected: CollectReport;
  readonly klines?: KlinesReport;
  readonly gates: readonly GateResult[];
  /** Files that came late, changed or went since `latest` was published, whichever run found them. */
  readonly changes: FileChanges;
  /** Since the version before. */
  readonly newListings: EventsAnswer["events"];
  readonly delistings: EventsAnswer["events"];
  /** Of the version before: listings that it said had ended, and that trade again. */
  readonly takenBack: readonly { readonly listing: string; readonly lastTraded: Day }[];
}

/** The error that ends a run that failed a gate. */
export function candidateError({ version, channel, gates }: DailyReport): BfaError {
  if (channel === null) {
    return new BfaError("limit", `latest stays ${version}: ${failedGates(gates)}`);
  }
  return new BfaError(
    "limit",
    `${version} stays in channel candidate: ${
      failedGates(gates)
    }; look at it, then \`bfa promote ${version} --reason …\``,
  );
}

/** The report as one page of Markdown. */
export function reportPage(report: DailyReport): string {
  const { collected: c } = report;
  const events = (title: string, events: DailyReport["newListings"]) =>
    events.length === 0 ? [] : [
      `## ${title}`,
      "",
      ...events.map((e) => `- ${e.date} ${e.symbol}${e.relisting ? " (again)" : ""}`),
      "",
    ];
  return [
    `# ${report.version}`,
    "",
    report.channel
      ? `Published to \`${report.channel}\`: ${report.symbols} symbols, ${report.rows} rows, data through ${report.dataThrough}.`
      : `Nothing new: \`latest\` stays ${report.version}, data through ${report.dataThrough}.`,
    "",
    `Collected ${c.symbols} symbols in ${c.requests} requests: ${c.added} new files (${c.late} of them late), ${c.changed} changed, ${c.gone} gone, ${c.odd} odd keys.`,
    "",
    ...(report.channel ? [filesLine(report), ""] : []),
    ...(report.klines ? [numbers(report.klines), ""] : []),
    ...(report.quarantined
      ? [`Set aside in \`${QUARANTINE_NAME}\`: ${report.quarantined}, with the reasons.`, ""]
      : []),
    ...events("New listings", report.newListings),
    ...events("Delistings", report.delistings),
    ...(report.takenBack.length > 0
      ? [
        "## Delistings taken back",
        "",
        ...report.takenBack.map(({ listing, lastTraded }) =>
          `- ${listing}: it was said to have ended on ${lastTraded}, and has traded since: that was a halt`
        ),
        "",
      ]
      : []),
    ...changes("Late files", report.changes, "late"),
    ...changes("Repaired files", report.changes, "changed"),
    ...changes("Files that are gone", report.changes, "gone"),
    "## Gates",
    "",
    ...report.gates.map((found) =>
      `- ${found.ok ? "ok" : "**failed**"}: ${found.gate} (${inWords(found)})`
    ),
    "",
  ].join("\n");
}

function filesLine({ bytes, newBytes, wholeFilesThrough, dataThrough }: DailyReport): string {
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const behind = wholeFilesThrough === dataThrough
    ? ""
    : `; files of all days go through ${wholeFilesThrough}`;
  return `Of ${mb(bytes)} of files, ${mb(newBytes)} are new${behind}.`;
}

/** What became of the days without numbers. */
function numbers({ days, found, left, problems, outdated, odd }: KlinesReport): string {
  const failed = Object.entries(problems).map(([problem, count]) => `, ${count} ${problem}`).join(
    "",
  );
  const later = left ? `; ${left} more lack them still` : "";
  return `Numbers of ${found} of ${days} days that lacked them${failed}${later}; those of ${outdated} were outdated; ${odd} odd keys.`;
}

/** How many files of one kind the page names. */
export const MOST_NAMED = 20;

function changes(title: string, found: FileChanges, what: FileChange["what"]): string[] {
  const count = found[what];
  const named = found.files.filter((change) => change.what === what);
  if (count === 0) return [];
  const more = count > named.length ? [`- and ${count - named.length} more`] : [];
  const lines = named.map(({ date, symbol }) => `- ${date} ${symbol}`);
  return [`## ${title}`, "", ...lines, ...more, ""];
}

/** The gates that failed, with what they found, on one line. */
export function failedGates(gates: readonly GateResult[]): string {
  return gates.filter(({ ok }) => !ok).map((found) => `${found.gate} (${inWords(found)})`).join(
    "; ",
  );
}

function inWords({ value, bound }: GateResult): string {
  return `${value}; ${bound}`;
}
