import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DAILY_SCHEDULE,
  type Freshness,
  freshnessAt,
  freshnessWindow,
  instant,
  isOfFuture,
  REFRESH_ACTIONS,
} from "../../lib/core/freshness.ts";

const WINDOW = {
  refreshAfter: "2026-11-22T12:00:00Z",
  staleAfter: "2026-11-22T18:00:00Z",
  expiresAt: "2026-12-05T12:04:11Z",
};

Deno.test("`freshnessAt()` changes on the second", () => {
  const cases: [string, Freshness][] = [
    ["2026-11-21T00:00:00Z", "fresh"],
    ["2026-11-22T11:59:59.999Z", "fresh"],
    ["2026-11-22T12:00:00Z", "due"],
    ["2026-11-22T17:59:59.999Z", "due"],
    ["2026-11-22T18:00:00Z", "stale"],
    ["2026-12-05T12:04:10.999Z", "stale"],
    ["2026-12-05T12:04:11Z", "expired"],
    ["2036-01-01T00:00:00Z", "expired"],
  ];
  for (const [now, expected] of cases) assertEquals(freshnessAt(WINDOW, new Date(now)), expected);
});

Deno.test("`freshnessAt()` never calls a copy better as time goes on", () => {
  const order: Freshness[] = ["fresh", "due", "stale", "expired"];
  const time = fc.integer({
    min: Date.parse("2026-11-20T00:00:00Z"),
    max: Date.parse("2026-12-10T00:00:00Z"),
  });
  fc.assert(fc.property(time, time, (a, b) => {
    const [early, late] = [Math.min(a, b), Math.max(a, b)]
      .map((ms) => order.indexOf(freshnessAt(WINDOW, new Date(ms))));
    assertEquals(early! <= late!, true);
  }));
});

Deno.test("a window without a grace period goes from fresh to stale at once", () => {
  const window = { ...WINDOW, staleAfter: WINDOW.refreshAfter };
  assertEquals(freshnessAt(window, new Date("2026-11-22T11:59:59Z")), "fresh");
  assertEquals(freshnessAt(window, new Date("2026-11-22T12:00:00Z")), "stale");
});

Deno.test("`isOfFuture()` lets clocks be five minutes apart", () => {
  const body = { publishedAt: "2026-11-21T12:04:11Z" };
  const cases: [now: string, expected: boolean][] = [
    ["1970-01-01T00:00:00Z", true],
    ["2026-11-21T11:59:10.999Z", true],
    ["2026-11-21T11:59:11Z", false],
    ["2026-11-21T12:04:11Z", false],
    ["2036-01-01T00:00:00Z", false],
  ];
  for (const [now, expected] of cases) assertEquals(isOfFuture(body, new Date(now)), expected);
});

Deno.test("only a fresh copy needs no network, only an expired one must have it", () => {
  assertEquals(REFRESH_ACTIONS, {
    fresh: "none",
    due: "background",
    stale: "first",
    expired: "required",
  });
});

Deno.test("`freshnessWindow()` ends at the next run that is at least six hours away", () => {
  const cases: [publishedAt: string, refreshAfter: string][] = [
    ["2026-11-21T12:04:11Z", "2026-11-22T12:00:00Z"],
    ["2026-11-21T11:50:00Z", "2026-11-22T12:00:00Z"],
    ["2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"],
    ["2026-11-21T06:00:00Z", "2026-11-21T12:00:00Z"],
    ["2026-11-21T06:00:01Z", "2026-11-22T12:00:00Z"],
    ["2026-11-21T00:00:00Z", "2026-11-21T12:00:00Z"],
    ["2026-11-21T23:59:59Z", "2026-11-22T12:00:00Z"],
    ["2024-02-28T12:05:00Z", "2024-02-29T12:00:00Z"],
    ["2026-12-31T12:05:00Z", "2027-01-01T12:00:00Z"],
  ];
  for (const [publishedAt, refreshAfter] of cases) {
    const window = freshnessWindow(new Date(publishedAt), DAILY_SCHEDULE);
    assertEquals(window.refreshAfter, refreshAfter, publishedAt);
  }
});

Deno.test("`freshnessWindow()` adds the grace, and the signature's life to the publication", () => {
  assertEquals(freshnessWindow(new Date("2026-11-21T12:04:11.987Z"), DAILY_SCHEDULE), {
    refreshAfter: "2026-11-22T12:00:00Z",
    staleAfter: "2026-11-22T18:00:00Z",
    expiresAt: "2026-12-05T12:04:11Z",
  });
  const schedule = { runAtMinutes: 30, graceMinutes: 0, validDays: 2 };
  assertEquals(freshnessWindow(new Date("2026-11-21T00:31:00Z"), schedule), {
    refreshAfter: "2026-11-22T00:30:00Z",
    staleAfter: "2026-11-22T00:30:00Z",
    expiresAt: "2026-11-23T00:31:00Z",
  });
});

Deno.test("`freshnessWindow()` is in order and fresh when published, at any time of any day", () => {
  const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(fc.property(time, fc.integer({ min: 0, max: 1439 }), (ms, runAtMinutes) => {
    const window = freshnessWindow(new Date(ms), { ...DAILY_SCHEDULE, runAtMinutes });
    const [refresh, stale, expires] = [window.refreshAfter, window.staleAfter, window.expiresAt]
      .map((text) => Date.parse(text));
    assertEquals(freshnessAt(window, new Date(ms)), "fresh");
    assertEquals(refresh! <= stale! && stale! <= expires!, true);
    assertEquals(refresh! - ms >= 6 * 3_600_000 && refresh! - ms < 30 * 3_600_000, true);
  }));
});

Deno.test("`instant()` writes whole seconds, rounded down", () => {
  assertEquals(instant(0), "1970-01-01T00:00:00Z");
  assertEquals(instant(1_999), "1970-01-01T00:00:01Z");
  assertEquals(instant(new Date("2026-11-21T12:04:11.999Z")), "2026-11-21T12:04:11Z");
});
