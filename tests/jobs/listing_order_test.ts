import { assert, assertEquals } from "@std/assert";
import type { Day } from "../../lib/core/day.ts";
import { seedSpans, shortestLast, spanDays } from "../../lib/jobs/listing_order.ts";

Deno.test("shortestLast() keeps symbols of one page for the end: as many as the longest takes", () => {
  const days = new Map(
    Object.entries({ A: 3, B: 1200, C: 500, D: 501, E: 0, F: 20, G: 900, H: 7 }),
  );
  const order = (width: number) =>
    shortestLast([...days.keys()], (symbol) => days.get(symbol)!, width).join("");
  assertEquals(order(1), "ABCDGEFH"); // the longest has three pages
  assertEquals(order(2), "BDGACEFH");
  assertEquals(order(32), "BDGACEFH");
  assertEquals(shortestLast(["A", "B"], () => 0, 4), ["A", "B"]);
  assertEquals(shortestLast([], () => 9, 4), []);
});

Deno.test("the embedded listings tell how long a symbol has been there, all its lives together", async () => {
  const spans = await seedSpans();
  assertEquals<unknown>(spans.get("LITUSDT"), { first: "2021-02-18", last: "2026-08-08" });
  assertEquals(spanDays(spans.get("LITUSDT")), 1998);
  assertEquals(spanDays({ first: "2026-08-08" as Day, last: "2026-08-08" as Day }), 1);
  assertEquals(spanDays(spans.get("NEWUSDT")), 0);
  assert(spans.size > 900);
});
