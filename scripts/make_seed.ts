/**
 * Makes `data/seed.json`, the embedded listings, from a folder of gathered facts:
 *
 *     deno run --allow-read --allow-write=data scripts/make_seed.ts FOLDER
 *
 * FOLDER holds `listings.csv`, `listings_detail.csv`, `monthly_zip_facts.csv.gz`,
 * `halts_and_gaps.csv` and `known_daily_gaps.csv`; `data/README.md` says where each value comes from.
 *
 * @module
 */

import { parse } from "@std/csv/parse";
import { join } from "@std/path";
import { addDays, type Day, dayFromNumber, dayNumber, parseDay } from "../lib/core/day.ts";
import type { ContractType, Listing } from "../lib/core/listing.ts";
import { formatListings, parseListings } from "../lib/core/listings_file.ts";
import { quoteAssetOf } from "../lib/core/symbol.ts";

/** Trading status is known through this day. */
const DATA_THROUGH = parseDay("2026-08-08");

const MINUTES_A_DAY = 1440;

type Row = Record<string, string>;

const folder = Deno.args[0];
if (!folder) {
  console.error("usage: make_seed.ts FOLDER");
  Deno.exit(2);
}

const listings = await readCsv("listings.csv");
const details = new Map((await readCsv("listings_detail.csv")).map((row) => [row.symbol!, row]));
const months = Map.groupBy(await readCsv("monthly_zip_facts.csv.gz"), (row) => row.symbol!);
const boundaryGaps = (await readCsv("halts_and_gaps.csv"))
  .filter((row) => row.kind === "monthly_archive_boundary_gap");
const dailyGaps = (await readCsv("known_daily_gaps.csv")).filter(isLastingHole);

const lives = listings.flatMap(livesOf)
  .sort((a, b) => compare(a.symbol, b.symbol) || compare(a.first, b.first));
const text = formatListings({ dataThrough: DATA_THROUGH, listings: lives });
parseListings(text); // every rule of the format holds, or this throws
await Deno.writeTextFile("data/seed.json", text);
console.error(`data/seed.json: ${lives.length} listings of ${listings.length} symbols`);

/** The lives of one symbol: two where a halt between them is proved, else one. */
function livesOf(row: Row): Listing[] {
  const symbol = row.symbol!;
  const detail = details.get(symbol)!;
  const base = {
    id: "",
    symbol,
    contractType: (row.contract_type!.toLowerCase() || null) as ContractType | null,
    quoteAsset: row.quote_asset || quoteAssetOf(symbol),
    gaps: dailyGaps.filter((gap) => gap.symbol === symbol)
      .map((gap): [Day, Day] => [parseDay(gap.date_from!), parseDay(gap.date_to!)]),
    halts: [],
  };
  const first = parseDay(row.first_date!);
  const lastTraded = row.last_date ? parseDay(row.last_date) : null;
  const newest = { ...base, first, lastTraded, last: lastFileDay(detail, lastTraded) };
  const halt = detail.relisted_or_reused === "yes" ? haltOf(symbol, detail) : undefined;
  if (!halt) return [newest];
  return [
    { ...newest, lastTraded: halt.lastTraded, last: halt.last },
    { ...newest, first: halt.nextFirst },
  ];
}

/** The last day known to have a file: `null` while trading, the last traded day where unknown. */
function lastFileDay(detail: Row, lastTraded: Day | null): Day | null {
  if (lastTraded === null) return null;
  const lastBar = detail.vision_last_1m_bar!.slice(0, 10);
  return lastBar > lastTraded ? parseDay(lastBar) : lastTraded;
}

/**
 * The halt between two lives of a symbol, from its monthly files.
 *
 * Month M is the first without trades, or the last before a hole of 20 days or more in the rows. The
 * minutes with volume in the last month with any fill at least that many days, so trading lasted until
 * then: settlement is in the morning (09:00 UTC), and the day before is full.
 */
function haltOf(symbol: string, detail: Row) {
  const facts = months.get(symbol);
  if (!facts) return undefined;
  const hole = boundaryGaps.find((gap) => gap.symbol === symbol && Number(gap.days) >= 20);
  const nextFirst = hole ? parseDay(hole.to!.slice(0, 10)) : parseDay(detail.onboard_date!);
  const nextMonth = nextFirst.slice(0, 7);
  const before = facts.filter((fact) => fact.month! < nextMonth);
  const lastLive = before.findLast((fact) => fact.volume_status !== "dead");
  if (!lastLive) return undefined;
  const minutes = Number(lastLive.rows) - Number(lastLive.zero_volume_minutes);
  const monthStart = dayNumber(parseDay(`${lastLive.month}-01`));
  const lastTraded = dayFromNumber(monthStart + Math.ceil(minutes / MINUTES_A_DAY) - 1);
  const last = hole ? parseDay(hole.from!.slice(0, 10)) : addDays(nextFirst, -1);
  return { lastTraded, last, nextFirst };
}

/** A hole that was still there when last looked at, later than the source's usual delay. */
function isLastingHole(row: Row): boolean {
  if (row.scope !== "UM daily" || !row.data!.includes("1m") || row.state !== "open when stored") {
    return false;
  }
  return dayNumber(parseDay(row.reported_on!)) - dayNumber(parseDay(row.date_to!)) > 30;
}

async function readCsv(name: string): Promise<Row[]> {
  const file = await Deno.open(join(folder!, name));
  const bytes = name.endsWith(".gz")
    ? file.readable.pipeThrough(new DecompressionStream("gzip"))
    : file.readable;
  return parse(await new Response(bytes).text(), { skipFirstRow: true, lazyQuotes: true });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
