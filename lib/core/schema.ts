/**
 * The tables that bfa publishes, as data: the database, the Parquet files and the Data Package
 * descriptor are all made from these.
 *
 * @module
 */

/** One column of a published table. */
export interface Column {
  /** Its name. */
  readonly name: string;
  /** The DuckDB type, which also decides the Parquet type. */
  readonly type: "DATE" | "VARCHAR" | "BOOLEAN" | "BIGINT" | "DOUBLE" | "TIMESTAMP";
  /** What it holds, in a few words. */
  readonly description: string;
  /** Whether it is never null. */
  readonly required?: true;
  /** All that it can hold, where that is a short list. */
  readonly values?: readonly string[];
}

/** `daily_availability`: one row per (date, symbol), from a listing's first file to its last. */
export const DAILY_AVAILABILITY: readonly Column[] = [
  { name: "date", type: "DATE", required: true, description: "UTC day" },
  { name: "symbol", type: "VARCHAR", required: true, description: "Binance Vision directory name" },
  {
    name: "available",
    type: "BOOLEAN",
    required: true,
    description: "Whether the 1m kline ZIP of the day exists",
  },
  {
    name: "state",
    type: "VARCHAR",
    required: true,
    values: ["traded", "archived", "missing"],
    description: "traded, archived (a file, but no trades) or missing (no file)",
  },
  { name: "file_size_bytes", type: "BIGINT", description: "Size of the 1m kline ZIP, bytes" },
  {
    name: "last_modified",
    type: "TIMESTAMP",
    description: "When the source wrote these bytes of that file, UTC",
  },
  { name: "quote_volume_usdt", type: "DOUBLE", description: "Traded volume, quote asset" },
  { name: "trade_count", type: "BIGINT", description: "Number of trades" },
  { name: "volume_base", type: "DOUBLE", description: "Traded volume, base asset" },
  { name: "taker_buy_volume_base", type: "DOUBLE", description: "Taker buys, base asset" },
  { name: "taker_buy_quote_volume_usdt", type: "DOUBLE", description: "Taker buys, quote asset" },
  { name: "open_price", type: "DOUBLE", description: "First price of the day, quote asset" },
  { name: "high_price", type: "DOUBLE", description: "Highest price of the day, quote asset" },
  { name: "low_price", type: "DOUBLE", description: "Lowest price of the day, quote asset" },
  { name: "close_price", type: "DOUBLE", description: "Last price of the day, quote asset" },
];

/** `listings`: one row per life of a symbol. */
export const LISTINGS: readonly Column[] = [
  { name: "listing", type: "VARCHAR", required: true, description: "SYMBOL#n, the n-th life" },
  { name: "symbol", type: "VARCHAR", required: true, description: "Binance Vision directory name" },
  {
    name: "contract_type",
    type: "VARCHAR",
    description: "perpetual, tradifi_perpetual or delivery, where known",
  },
  { name: "quote_asset", type: "VARCHAR", description: "Quote asset, where known" },
  { name: "first_date", type: "DATE", required: true, description: "Day of the first file" },
  {
    name: "last_traded_date",
    type: "DATE",
    description: "Last day with trades; null while it trades; first_date where it never did",
  },
  {
    name: "last_date",
    type: "DATE",
    description: "Day of the last file; null while files still appear",
  },
];

/** The `CREATE TABLE` statement of a table. No indexes: on sorted data they only cost space. */
export function createTable(name: string, columns: readonly Column[]): string {
  const lines = columns.map((c) => `${c.name} ${c.type}${c.required ? " NOT NULL" : ""}`);
  return `CREATE TABLE ${name} (${lines.join(", ")})`;
}

/** Where Binance Vision keeps the daily 1m klines of USDⓈ-M futures. */
export const VISION_FILES_URL = "https://data.binance.vision/data/futures/um/daily/klines/";

