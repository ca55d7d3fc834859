/** One symbol of a simulated bucket: its files at any instant, computed from the day. @module */

import { type Day, dayFromNumber, dayNumber } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { draw, drawEtag, seedOf } from "./bucket_hash.ts";
import { type Kline, klineFields, klineOf, klineZip, md5 } from "./bucket_klines.ts";
import type { Interval, Where } from "./bucket_lives.ts";

/** Files and an instant (ISO, UTC). */
export type Upload = Where & { readonly at: string };

/** What happens to files after, or instead of, their usual upload. */
export interface FileRules {
  /** Files that appear so many days later than usual. */
  readonly late?: readonly (Where & { readonly days: number })[];
  /** Files that are uploaded again at an instant: new size, ETag and LastModified. */
  readonly uploads?: readonly Upload[];
  /** Files that are deleted at an instant. */
  readonly removals?: readonly Upload[];
  /** Of these, only the ones about 1d matter here; the others are in the lives. */
  readonly gaps?: readonly Where[];
}

/** A file as it is at an instant. */
export interface BucketFile {
  readonly size: number;
  /** ISO, UTC, whole seconds: `2026-09-02T07:40:48.000Z`. */
  readonly lastModified: string;
  /** 32 hexadecimal digits, without quotes. */
  readonly etag: string;
  /** How often it was uploaded again. */
  readonly version: number;
}

/** What is known about a file without looking into it. */
export interface FileFacts {
  readonly life: Listing;
  readonly traded: boolean;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

const DAY_MS = 86_400_000;

/** 06:57 UTC; the last files appear at 08:40. */
const UPLOADS_START_MS = (6 * 60 + 57) * 60_000;
const UPLOADS_SECONDS = 103 * 60;

/** The past of one symbol; instants are milliseconds since 1970. */
export class SymbolPast {
  /** What all its numbers are drawn from. */
  readonly seed: number;
  readonly #lives: readonly Listing[];
  readonly #through: Day;
  readonly #late: readonly (Where & { readonly days: number })[];
  readonly #uploads: readonly TimedRule[];
  readonly #removals: readonly TimedRule[];
  readonly #without1d: readonly Where[];
  readonly #openedAt = new Map<Interval, number>();

  constructor(
    readonly symbol: string,
    lives: readonly Listing[],
    through: Day,
    rules: FileRules,
  ) {
    const mine = <T extends Where>(list: readonly T[] = []) =>
      list.filter((rule) => rule.symbol === undefined || rule.symbol === symbol);
    const timed = (list?: readonly Upload[]) =>
      mine(list).map((rule) => ({ rule, at: Date.parse(rule.at) }));
    this.seed = seedOf(symbol);
    this.#lives = lives;
    this.#through = through;
    this.#late = mine(rules.late);
    this.#uploads = timed(rules.uploads);
    this.#removals = timed(rules.removals);
    this.#without1d = mine(rules.gaps).filter(({ interval }) => interval === "1d");
  }

  /** The life that a day belongs to. */
  lifeOn(day: Day): Listing | undefined {
    return this.#lives.findLast(({ first, last }) =>
      first <= day && (last === null || day <= last)
    );
  }

  /** What is known about a ZIP at an instant, or `undefined` when there is none. */
  facts(interval: Interval, day: Day, now: number): FileFacts | undefined {
    const life = this.lifeOn(day);
    const published = life && this.#published(life, interval, day);
    if (published === undefined || published > now) return undefined;
    if (this.#removals.some(({ rule, at }) => at <= now && covers(rule, interval, day))) {
      return undefined;
    }
    let [version, modified] = [0, published];
    for (const { rule, at } of this.#uploads) {
      if (at > now || at <= published || !covers(rule, interval, day)) continue;
      version++;
      modified = Math.max(modified, at);
    }
    const ended = life!.lastTraded !== null && day > life!.lastTraded;
    return { life: life!, traded: !ended && !within(day, life!.halts), version, modified };
  }

  /** The ZIP that facts are about. */
  file(interval: Interval, day: Day, facts: FileFacts): BucketFile {
    const { version, modified } = facts;
    const lastModified = isoSeconds(modified);
    if (interval === "1d") {
      const zip = this.zip(day, facts);
      return { size: zip.length, lastModified, etag: md5(zip), version };
    }
    const etag = drawEtag(this.seed, dayNumber(day), version);
    return { size: this.size1m(day, facts), lastModified, etag, version };
  }

  /** The size of the 1m ZIP that facts are about. */
  size1m(day: Day, facts: FileFacts): number {
    return sizeOf(this.seed, dayNumber(day), day, facts) + facts.version * 17;
  }

