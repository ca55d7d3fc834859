/**
 * Compares two versions: their listings in memory, their numbers by reading only what they do not share.
 * A month is held at once, whatever the answer's size.
 *
 * @module
 */

import { addDays, type Day, type DayRange, FIRST_DAY, LAST_DAY } from "../core/day.ts";
import {
  type DiffAnswer,
  type DiffClass,
  diffListings,
  type DiffRow,
  knownToBoth,
  rowsOfChanges,
  type StateChange,
  stateChanges,
} from "../core/diff.ts";
import { mustBe } from "../core/checked.ts";
import { byMonth, differingDays, merged, revisedRows } from "../core/diff_numbers.ts";
import { breath } from "../core/breath.ts";
import type { Layout, RowPieces } from "./row_pieces.ts";
import type { AskedVersion } from "./version_sources.ts";

/** Which rows of a comparison. */
export interface DiffQuestion {
  /** Only rows that differ for this reason. */
  class?: DiffClass | undefined;
  /** Only rows of this symbol. */
  symbol?: string | undefined;
  /** Rows to leave out before the first one. */
  offset?: number | undefined;
  /** At most so many rows; `count` tells how many there are. */
  limit?: number | undefined;
  /** Ends the comparison; a request that another question or the copy waits for goes on. */
  signal?: AbortSignal | undefined;
}

/** One of two versions. */
export interface DiffSide extends AskedVersion {
  /** Its rows, where it has any. */
  readonly pieces: RowPieces | undefined;
}

/** A month, and what is to be read of it. */
interface Month {
  readonly days: DayRange;
  readonly changes: readonly StateChange[];
  readonly read: readonly DayRange[];
  /** How many of its rows differ, once that is known. */
  counts?: Counts;
}

type Counts = Record<DiffClass, number>;

const ALL_DAYS: DayRange = [FIRST_DAY, LAST_DAY];

/** The comparison of two versions. It remembers how many rows of each month differ, and no rows. */
export class VersionDiff {
  readonly #a: DiffSide;
  readonly #b: DiffSide;
  readonly #layout: Layout | undefined;
  #stateChanges: readonly StateChange[] | undefined;
  #days: readonly DayRange[] | undefined;
  #months: Month[] | undefined;

