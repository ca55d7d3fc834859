import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { type Day, dayFromNumber, dayNumber } from "../../lib/core/day.ts";
import { diff } from "../../lib/core/diff.ts";
import { stateOn } from "../../lib/core/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import { listingsFile } from "../helpers/arbitraries.ts";

Deno.test("two versions differ by the rows that a comparison day by day finds", () => {
  fc.assert(
    fc.property(listingsFile(), listingsFile(), (x, y) => {
      const [a, b] = [new ListingIndex(x), new ListingIndex(y)];
      const found = diff(
        { version: "a", index: a, schemaVersion: 1 },
        { version: "b", index: b, schemaVersion: 1 },
      );
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
        found.rows.map(({ date, symbol, before, after }) => [date, symbol, before, after]),
        expected,
      );
      assert(found.rows.every((row) => (row.class === "new day") === (row.date > a.dataThrough)));
    }),
    { numRuns: 60 },
  );
});
