/** Every answer against the slow way: a loop over all days and all listings with `stateOn()`. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  delistings,
  newListings,
  range,
  snapshot,
  type Source,
  summary,
  symbols,
  timeline,
} from "../../lib/core/answers.ts";
import { addDays, type Day } from "../../lib/core/day.ts";
import { type Listing, ROW_STATES, type RowState, stateOn } from "../../lib/core/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import { listingsFile } from "../helpers/arbitraries.ts";

interface World {
  readonly source: Source;
  readonly listings: readonly Listing[];
  readonly from: Day;
  readonly to: Day;
  /** Days from … to. */
  readonly days: readonly Day[];
  /** All days the data knows. */
  readonly allDays: readonly Day[];
  readonly states: readonly RowState[];
  stateOn(listing: Listing, day: Day): string;
}

/** Listings with at least one known day, a range of known days and some states. */
function worlds(): fc.Arbitrary<World> {
  const states = fc.uniqueArray(fc.constantFrom(...ROW_STATES), { minLength: 1 });
  return fc.tuple(listingsFile(), fc.nat(), fc.nat(), states)
    .map(([file, a, b, states]) => {
      const source = { version: "test", index: new ListingIndex(file) };
      const { firstDay, dataThrough } = source.index;
      const allDays = daysBetween(firstDay, dataThrough);
      const ends = allDays.length === 0 ? [] : [a, b].map((n) => allDays[n % allDays.length]!);
      const [from, to] = ends.sort() as [Day, Day];
      const days = allDays.filter((day) => from <= day && day <= to);
      const at = (listing: Listing, day: Day) => stateOn(listing, day, dataThrough);
      return { source, listings: file.listings, from, to, days, allDays, states, stateOn: at };
    })
    .filter(({ allDays }) => allDays.length > 0);
}

function daysBetween(from: Day, to: Day): Day[] {
  const days: Day[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) days.push(day);
  return days;
}

function names(listings: readonly Listing[]): string[] {
  return [...new Set(listings.map((listing) => listing.symbol))];
}

function byDate(a: [string, ...unknown[]], b: [string, ...unknown[]]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function check(name: string, test: (world: World) => void): void {
  Deno.test(name, () => fc.assert(fc.property(worlds(), test)));
}

check("`snapshot()` agrees with a loop over the listings", (world) => {
  const inState = (l: Listing) => (world.states as string[]).includes(world.stateOn(l, world.from));
  const expected = world.listings.filter(inState);
  const { states } = world;
  const answer = snapshot(world.source, world.from, { states, detail: true });
  assertEquals(answer.symbols, expected.map((l) => l.symbol));
  assertEquals(answer.count, expected.length);
  assertEquals(
    answer.rows!.map((row) => [row.listing, row.state as string]),
    expected.map((l) => [l.id, world.stateOn(l, world.from)]),
  );
});

check("`timeline()` agrees with a loop over the days", (world) => {
  for (const symbol of names(world.listings)) {
    const lives = world.listings.filter((l) => l.symbol === symbol);
    const days = { traded: 0, archived: 0, missing: 0 };
    const rows: [string, string, string | null][] = world.allDays.map((day) => {
      const life = lives.find((l) => world.stateOn(l, day) !== "unlisted");
      const state = life ? world.stateOn(life, day) : "unlisted";
      if (life) days[state as RowState] += 1;
      return [day, state, life?.id ?? null];
    });
    const { firstDay } = world.source.index;
    const answer = timeline(world.source, symbol, { from: firstDay, to: "latest", detail: true });
    assertEquals(answer.days, days);
    assertEquals(answer.rows!.map((row) => [row.date, row.state, row.listing]), rows);
  }
});

check("`range()` agrees with a loop over days and listings", (world) => {
  const { source, from, to, states } = world;
  const expected = world.listings.filter((l) =>
    world.days.some((day) => (states as string[]).includes(world.stateOn(l, day)))
  );
  assertEquals(range(source, { from, to }, { states }).symbols, names(expected));
});

check("`summary()` agrees with a count on every day", (world) => {
  const rows = world.days.map((date) => {
    const counts = { traded: 0, archived: 0, missing: 0 };
    for (const listing of world.listings) {
      const state = world.stateOn(listing, date);
      if (state !== "unlisted") counts[state as RowState] += 1;
    }
    return { date, ...counts };
  });
  assertEquals(summary(world.source, world).rows, rows);
});

check("`newListings()` agrees with the first traded day of a loop", (world) => {
  const expected: [string, string, boolean][] = [];
  world.listings.forEach((listing, i) => {
    const date = world.allDays.find((day) => world.stateOn(listing, day) === "traded");
    if (date === undefined || date < world.from || date > world.to) return;
    expected.push([date, listing.id, world.listings[i - 1]?.symbol === listing.symbol]);
  });
  assertEquals(
    newListings(world.source, world).events.map((e) => [e.date, e.listing, e.relisting]),
    expected.sort(byDate),
  );
});

check("`delistings()` agrees with the last traded day of a loop", (world) => {
  const expected: [string, string][] = [];
  for (const listing of world.listings.filter((l) => l.lastTraded !== null)) {
    const last = world.allDays.findLast((day) => world.stateOn(listing, day) === "traded");
    // A listing whose last traded day is still to come has not ended as far as the data knows.
    if (last === undefined || last !== listing.lastTraded) continue;
    const date = addDays(last, 1);
    if (world.from <= date && date <= world.to) expected.push([date, listing.id]);
  }
  assertEquals(
    delistings(world.source, world).events.map((e) => [e.date, e.listing]),
    expected.sort(byDate),
  );
});

check("`symbols()` agrees with the listings", (world) => {
  const { symbols: found, count, rows } = symbols(world.source, { detail: true });
  assertEquals(found, names(world.listings));
  assertEquals(count, found.length);
  for (const row of rows!) {
    const lives = world.listings.filter((l) => l.symbol === row.symbol);
    assertEquals([row.listings, row.first, row.last], [
      lives.length,
      lives[0]!.first,
      lives.at(-1)!.last,
    ]);
  }
});
