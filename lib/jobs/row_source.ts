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
import { addDays, type Day, type DayRange, parseDay } from "../core/day.ts";
import { BfaError, NotFoundError } from "../core/errors.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import { partsOf, reachOf } from "../core/reach.ts";
import { VOLUME_RANKINGS } from "../core/schema.ts";
import type { Cell } from "../core/table.ts";
import { readRows, RowCache, type RowQuestion } from "../engine/row_reader.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { mirrorRanges } from "../mirror/ranges.ts";
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
  /** Ends the question, and every request it has under way. */
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

/** Before the first day of all. */
const FIRST = "0001-01-01" as Day;

/** The rows of a version on a mirror. */
export function mirrorRows(
  mirror: MirrorReader,
  body: ManifestBody,
  cache: RowCache = new RowCache(),
): VersionRows {
  return rowSource(body, { ranges: mirrorRanges(mirror), cache });
}

/** The rows of a version, out of ranges of its artifacts. */
export function rowSource(body: ManifestBody, options: RowSourceOptions): VersionRows {
  const { ranges, cache, byParts = false } = options;
  const { version } = body;

  /** The rows of an artifact whose key is in a range. */
  async function read(
    artifact: Artifact,
    question: RowQuestion,
    signal: AbortSignal | undefined,
  ): Promise<Cell[][]> {
    return await readRows(artifact, question, { ranges, cache, signal });
  }

  /** Days out of the parts that can have them. */
  async function readParts(
    [from, to]: DayRange,
    { symbol, columns }: { symbol?: string | undefined; columns: readonly string[] },
    signal: AbortSignal | undefined,
  ): Promise<Cell[][]> {
    artifactOf(body, "part");
    const question = { key: "date", from, to, symbol, columns } as const;
    const found: Cell[][] = [];
    for (const part of partsOf(body, [from, to])) {
      for (const row of await read(part, question, signal)) found.push(row);
    }
    return found;
  }

  /** Days of all symbols; those after the whole file's are in parts. */
  async function readDays(
    [from, to]: DayRange,
    columns: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Cell[][]> {
    const whole = artifactOf(body, "availability");
    const reach = reachOf(whole, body);
    const recent: DayRange = [later(from, addDays(reach, 1)), to];
    const found = await Promise.all([
      from <= reach
        ? read(whole, { key: "date", from, to: earlier(to, reach), columns }, signal)
        : [],
      ...partsOf(body, recent).map((part) =>
        read(part, { key: "date", from: recent[0], to, columns }, signal)
      ),
    ]);
    return found.flat();
  }

  /** All days of a symbol; those after the whole file's are in a file of their own. */
  async function readSymbol(
    symbol: string,
    [from, to]: DayRange,
    columns: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Cell[][]> {
    const whole = artifactOf(body, "availability-by-symbol");
    const reach = reachOf(whole, body);
    const question = { key: "symbol", from: symbol, to: symbol, columns } as const;
    const [before, after] = await Promise.all([
      from <= reach ? read(whole, question, signal) : [],
      to > reach ? read(artifactOf(body, `recent-${whole.role}`), question, signal) : [],
    ]);
    return [...before, ...after];
  }

  return {
    pieces: rowPieces(body, { ranges, cache, byParts }),

    async rows(question, within) {
      const request = readQuestion(question, body);
      const { from, to, symbol } = request;
      const columns = request.columns.map(({ name }) => name);
      const { signal } = question;
      const span: DayRange = [later(from, within?.[0]), earlier(to, within?.[1])];
      const found = byParts
        ? await readParts(span, { symbol, columns }, signal)
        : symbol === undefined
        ? await readDays(span, columns, signal)
        : await readSymbol(symbol, span, columns, signal);
      const [date, name] = [columns.indexOf("date"), columns.indexOf("symbol")];
      const rows = found.filter((row) =>
        from <= String(row[date]) && String(row[date]) <= to &&
        (symbol === undefined || row[name] === symbol)
      );
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
      if (!whole) throw new NotFoundError(`no volumes in ${version}: it was built without them`);
      const isWhole = date <= reachOf(whole, body);
      const artifact = isWhole ? whole : artifactOf(body, `recent-${whole.role}`);
      const columns = VOLUME_RANKINGS.map(({ name }) => name);
      const rows = await read(artifact, { key: "date", from: date, to: date, columns }, signal);
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
    from: from === undefined && day === undefined ? FIRST : knownDayOf(body, (day ?? from)!),
    to: knownDayOf(body, day ?? to ?? "latest"),
    symbol,
    columns: readColumns(question.columns),
  };
  if (request.from > request.to) {
    throw new BfaError(
      "usage",
      `Cannot use the range ${request.from} … ${request.to}: it ends first`,
    );
  }
  return request;
}

/** A day up to the last one that the version knows. */
function knownDayOf({ dataThrough }: ManifestBody, text: string): Day {
  const day = text === "latest" ? dataThrough : parseDay(text);
  if (day <= dataThrough) return day;
  throw new NotFoundError(
    `no data for ${day}: this version ends on ${dataThrough}; ask for \`latest\`, or refresh`,
    [dataThrough],
  );
}

function later(a: Day, b: Day = a): Day {
  return a > b ? a : b;
}

function earlier(a: Day, b: Day = a): Day {
  return a < b ? a : b;
}

function artifactOf(body: ManifestBody, role: string): Artifact {
  const artifact = body.artifacts.find((a) => a.role === role);
  if (artifact) return artifact;
  throw new NotFoundError(`no rows in ${body.version}: it was published without them`);
}
