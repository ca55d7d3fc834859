/**
 * Looking at bytes of ASCII. Every function takes a place and returns the place where what it looks for
 * ends, or -1; and -1 for a place of -1, so that one can follow another.
 *
 * @module
 */

/** A text of four bytes or more, to be compared with bytes, four of them at once. */
export interface Literal {
  readonly length: number;
  /** Every four bytes of it. */
  readonly words: Int32Array;
  /** Its last four bytes. */
  readonly last: number;
}

/** Makes a literal. */
export function literal(text: string): Literal {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(bytes.buffer);
  const words = Int32Array.from(
    { length: bytes.length >> 2 },
    (_, i) => view.getInt32(4 * i, true),
  );
  return { length: bytes.length, words, last: view.getInt32(bytes.length - 4, true) };
}

/** After this text. */
export function after(view: DataView, at: number, { length, words, last }: Literal): number {
  const end = at + length;
  if (at < 0 || end > view.byteLength) return -1;
  // No branch in the loop: nearly always it goes on to the end.
  let difference = view.getInt32(end - 4, true) ^ last;
  for (let i = 0; i < words.length; i++) difference |= view.getInt32(at + 4 * i, true) ^ words[i]!;
  return difference === 0 ? end : -1;
}

/** After digits and letters, `_` and `-`, one at least: what is no markup and no reference. */
export function plainEnd(view: DataView, from: number): number {
  if (from < 0) return -1;
  let at = from;
  const end = view.byteLength;
  while (at < end && IS_PLAIN[view.getUint8(at)] !== 0) at++;
  return at > from ? at : -1;
}

/** After a number of 15 digits at most, above 0 and without leading zeros. */
export function numberEnd(view: DataView, from: number): number {
  if (from < 0 || from >= view.byteLength || view.getUint8(from) === ZERO) return -1;
  let at = from;
  while (at < view.byteLength && isDigit(view.getUint8(at))) at++;
  return at > from && at - from <= 15 ? at : -1;
}

/** After a time as S3 writes it: `2024-01-15T12:00:00.000Z`. */
export function timeEnd(view: DataView, at: number): number {
  if (dayAt(view, at) < 0 || at + 24 > view.byteLength) return -1;
  if (view.getUint8(at + 10) !== T) return -1;
  if (view.getUint8(at + 13) !== COLON || view.getUint8(at + 16) !== COLON) return -1;
  const hour = twoDigits(view, at + 11);
  const minute = twoDigits(view, at + 14);
  const second = twoDigits(view, at + 17);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  return after(view, at + 19, MILLISECONDS);
}

/** The day that is written there, as the number YYYYMMDD; -1 for none of the calendar. */
export function dayAt(view: DataView, at: number): number {
  if (at < 0 || at + 10 > view.byteLength) return -1;
  if (view.getUint8(at + 4) !== DASH || view.getUint8(at + 7) !== DASH) return -1;
  const century = twoDigits(view, at);
  const yearOf = twoDigits(view, at + 2);
  const month = twoDigits(view, at + 5);
  const day = twoDigits(view, at + 8);
  if (century < 0 || yearOf < 0 || month < 1 || month > 12 || day < 1) return -1;
  const year = century * 100 + yearOf;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : MONTH_DAYS[month]!;
  return day <= days ? year * 10_000 + month * 100 + day : -1;
}

const MONTH_DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const [DASH, COLON, T, ZERO, NINE] = Array.from("-:T09", (c) => c.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
];
const MILLISECONDS = literal(".000Z");
const IS_PLAIN = Uint8Array.from(
  { length: 256 },
  (_, byte) => Number(/[\w-]/.test(String.fromCharCode(byte))),
);

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** The number that two digits make, or -1. */
function twoDigits(view: DataView, at: number): number {
  const tens = view.getUint8(at) ^ ZERO;
  const ones = view.getUint8(at + 1) ^ ZERO;
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : -1;
}
