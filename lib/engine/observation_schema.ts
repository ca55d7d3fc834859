/**
 * The tables of the log of observations.
 *
 * | table | a row is |
 * | --- | --- |
 * | `files` | something learned about one day's file: that it is there, changed, or gone |
 * | `klines` | a day's numbers, or why there are none yet |
 * | `runs`, `progress` | a collection, and the symbols it has finished, with what it learned of each |
 * | `listed_whole` | when a symbol's 1m (1d) files were last listed from the first on |
 * | `odd_keys` | a key that should not be there |
 *
 * @module
 */

/** Makes them, where they are not there yet; and the temporary tables that rows of text come in. */
export const OBSERVATION_SCHEMA = `
CREATE SEQUENCE IF NOT EXISTS run_ids;
CREATE TABLE IF NOT EXISTS runs (
  id BIGINT NOT NULL, kind VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP, report VARCHAR);
CREATE TABLE IF NOT EXISTS progress (
  run BIGINT NOT NULL, symbol VARCHAR NOT NULL, keys BIGINT NOT NULL, pages BIGINT NOT NULL,
  odd BIGINT NOT NULL, added BIGINT NOT NULL, changed BIGINT NOT NULL, gone BIGINT NOT NULL,
  late BIGINT NOT NULL, is_new BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS listed_whole (
  symbol VARCHAR NOT NULL, interval VARCHAR NOT NULL, listed_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  symbol VARCHAR NOT NULL, date DATE NOT NULL, file_size_bytes BIGINT, last_modified TIMESTAMP,
  etag VARCHAR, gone BOOLEAN NOT NULL, learned_at TIMESTAMP NOT NULL, run BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS klines (
  symbol VARCHAR NOT NULL, date DATE NOT NULL, etag VARCHAR, zip_etag VARCHAR, problem VARCHAR,
  quote_volume_usdt DOUBLE, trade_count BIGINT, volume_base DOUBLE, taker_buy_volume_base DOUBLE,
  taker_buy_quote_volume_usdt DOUBLE, open_price DOUBLE, high_price DOUBLE, low_price DOUBLE,
  close_price DOUBLE, learned_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS odd_keys (
  key VARCHAR NOT NULL, reason VARCHAR NOT NULL, learned_at TIMESTAMP NOT NULL);
CREATE TEMP TABLE seen_symbols (
  symbol VARCHAR, first VARCHAR, keys VARCHAR, pages VARCHAR, odd VARCHAR);
CREATE TEMP TABLE seen_zips (date VARCHAR, etag VARCHAR);
CREATE TEMP TABLE seen_numbers (
  symbol VARCHAR, date VARCHAR, etag VARCHAR, zip_etag VARCHAR, problem VARCHAR,
  quote_volume VARCHAR, trades VARCHAR, volume VARCHAR, taker VARCHAR, taker_quote VARCHAR,
  open VARCHAR, high VARCHAR, low VARCHAR, close VARCHAR);
CREATE TEMP TABLE seen_odd (key VARCHAR, reason VARCHAR);`;
