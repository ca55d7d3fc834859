import { assertEquals } from "@std/assert";
import { DEFAULT_RETRY, isTransient, readRetryAfter, retryDelayMs } from "../../lib/net/retry.ts";

Deno.test("retryDelayMs() doubles, is spread by random, and has a ceiling", () => {
  const policy = { tries: 9, baseMs: 400, mostMs: 20_000 };
  const cases: [attempt: number, random: number, expected: number][] = [
    [1, 0, 0],
    [1, 0.5, 200],
    [1, 0.999_999, 399],
    [2, 0.5, 400],
    [3, 0.5, 800],
    [4, 0.5, 1600],
    [5, 0.5, 3200],
    [6, 0.5, 6400],
    [7, 0.5, 10_000],
    [60, 0.5, 10_000],
    [2000, 0.5, 10_000],
  ];
  for (const [attempt, random, expected] of cases) {
    assertEquals(retryDelayMs(attempt, random, policy), expected, `try ${attempt}, ${random}`);
  }
});

Deno.test("retryDelayMs(): what the server asked for wins over backoff", () => {
  for (const asked of [0, 1, 7000, 60_000]) {
    assertEquals(retryDelayMs(1, 0.9, DEFAULT_RETRY, asked), asked);
    assertEquals(retryDelayMs(6, 0, DEFAULT_RETRY, asked), asked);
  }
});

Deno.test("DEFAULT_RETRY is at most 6 tries, within 12.4 s of waiting", () => {
  assertEquals(DEFAULT_RETRY.tries, 6);
  const longest = [1, 2, 3, 4, 5].map((attempt) => retryDelayMs(attempt, 1, DEFAULT_RETRY));
  assertEquals(longest, [400, 800, 1600, 3200, 6400]);
});

Deno.test("readRetryAfter() reads seconds and HTTP dates, and nothing else", () => {
  const now = new Date("2024-04-01T12:00:00Z");
  const cases: [header: string | null, expected: number | undefined][] = [
    [null, undefined],
    ["0", 0],
    ["1", 1000],
    [" 120 ", 120_000],
    ["999999999", 999_999_999_000],
    ["Mon, 01 Apr 2024 12:00:30 GMT", 30_000],
    ["Monday, 01-Apr-24 12:00:30 GMT", 30_000],
    ["Mon, 01 Apr 2024 11:00:00 GMT", 0],
    ["", undefined],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["5 minutes", undefined],
    ["1e3", undefined],
    ["99999999999", undefined],
  ];
  const read = cases.map(([header]) => [header, readRetryAfter(header, now)]);
  assertEquals(read, cases);
});

Deno.test("isTransient() is true for what may be gone on the next try", () => {
  const statuses = [400, 401, 403, 404, 408, 409, 410, 416, 425, 429, 500, 501, 502, 503, 504];
  assertEquals(statuses.filter(isTransient), [408, 425, 429, 500, 502, 503, 504]);
});
