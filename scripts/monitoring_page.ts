/**
 * The tables of docs/monitoring.md, from the same table of signals as `bfa monitor`. The rest of that page is written by hand.
 *
 * @module
 */

import { PLATFORMS } from "../lib/core/platforms.ts";
import { type Signal, SIGNALS } from "../lib/core/signals.ts";
import { placeRules } from "./alerts.ts";

const PAGE = "docs/monitoring.md";

/** The page with its tables made anew. */
export async function monitoringPage(): Promise<string> {
  const tables = {
    signals: signalTable(),
    platforms: platformTable(),
    ladder: ladderTable(),
    alerts: alertTable(),
  };
  let page = await Deno.readTextFile(PAGE);
  for (const [name, table] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- ${name}: made by deno task docs -->\n)[^]*?(<!-- end -->)`);
    if (!place.test(page)) throw new Error(`Cannot make ${PAGE}: it has no place for ${name}`);
    page = page.replace(place, (_, start, end) => `${start}\n${table}\n${end}`);
  }
  return page;
}

function signalTable(): string {
  const rows = SIGNALS.map(({ name, about, limit, ...signal }) =>
    limit
      ? `| ${name} | ${about} | ${
        amount(signal, limit.most)
      }: ${limit.why} | ${limit.next} | \`${limit.alert}\` |`
      : `| ${name} | ${about} | | | |`
  );
  return `| signal | what | too much is over | then | alert |\n| --- | --- | --- | --- | --- |\n${
    rows.join("\n")
  }`;
}

function platformTable(): string {
  const rows = PLATFORMS.flatMap(({ signals, name: platform, source }) =>
    signals.map((signal) => {
      const { name, about, limit } = signal;
      const page = `[its page](${source!.url}), read ${source!.read}`;
      return `| ${platform} | ${name} | ${about} | over ${
        amount(signal, limit!.most)
      } | ${page} | ${limit!.next} |`;
    })
  );
  return `| place | signal | what | \`grow\` | published | what to do |\n| --- | --- | --- | --- | --- | --- |\n${
    rows.join("\n")
  }`;
}

function ladderTable(): string {
  const rows = PLATFORMS.map(({ name, gives, until, source }, i) =>
    `| ${i + 1} | ${source ? `[${name}](${source.url})` : name} | ${gives} | ${until} |`
  );
  return `| | from | what it gives | enough until |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
}

function alertTable(): string {
  const rows = placeRules().map(({ alert, expr, annotations, ...rule }) =>
    `| \`${alert}\` | \`${expr}\`${
      rule.for ? ` for ${rule.for}` : ""
    } | ${annotations.description} |`
  );
  return `| alert | when | what to do |\n| --- | --- | --- |\n${rows.join("\n")}`;
}

function amount({ measure, unit }: Pick<Signal, "measure" | "unit">, most: number): string {
  if (measure.kind === "share" || measure.kind === "level") return `${most * 100} %`;
  if (measure.kind === "p95") return `${most} s`;
  if (unit !== "bytes") return most.toLocaleString("en");
  return most % 2 ** 30 === 0 ? `${most / 2 ** 30} GiB` : `${most / 1e9} GB`;
}
