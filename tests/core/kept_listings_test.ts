import { assertEquals, assertThrows } from "@std/assert";
import { addDays, type Day, parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import { KeptListings } from "../../lib/core/kept_listings.ts";
import { parseListings } from "../../lib/core/listings_file.ts";

const SEED = Deno.readTextFileSync(new URL("../../data/seed.json", import.meta.url));

Deno.test("`KeptListings` are the listings that `parseListings()` reads", () => {
  const whole = parseListings(SEED);
  const kept = new KeptListings(SEED);
  assertEquals(kept.dataThrough, whole.dataThrough);
  assertEquals(kept.firstDay, new ListingIndex(whole).firstDay);
  assertEquals(kept.listings, whole.listings);
});

Deno.test("`KeptListings` of a day are those that have begun and not ended, in order", () => {
  const whole = parseListings(SEED);
  const kept = new KeptListings(SEED);
  for (let day: Day = parseDay("2019-12-30"); day <= "2026-08-09"; day = addDays(day, 41)) {
    const alive = whole.listings.filter((l) =>
      l.first <= day && (l.last === null || l.last >= day)
    );
    assertEquals(kept.on(day), alive);
    assertEquals(kept.startsBy(day), whole.listings.some((l) => l.first <= day));
  }
});

Deno.test("an index of `KeptListings` answers like one of all listings", () => {
  const [a, b] = [new ListingIndex(parseListings(SEED)), new ListingIndex(new KeptListings(SEED))];
  const on = (index: ListingIndex, day: string) => {
    const found: [string, string][] = [];
    index.forEachOn(parseDay(day), ({ id }, state) => found.push([id, state]));
    return found;
  };
  for (const day of ["2019-12-31", "2022-04-11", "2024-01-15", "2025-11-20", "2026-08-08"]) {
    assertEquals(on(b, day), on(a, day));
  }
  assertEquals(b.lives("LITUSDT"), a.lives("LITUSDT"));
  for (const day of ["2019-12-30", "2019-12-31"]) {
    assertEquals(b.startsBy(parseDay(day)), day === "2019-12-31");
    assertEquals(a.startsBy(parseDay(day)), day === "2019-12-31");
  }
  assertEquals(b.symbols, a.symbols);
});

Deno.test("`KeptListings` of a later format, or torn ones, are refused", () => {
  const cases: [text: string, code: string][] = [
    [SEED.replace('"listingsFormat":1', '"listingsFormat":2'), "format_too_new"],
    [SEED.slice(0, 1000), "integrity"],
    ["[]", "integrity"],
  ];
  for (const [text, code] of cases) {
    assertEquals(assertThrows(() => new KeptListings(text), BfaError).code, code);
  }
});
