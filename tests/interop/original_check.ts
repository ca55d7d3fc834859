/**
 * The original Python package (binance-futures-availability) on bfa's database, and the functions of docs/guides that take its
 * place, side by side: every query of version 1.5.0.
 */

import { assert, assertEquals } from "@std/assert";
import { docBlock } from "../helpers/doc_blocks.ts";
import { program, python, run, type ServedVersion, withServed } from "../helpers/interop.ts";

const GUIDE = "guides/from_the_python_package.md";

/** Calls by the class that has the function in the package, and the columns that both give. */
const CALLS: readonly [object: string, call: string, columns: string][] = [
  ["S", "get_available_symbols_on_date('2024-02-10')", "symbol file_size_bytes last_modified"],
  ["S", "get_symbols_in_date_range('2024-01-01', '2024-03-31')", "symbol"],
  ["T", "get_symbol_availability_timeline('BTCUSDT')", "date available file_size_bytes"],
  ["T", "get_symbol_availability_timeline('币安人生USDT')", "date available file_size_bytes"],
  ["T", "get_symbol_first_listing_date('ENDEDUSDT')", ""],
  ["T", "get_symbol_last_available_date('ENDEDUSDT')", ""],
  ["A", "get_availability_summary()", "date available_count"],
  ["A", "get_symbol_count_by_date_range('2024-01-01', '2024-01-07')", "date available_count"],
  ["A", "detect_new_listings('2024-01-04')", "symbol"],
  ["A", "detect_delistings('2024-03-30')", "symbol"],
  ["V", "get_top_by_volume('2024-01-15', limit=5)", "symbol quote_volume_usdt"],
  ["V", "get_top_by_volume('2024-01-15', min_volume=2e8)", "symbol quote_volume_usdt"],
  ["V", "get_volume_percentile('BTCUSDT', '2024-01-15')", "rank"],
  ["V", "get_volume_trend('BTCUSDT', days=7)", "date quote_volume_usdt trade_count"],
  [
    "V",
    "get_average_volume('BTCUSDT', '2024-01-01', '2024-01-31')",
    "avg_volume_usdt avg_trade_count days_with_data min_volume_usdt max_volume_usdt",
  ],
  [
    "V",
    "get_market_summary('2024-01-15')",
    "total_volume_usdt total_trade_count symbol_count avg_volume_usdt",
  ],
];

/** Makes lists of cells of what either gives. Sums differ in their last digits by the order of addition. */
const CELLS = `
import pandas as pd, datetime
def cell(value):
    if value is None or value is pd.NaT or value != value: return None
    if hasattr(value, "item"): value = value.item()
    if isinstance(value, float): return float(f"{value:.12g}")
    if isinstance(value, int): return value
    if isinstance(value, datetime.datetime): return value.isoformat()[:19]
    return str(value)
def cells(answer, columns):
    if not columns: return cell(answer)
    if isinstance(answer, dict): answer = [answer]
    if isinstance(answer, list) and answer and isinstance(answer[0], str): answer = [{"symbol": a} for a in answer]
    if isinstance(answer, list): answer = pd.DataFrame(answer, columns=columns.split())
    return [[cell(value) for value in row] for row in answer[columns.split()].astype(object).values.tolist()]
`;

/** bfa's database as the guide makes it fit the package. */
async function databaseOf(served: ServedVersion): Promise<string> {
  const script = (await docBlock("original-database", served, GUIDE))
    .replace(
      "duckdb availability.duckdb",
      `${await program("./readers/bin/duckdb")} availability.duckdb`,
    );
  await run("bash", ["-euo", "pipefail", "-c", script], {
    cwd: served.scratch,
    env: { HOME: served.scratch },
  });
  return `${served.scratch}/availability.duckdb`;
}

Deno.test("the original package on bfa's database, and the guide's functions, answer the same", async () => {
  await withServed(async (served) => {
    const functions = (await docBlock("original-functions", served, GUIDE))
      .replace("2019-12-31", "2022-11-18"); // where these listings begin
    const calls = CALLS.map(([object, call, columns]) =>
      `[cells(${object}.${call}, "${columns}"), cells(${call}, "${columns}")]`
    );
    const answer = await python(
      `${functions}${CELLS}
from binance_futures_availability.queries.snapshots import SnapshotQueries
from binance_futures_availability.queries.timelines import TimelineQueries
from binance_futures_availability.queries.analytics import AnalyticsQueries
from binance_futures_availability.queries.volume import VolumeQueries
S, T, A, V = SnapshotQueries(), TimelineQueries(), AnalyticsQueries(), VolumeQueries()
answer = [${calls.join(",\n  ")}]`,
      { venv: "original", env: { DB_PATH: await databaseOf(served), HOME: served.scratch } },
    );
    for (const [i, [, call]] of CALLS.entries()) {
      const [original, ours] = answer[i];
      assert(original.length > 0, `${call} answers nothing`);
      assertEquals(ours, original, call);
    }
    assertEquals(answer.length, CALLS.length);
  });
});
