/**
 * Rows of one version: the numbers of a day or a symbol, and the ranking of a day, out of its Parquet
 * artifacts wherever they are. No file is needed whole.
 *
 * A service whose artifacts are on a mirror asks like this, with one cache for all its versions:
 *
 * ```ts
 * import type { ManifestBody } from "../core/manifest.ts";
 * import { directoryMirror } from "../mirror/directory.ts";
 * import { mirrorRows, RowCache } from "./row_source.ts";
 * const cache = new RowCache(64 * 1024 * 1024);
 * async function best(body: ManifestBody) {
 *   const { rows } = await mirrorRows(directoryMirror("mirror"), body, cache).top("latest", 10);
 *   return rows.map((row) => row.symbol);
 * }
 * ```
 *
 * @module
 */

import {
  type AvailabilityRow,
  readColumns,
  type RowsAnswer,
  rowsAnswer,
  type RowsRequest,
  type TopAnswer,
  topAnswer,
} from "../core/availability_rows.ts";
import { breath } from "../core/breath.ts";
import { checkRange, type Day, type DayRange, FIRST_DAY, parseDay } from "../core/day.ts";
import { BfaError, NotFoundError } from "../core/errors.ts";
import type { ManifestBody } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import { reachOf } from "../core/reach.ts";
import { VOLUME_RANKINGS } from "../core/schema.ts";
import { readRows, RowCache } from "../engine/row_reader.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { mirrorRanges } from "../mirror/ranges.ts";
import {
  artifactOf,
  earlier,
  later,
  rowFile,
  rowsOfDays,
  rowsOfParts,
  rowsOfSymbol,
} from "./row_files.ts";
import { type RowPieces, rowPieces } from "./row_pieces.ts";

export { type AvailabilityRow, RowCache, type RowsAnswer, type TopAnswer };

/** Which rows of `daily_availability`: of a day, of a range of days, of a symbol, of both. */
export interface RowsQuestion {
  /** One day, `YYYY-MM-DD` or `latest`; instead of `from` and `to`. */
  day?: string | undefined;
  /** One symbol alone. */
  symbol?: string | undefined;
  /** First day; the first of all, when left out. */
  from?: string | undefined;
  /** Last day, or `latest`; the last of all, when left out. */
  to?: string | undefined;
  /** Columns by name, or `all`; without it state, size, volume and number of trades. */
  columns?: "all" | readonly string[] | undefined;
  /** Ends the question; a request that another question or the copy waits for goes on. */
  signal?: AbortSignal | undefined;
}

/** Answers questions about the rows of one version. */
export interface RowSource {
  /**
   * The rows of a day, a range of days, a symbol, or both; none is an answer too.
   *
   * @param within Days outside of which there are none, where that is known: saves reading parts.
   */
  rows(question: RowsQuestion, within?: DayRange): Promise<RowsAnswer>;
  /** The `n` symbols with the largest volumes of a day. */
  top(day: string, n?: number, options?: { signal?: AbortSignal | undefined }): Promise<TopAnswer>;
}

/** The rows of a version: to be asked, and to be compared with those of another. */
export interface VersionRows extends RowSource {
  /** Left out where the version was published without rows. */
  readonly pieces: RowPieces | undefined;
}

/** What a row source reads from. */
export interface RowSourceOptions {
  readonly ranges: RangeReader;
  readonly cache: RowCache;
  /** Reads `parts/…` whole instead of ranges of the large files: what a copy does. */
  readonly byParts?: boolean;
}

/** The rows of a version on a mirror. */
export function mirrorRows(
  mirror: MirrorReader,
  body: ManifestBody,
  cache: RowCache = new RowCache(),
): VersionRows {
  return rowSource(body, { ranges: mirrorRanges(mirror), cache });
}

/** To name the fields of more rows takes some milliseconds. */
const MANY_ROWS = 4_000;

/** The rows of a version, out of ranges of its artifacts. */
export function rowSource(body: ManifestBody, options: RowSourceOptions): VersionRows {
  const { cache, byParts = false } = options;
  const ranges = cache.reading.through(options.ranges);
  const { version } = body;

  return {
    pieces: rowPieces(body, { ranges, cache, byParts }),

    async rows(question, within) {
      const request = readQuestion(question, body);
      const { from, to, symbol } = request;
      const columns = request.columns.map(({ name }) => name);
      const { signal } = question;
      const span: DayRange = [later(from, within?.[0]), earlier(to, within?.[1])];
      const how = { ranges, cache, columns, signal };
      const found = byParts
        ? await rowsOfParts(body, span, { ...how, symbol })
        : symbol === undefined
        ? await rowsOfDays(body, span, how)
        : await rowsOfSymbol(body, span, { ...how, symbol });
      const [date, name] = [columns.indexOf("date"), columns.indexOf("symbol")];
      const rows = found.filter((row) =>
        from <= String(row[date]) && String(row[date]) <= to &&
        (symbol === undefined || row[name] === symbol)
      );
      if (rows.length > MANY_ROWS) await breath();
      // A question without a first day starts where its rows do.
      const first = question.from === undefined && rows[0] ? rows[0][date] as Day : from;
      return rowsAnswer(version, { ...request, from: first }, rows);
    },

    async top(day, n = 20, { signal } = {}) {
      if (!Number.isSafeInteger(n) || n < 1) {
        throw new BfaError("usage", `Cannot give the top ${n}: write a number from 1 on`);
      }
      const date = knownDayOf(body, day);
      const whole = body.artifacts.find(({ role }) => role === "volume-rankings");
      if (!whole) {
        throw new NotFoundError(
          `no volumes in ${version}: it was built without them; ask a publisher that collects numbers`,
        );
      }
      const isWhole = date <= reachOf(whole, body);
      const artifact = isWhole ? whole : artifactOf(body, `recent-${whole.role}`);
      const columns = VOLUME_RANKINGS.map(({ name }) => name);
      const asked = { key: "date", from: date, to: date, columns } as const;
      const rows = await readRows(rowFile(body, artifact, byParts), asked, {
        ranges,
        cache,
        signal,
      });
      if (rows.length === 0) throw new NotFoundError(`no volumes on ${date} in ${version}`);
      return topAnswer(version, date, n, rows);
    },
  };
}

function readQuestion(question: RowsQuestion, body: ManifestBody): RowsRequest {
  const { day, symbol, from, to } = question;
  if (day !== undefined && (from !== undefined || to !== undefined)) {
    throw new BfaError(
      "usage",
      "Cannot use a day together with from and to: give one or the other",
    );
  }
  if (day === undefined && symbol === undefined && from === undefined && to === undefined) {
    throw new BfaError("usage", "Cannot tell which rows: give a day, a range or a symbol");
  }
  const request = {
    from: from === undefined && day === undefined ? FIRST_DAY : knownDayOf(body, (day ?? from)!),
    to: knownDayOf(body, day ?? to ?? "latest"),
    symbol,
    columns: readColumns(question.columns),
  };
  checkRange([request.from, request.to]);
  return request;
}

/** A day up to the last one that the version knows. */
function knownDayOf({ dataThrough }: ManifestBody, text: string): Day {
  const day = text === "latest" ? dataThrough : parseDay(text);
  if (day <= dataThrough) return day;
  throw new NotFoundError(
    `no data for ${day}: this version ends on ${dataThrough}; \`latest\` is that day`,
    [dataThrough],
  );
}