  /** Names a comparison; reads nothing. */
  constructor(a: DiffSide, b: DiffSide) {
    [this.#a, this.#b] = [a, b];
    // Rows of another schema differ in what their columns mean: that is said once, not for each of them.
    this.#layout = schemaOf(a) === schemaOf(b)
      ? a.pieces?.layouts.find((layout) => b.pieces?.layouts.includes(layout))
      : undefined;
  }

  /** Answers a question about it. */
  async answer(question: DiffQuestion = {}): Promise<DiffAnswer> {
    const { offset = 0, limit = Infinity, signal } = question;
    checkQuestion(question);
    const symbol = question.symbol?.toUpperCase();
    const [a, b] = [this.#a.source, this.#b.source];
    const schema: [number, number] = [schemaOf(this.#a), schemaOf(this.#b)];
    const classes = none();
    const rows: DiffRow[] = [];
    let count = 0;
    const take = (row: DiffRow) => {
      if (symbol !== undefined && row.symbol !== symbol) return;
      classes[row.class]++;
      if (question.class !== undefined && row.class !== question.class) return;
      if (count >= offset && count < offset + limit) rows.push(row);
      count++;
    };
    const ofSymbol = symbol === undefined ? undefined : await this.#rowsOfSymbol(symbol, signal);
    if (ofSymbol) ofSymbol.forEach(take);
    for (const month of ofSymbol ? [] : await this.#plan(signal)) {
      const known = symbol === undefined ? month.counts : undefined;
      const asked = known && wanted(known, question.class);
      if (known && (count + asked! <= offset || count >= offset + limit)) {
        count += asked!;
        addTo(classes, known);
        continue;
      }
      const before = { ...classes };
      for (const row of await this.#rowsOf(month, signal)) take(row);
      if (symbol === undefined) month.counts = difference(classes, before);
      await breath();
      signal?.throwIfAborted();
    }
    return {
      a: a.version,
      b: b.version,
      schema: schema[0] === schema[1] ? null : schema,
      numbers: this.#layout !== undefined,
      listings: diffListings(a.index, b.index),
      count,
      classes,
      rows,
    };
  }

  /** The rows of one symbol that differ; `undefined` where that needs reading those of all others. */
  async #rowsOfSymbol(
    symbol: string,
    signal: AbortSignal | undefined,
  ): Promise<DiffRow[] | undefined> {
    const sides = [this.#a, this.#b].map(({ pieces }) => pieces?.cellsOfSymbol);
    const [before, after] = sides;
    if (this.#layout && !(before && after)) return undefined;
    const changes = this.#changes.filter((change) => change.symbol === symbol);
    const states = rowsOfChanges(changes, ALL_DAYS);
    // Only rows that both have can have other numbers.
    const inBoth = [this.#a, this.#b].every(({ source }) =>
      source.index.listings.some((listing) => listing.symbol === symbol)
    );
    const days = inBoth ? await this.#differingDays(signal) : [];
    if (days.length === 0) return merged(states, []);
    const [was, is] = await Promise.all(
      [before!, after!].map((cells) => cells(symbol, days, signal)),
    );
    return merged(states, revisedRows(was!, is!));
  }

  /** The months with rows that differ, or that may. */
  async #plan(signal: AbortSignal | undefined): Promise<Month[]> {
    if (this.#months) return this.#months;
    const months = new Map<string, { changes: StateChange[]; read: DayRange[] }>();
    const monthOf = ([from]: DayRange) => {
      const name = from.slice(0, 7);
      if (!months.has(name)) months.set(name, { changes: [], read: [] });
      return months.get(name)!;
    };
    for (const change of this.#changes) {
      for (const days of byMonth([[change.from, change.to]])) monthOf(days).changes.push(change);
    }
    for (const days of byMonth(await this.#differingDays(signal))) monthOf(days).read.push(days);
    return this.#months = [...months].sort(([x], [y]) => x < y ? -1 : 1).map(([name, month]) => {
      const first = `${name}-01` as Day;
      const next = `${addDays(first, 32).slice(0, 7)}-01` as Day;
      return { ...month, days: [first, addDays(next, -1)] };
    });
  }

  /** The days on which the listings tell another state. */
  get #changes(): readonly StateChange[] {
    return this.#stateChanges ??= stateChanges(this.#a.source.index, this.#b.source.index);
  }

  /** The days that must be read to know. */
  async #differingDays(signal: AbortSignal | undefined): Promise<readonly DayRange[]> {
    const layout = this.#layout;
    if (!layout) return [];
    if (this.#days) return this.#days;
    const [a, b] = await Promise.all(
      [this.#a, this.#b].map(({ pieces }) => pieces!.pieces(layout, signal)),
    );
    const until = knownToBoth(this.#a.source.index, this.#b.source.index);
    return this.#days = differingDays(a!, b!, until);
  }

  async #rowsOf(
    { days, changes, read, counts }: Month,
    signal: AbortSignal | undefined,
  ): Promise<DiffRow[]> {
    const revised: DiffRow[] = [];
    // Other bytes with the same rows: written by another program, say.
    const nothing = counts?.revision === 0;
    for (const range of nothing ? [] : read) {
      const cells = ({ pieces }: DiffSide) => pieces!.cells(this.#layout!, range, signal);
      const [before, after] = await Promise.all([cells(this.#a), cells(this.#b)]);
      await breath();
      for (const row of revisedRows(before, after)) revised.push(row);
    }
    return merged(rowsOfChanges(changes, days), revised);
  }
}

/** Refuses what would be answered with no rows, or with others than were meant. */
function checkQuestion({ class: why, symbol, offset = 0, limit = 0 }: DiffQuestion): void {
  const classes = Object.keys(none());
  mustBe(why === undefined || classes.includes(why), "this class", `one of ${classes.join(", ")}`);
  mustBe(symbol === undefined || typeof symbol === "string", "this symbol", "a text");
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
  mustBe(isCount(offset), "this offset", "a whole number from 0 on");
  mustBe(isCount(limit) || limit === Infinity, "this limit", "a whole number from 0 on");
}

function schemaOf({ stored }: AskedVersion): number {
  return stored.manifest.signed.schemaVersion;
}

function none(): Counts {
  return { "new day": 0, listing: 0, revision: 0 };
}

function difference(sum: Counts, before: Counts): Counts {
  const found = { ...sum };
  for (const name of Object.keys(found) as DiffClass[]) found[name] -= before[name];
  return found;
}

function addTo(sum: Counts, counts: Counts): void {
  for (const name of Object.keys(sum) as DiffClass[]) sum[name] += counts[name];
}

function wanted(counts: Counts, why: DiffClass | undefined): number {
  return why === undefined ? Object.values(counts).reduce((x, y) => x + y) : counts[why];
}