  /** The bytes of the 1d ZIP that facts are about. */
  zip(day: Day, facts: FileFacts): Uint8Array<ArrayBuffer> {
    const lastModified = isoSeconds(facts.modified);
    return klineZip(this.symbol, day, { ...priceFacts(day, facts), lastModified });
  }

  /** The numbers in it. */
  numbers(day: Day, facts: FileFacts): Kline {
    return klineOf(klineFields(this.symbol, day, priceFacts(day, facts)));
  }

  /** The instant of the first ZIP; `Infinity` when there is none. */
  openedAt(interval: Interval): number {
    let earliest = this.#openedAt.get(interval);
    if (earliest === undefined) {
      earliest = Infinity;
      for (const day of this.days()) {
        if (earliest < (dayNumber(day) + 1) * DAY_MS) break;
        const published = this.#published(this.lifeOn(day)!, interval, day);
        if (published !== undefined && published < earliest) earliest = published;
      }
      this.#openedAt.set(interval, earliest);
    }
    return earliest;
  }

  /** The days of all lives, in order, those without a file too. */
  *days(from?: Day, to: Day = this.#through): Generator<Day> {
    const end = to < this.#through ? to : this.#through;
    for (const { first, last } of this.#lives) {
      const start = from !== undefined && from > first ? from : first;
      const stop = dayNumber(last !== null && last < end ? last : end);
      for (let n = dayNumber(start); n <= stop; n++) yield dayText(n);
    }
  }

  /** When a ZIP is uploaded first, or `undefined` when it never is. */
  #published(life: Listing, interval: Interval, day: Day): number | undefined {
    if (day > this.#through || within(day, life.gaps)) return undefined;
    if (interval === "1d" && this.#without1d.some((rule) => covers(rule, "1d", day))) {
      return undefined;
    }
    // A directory is made together with its second day's files.
    let days = day === this.#lives[0]!.first ? 2 : 1;
    for (const rule of this.#late) if (covers(rule, interval, day)) days += rule.days;
    const number = dayNumber(day);
    const seconds = UPLOADS_SECONDS * draw(this.seed, number, interval === "1m" ? 1 : 2);
    return (number + days) * DAY_MS + UPLOADS_START_MS + Math.floor(seconds) * 1000;
  }
}

/** An instant of whole seconds as S3 writes it; several times faster than `toISOString()`. */
export function isoSeconds(instant: number): string {
  const number = Math.floor(instant / DAY_MS);
  const seconds = Math.floor((instant - number * DAY_MS) / 1000);
  const hour = TWO_DIGITS[Math.floor(seconds / 3600)];
  const minute = TWO_DIGITS[Math.floor(seconds / 60) % 60];
  return `${dayText(number)}T${hour}:${minute}:${TWO_DIGITS[seconds % 60]}.000Z`;
}

interface TimedRule {
  readonly rule: Where;
  readonly at: number;
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, "0"));

/** The few thousand days of the history, written once. */
const DAY_TEXTS = new Map<number, Day>();

/** The day with a number. */
export function dayText(number: number): Day {
  let text = DAY_TEXTS.get(number);
  if (text === undefined) DAY_TEXTS.set(number, text = dayFromNumber(number));
  return text;
}

/** A dead day has 7.4–8 KB, a live one 31–67 KB, a day that starts or ends in the middle less. */
function sizeOf(seed: number, number: number, day: Day, { life, traded }: FileFacts): number {
  const dead = 7400 + 600 * draw(seed, number, 10);
  if (!traded) return Math.floor(dead);
  const live = 40_000 + 18_000 * draw(seed, 0, 11) + 18_000 * (draw(seed, number, 12) - 0.5);
  if (day !== life.first && day !== life.lastTraded) return Math.floor(live);
  const part = draw(seed, number, 13);
  const rest = day === life.lastTraded && day !== life.last ? (1 - part) * dead : 0;
  return Math.floor(900 + part * live + rest);
}

function priceFacts(day: Day, { life, traded, version }: FileFacts) {
  const ended = life.lastTraded !== null && day > life.lastTraded;
  return { priceDay: ended ? life.lastTraded : day, traded, version };
}

function covers(rule: Where, interval: Interval, day: Day): boolean {
  return rule.from <= day && day <= (rule.to ?? rule.from) &&
    (rule.interval === undefined || rule.interval === interval);
}

function within(day: Day, ranges: readonly (readonly [Day, Day])[]): boolean {
  return ranges.length > 0 && ranges.some(([from, to]) => from <= day && day <= to);
}