/** `daily_availability` with what can be derived and is therefore not stored. */
export function withUrls(table: string): string {
  return `SELECT *,
  '${VISION_FILES_URL}' || url_encode(symbol) || '/1m/' || url_encode(symbol) || '-1m-' || date || '.zip' AS url,
  CASE WHEN available THEN 200 ELSE 404 END AS status_code
FROM ${table}`;
}

/** The view of the database file that adds those columns. */
export const AVAILABILITY_URLS_VIEW = `CREATE VIEW availability_urls AS
${withUrls("daily_availability")}`;

/** `volume_rankings`: one row per (date, symbol) that traded and whose volume is known. */
export const VOLUME_RANKINGS: readonly Column[] = [
  { name: "date", type: "DATE", required: true, description: "UTC day" },
  { name: "symbol", type: "VARCHAR", required: true, description: "Binance Vision directory name" },
  {
    name: "rank",
    type: "BIGINT",
    required: true,
    description: "Dense rank by quote volume, from 1",
  },
  { name: "quote_volume_usdt", type: "DOUBLE", description: "Traded volume, quote asset" },
  { name: "market_share", type: "DOUBLE", description: "Share of the day's known volume, 0 to 1" },
  {
    name: "percentile",
    type: "DOUBLE",
    description: "1 for the largest volume, 0 for the smallest",
  },
  {
    name: "rank_change_1d",
    type: "BIGINT",
    description: "Rank less that of 1 day before in the same listing; negative is up",
  },
  { name: "rank_change_7d", type: "BIGINT", description: "The same over 7 days" },
  { name: "rank_change_14d", type: "BIGINT", description: "The same over 14 days" },
  { name: "rank_change_30d", type: "BIGINT", description: "The same over 30 days" },
  {
    name: "days_available_30d",
    type: "BIGINT",
    description: "Days of the listing with a file among the last 30, this one included",
  },
];

/** The rank of so many days before, less that of the day; none where either is missing. */
const rankChange = (days: number) =>
  `rank - max(rank) OVER (life RANGE BETWEEN INTERVAL ${days} DAYS PRECEDING
    AND INTERVAL ${days} DAYS PRECEDING) AS rank_change_${days}d`;

/**
 * The rows of `volume_rankings`, in no order. Where there are no volumes at all, it costs nothing to find that out.
 * A day is compared with days of its own listing: another life of the symbol was another contract.
 * Reads the table `listings`, too.
 *
 * @param rows Rows of `daily_availability`; the days that are ranked, and the 30 before them.
 */
export function volumeRankingsSql(rows = "daily_availability"): string {
  return `WITH relisted AS (
  SELECT symbol, list(first_date) AS starts FROM listings GROUP BY symbol HAVING count(*) > 1
), days AS (
  SELECT date, symbol, available, quote_volume_usdt,
    len(list_filter(starts, lambda start: start <= date)) AS listing,
    state = 'traded' AND quote_volume_usdt IS NOT NULL AS ranks
  FROM ${rows} LEFT JOIN relisted USING (symbol)
  WHERE symbol IN (SELECT symbol FROM ${rows} WHERE quote_volume_usdt IS NOT NULL)
), ranked AS (
  SELECT *,
    CASE WHEN ranks THEN dense_rank() OVER day END AS rank,
    1 - percent_rank() OVER day AS percentile,
    quote_volume_usdt / nullif(sum(quote_volume_usdt) OVER (PARTITION BY date, ranks), 0) AS market_share
  FROM days WINDOW day AS (PARTITION BY date, ranks ORDER BY quote_volume_usdt DESC)
), compared AS (
  SELECT *,
    count(*) FILTER (available) OVER (life RANGE BETWEEN INTERVAL 29 DAYS PRECEDING
      AND CURRENT ROW) AS days_available_30d,
    ${[1, 7, 14, 30].map(rankChange).join(",\n    ")}
  FROM ranked WINDOW life AS (PARTITION BY symbol, listing ORDER BY date)
)
SELECT * EXCLUDE (available, listing, ranks) FROM compared WHERE ranks`;
}
