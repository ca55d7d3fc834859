import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { type Day, dayFromNumber, dayNumber } from "../../lib/core/day.ts";
import { knownToBoth, rowsOfChanges, stateChanges } from "../../lib/core/diff.ts";
import { byMonth, differingDays, merged, revisedRows } from "../../lib/core/diff_numbers.ts";
import { stateOn } from "../../lib/core/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import { listingsFile } from "../helpers/arbitraries.ts";

Deno.test("two versions differ by the rows that a comparison day by day finds", () => {
  fc.assert(
    fc.property(listingsFile(), listingsFile(), (x, y) => {
      const [a, b] = [new ListingIndex(x), new ListingIndex(y)];
      const everyDay = days("0001-01-01", "9999-12-31");
      const found = merged(rowsOfChanges(stateChanges(a, b), everyDay), []);
      const at = (index: ListingIndex, symbol: string, day: Day) => {
        const lives = index.listings.filter((life) => life.symbol === symbol);
        const states = lives.map((life) => stateOn(life, day, index.dataThrough))
          .filter((state) => state !== "unlisted" && state !== "pending");
        return states[0] ?? null;
      };
      const expected: unknown[] = [];
      const symbols = [...new Set([...a.symbols, ...b.symbols])].sort();
      const last = Math.max(dayNumber(a.dataThrough), dayNumber(b.dataThrough));
      const first = Math.min(dayNumber(a.firstDay), dayNumber(b.firstDay));
      for (let number = first; number <= last; number++) {
        const date = dayFromNumber(number);
        for (const symbol of symbols) {
          const [before, after] = [at(a, symbol, date), at(b, symbol, date)];
          if (before !== after) expected.push([date, symbol, before, after]);
        }
      }
      assertEquals(
        found.map(({ date, symbol, before, after }) => [date, symbol, before, after]),
        expected,
      );
      const known = knownToBoth(a, b);
      for (const row of found) {
        const listing = row.before === null || row.after === null ? "listing" : "revision";
        assertEquals(row.class, row.date > known ? "new day" : listing);
      }
    }),
    { numRuns: 60 },
  );
});

const days = (from: string, to: string) => [from as Day, to as Day] as const;

Deno.test("`differingDays()` leaves out a day only when a piece of it is in both versions", () => {
  // A piece is named by what it holds: days with numbers.
  const cut = (content: readonly number[], lengths: readonly number[]) => {
    const pieces: { first: Day; id: string }[] = [];
    for (let at = 0, i = 0; at < content.length; i++) {
      const length = lengths[i % lengths.length]!;
      const held = content.slice(at, at + length).map((value, k) => `${at + k}=${value}`);
      pieces.push({ first: dayFromNumber(19_000 + at), id: held.join() });
      at += length;
    }
    return pieces;
  };
  const contents = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 60 });
  const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(contents, contents, lengths, lengths, (a, b, cutsA, cutsB) => {
      const last = 19_000 + Math.min(a.length, b.length) - 1;
      const found = differingDays(cut(a, cutsA), cut(b, cutsB), dayFromNumber(last));
      for (let day = 19_000; day <= last; day++) {
        const name = dayFromNumber(day);
        const listed = found.some(([from, to]) => from <= name && name <= to);
        if (a[day - 19_000] !== b[day - 19_000]) assertEquals(listed, true, name);
      }
      // In order, apart from one another, and not beyond what both know.
      const flat = found.flat().map(dayNumber);
      assertEquals(flat, flat.toSorted((x, y) => x - y));
      assertEquals(flat.every((day) => day <= last), true);
      if (cutsA.join() === cutsB.join() && a.join() === b.join()) assertEquals(found, []);
    }),
  );
});

Deno.test("`byMonth()` cuts ranges where months end", () => {
  const months = byMonth([days("2024-01-30", "2024-03-02"), days("2024-12-31", "2025-01-01")]);
  assertEquals<unknown>(months, [
    ["2024-01-30", "2024-01-31"],
    ["2024-02-01", "2024-02-29"],
    ["2024-03-01", "2024-03-02"],
    ["2024-12-31", "2024-12-31"],
    ["2025-01-01", "2025-01-01"],
  ]);
});

Deno.test("`revisedRows()` names the numbers that differ in rows that both versions have", () => {
  const row = (date: string, symbol: string, size: number | null, volume: number | null) => {
    const numbers = [size, "2024-01-02T07:00:00.000Z", volume, 5, ...Array(7).fill(1.5)];
    return [date, symbol, true, "traded", ...numbers];
  };
  const a = [
    row("2024-01-01", "AUSDT", 10, 1),
    row("2024-01-01", "BUSDT", 10, 1),
    row("2024-01-02", "AUSDT", null, NaN),
    row("2024-01-02", "\ufb00USDT", 10, 1),
    row("2024-01-02", "\u{1f600}USDT", 10, 1),
  ];
  const b = [
    row("2024-01-01", "AAUSDT", 10, 1),
    row("2024-01-01", "AUSDT", 10, 1),
    row("2024-01-01", "BUSDT", 11, 2),
    row("2024-01-02", "AUSDT", 7, NaN),
    row("2024-01-02", "\ufb00USDT", 10, 1),
    row("2024-01-02", "\u{1f600}USDT", 10, 3),
  ];
  const same = { change: "changed", class: "revision", before: "traded", after: "traded" };
  assertEquals<unknown>(revisedRows(a, b), [
    {
      date: "2024-01-01",
      symbol: "BUSDT",
      ...same,
      fields: { fileSizeBytes: [10, 11], quoteVolumeUsdt: [1, 2] },
    },
    { date: "2024-01-02", symbol: "AUSDT", ...same, fields: { fileSizeBytes: [null, 7] } },
    { date: "2024-01-02", symbol: "\u{1f600}USDT", ...same, fields: { quoteVolumeUsdt: [1, 3] } },
  ]);
});
