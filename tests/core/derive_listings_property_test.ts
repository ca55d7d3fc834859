/** The rule of listings, told once more: day by day, without runs. Two tellings of one rule have to agree. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addDays, type Day } from "../../lib/core/day.ts";
import { deriveListings, type EvidenceRun } from "../../lib/core/derive_listings.ts";
import { firstTraded, stateOn } from "../../lib/core/listing.ts";

const START = "2024-01-01" as Day;
const dayAt = (at: number) => addDays(START, at);

/** A letter a day: `+` traded, `-` small file, `0` no trades by `trade_count`, `.` no file. */
const pasts = fc.array(
  fc.tuple(
    fc.constantFrom("+", "+", "-", "0", "."),
    fc.oneof(fc.constantFrom(1, 2, 6, 7, 8, 9, 23, 24, 25, 26), fc.nat(40)),
  ),
  { minLength: 1, maxLength: 8 },
).map((runs) => runs.map(([letter, days]) => letter.repeat(days)).join(""));

function runsOf(symbol: string, past: string): EvidenceRun[] {
  return [...past.matchAll(/([^.])\1*/g)].map(({ 0: run, 1: letter, index }) => ({
    symbol,
    from: dayAt(index),
    to: dayAt(index + run.length - 1),
    traded: letter === "+",
    counted: letter === "0",
  }));
}

interface Life {
  traded: number[];
  files: number[];
}

/** Lives, day by day. */
function livesOf(past: string, alias: string): Life[] {
  const isFile = (at: number) => past[at] !== undefined && past[at] !== ".";
  const files = [...past].flatMap((_, at) => isFile(at) ? [at] : []);
  const settled = [...alias].flatMap((letter, at) => letter === "." ? [] : [at]);
  const lives: Life[] = [];
  for (const at of files) {
    const last = lives.at(-1)?.traded.at(-1);
    const pause = last === undefined ? 0 : at - last - 1;
    const isSettled = last !== undefined && settled.length > 0 && settled.at(-1)! >= last &&
      settled[0]! <= at + 7;
    const begins = last === undefined ? at === files[0] : pause >= (isSettled ? 7 : 25);
    const late = begins && past[at] === "-" && !isFile(at - 1) && past[at + 1] === "+";
    if (past[at] !== "+" && !late) {
      if (lives.length === 0) lives.push({ traded: [], files: [] });
      lives.at(-1)!.files.push(at);
      continue;
    }
    if (lives.length === 0 || (begins && last !== undefined)) lives.push({ traded: [], files: [] });
    lives.at(-1)!.traded.push(at);
    lives.at(-1)!.files.push(at);
  }
  return lives;
}

/** A letter a day of one life, up to the data's end: `T`, `A`, `M`, or a space where it has no row. */
function statesOf({ traded, files }: Life, end: number, isLast: boolean): string {
  const until = isLast && end - files.at(-1)! <= 7 ? end : files.at(-1)!;
  return Array.from({ length: end + 1 }, (_, at) => {
    if (at < files[0]! || at > until) return " ";
    return traded.includes(at) ? "T" : files.includes(at) ? "A" : "M";
  }).join("");
}

const LETTERS = { traded: "T", archived: "A", missing: "M", unlisted: " ", pending: "?" };

function derived(past: string, alias: string, end: number) {
  const runs = [...runsOf("AUSDT", past), ...runsOf("AUSDTSETTLED", alias)];
  return deriveListings(runs, { dataThrough: dayAt(end) }).filter((l) => l.symbol === "AUSDT");
}

Deno.test("deriveListings() says of every day what the rule says day by day", () => {
  fc.assert(
    fc.property(pasts, fc.oneof(fc.constant(""), pasts), fc.nat(12), (past, alias, after) => {
      const end = Math.max(0, past.length - 1 + after - 6);
      const [known, knownAlias] = [past.slice(0, end + 1), alias.slice(0, end + 1)];
      const lives = livesOf(known, knownAlias);
      const found = derived(past, alias, end);
      assertEquals(
        found.map((l) =>
          Array.from(
            { length: end + 1 },
            (_, at) => LETTERS[stateOn(l, dayAt(at), dayAt(end))],
          ).join("")
        ),
        lives.map((life, i) => statesOf(life, end, i === lives.length - 1)),
      );
      assertEquals(
        found.map((l) => [firstTraded(l, dayAt(end)), l.lastTraded]),
        lives.map(({ traded, files }, i) => {
          const last = traded.at(-1) ?? files[0]!;
          const trades = i === lives.length - 1 && traded.length > 0 && end - last <= 7;
          return [traded.length ? dayAt(traded[0]!) : null, trades ? null : dayAt(last)];
        }),
      );
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("what the data does not reach yet changes nothing, and a day's file says the same ever after", () => {
  fc.assert(
    fc.property(pasts, fc.oneof(fc.constant(""), pasts), fc.nat(200), (past, alias, cut) => {
      const end = Math.min(cut, past.length - 1);
      if (end < 1) return;
      const early = derived(past, alias, end);
      assertEquals(early, derived(past.slice(0, end + 1), alias.slice(0, end + 1), end));
      // The day before the last: whether the last one traded can still tell of that one.
      const [day, last] = [dayAt(end - 1), dayAt(past.length - 1)];
      if (past[end - 1] === ".") return;
      const state = (listings: typeof early, through: Day) =>
        listings.map((l) => stateOn(l, day, through)).filter((s) => s !== "unlisted");
      assertEquals(state(derived(past, alias, past.length - 1), last), state(early, dayAt(end)));
    }),
    { numRuns: 2_000 },
  );
});
