import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { dayNumber, parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { type DayNumbers, parseDayKline } from "../../lib/core/kline.ts";
import { anyDay } from "../helpers/arbitraries.ts";

const HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count," +
  "taker_buy_volume,taker_buy_quote_volume,ignore";

// Real rows of BTCUSDT.
const ROW_2020 = "1577836800000,7189.43,7260.43,7170.15,7197.57,56801.329,1577923199999," +
  "409678760.56957,101871,28834.200,208001969.84595,0";
const NEXT_ROW_2020 = "1577923200000,7197.57,7209.59,6922.00,6962.04,115295.677,1578009599999," +
  "815627831.08338,224747,55404.262,391911677.42577,0";
const ROW_2026 = "1788220800000,78549.60,79196.00,76368.00,77400.10,151357.832,1788307199999," +
  "11776717838.40160,3622828,72544.811,5646145648.39730,0";
const MINUTE_ROW_2020 = "1577836800000,7189.43,7190.52,7177,7182.44,246.092,1577836859999," +
  "1767430.16121,336,46.630,334813.19820,0";

const NUMBERS_2020: DayNumbers = {
  quoteVolume: 409678760.56957,
  tradeCount: 101871,
  volumeBase: 56801.329,
  takerBuyVolumeBase: 28834.2,
  takerBuyQuoteVolume: 208001969.84595,
  open: 7189.43,
  high: 7260.43,
  low: 7170.15,
  close: 7197.57,
};

const NUMBERS_2026: DayNumbers = {
  quoteVolume: 11776717838.4016,
  tradeCount: 3622828,
  volumeBase: 151357.832,
  takerBuyVolumeBase: 72544.811,
  takerBuyQuoteVolume: 5646145648.3973,
  open: 78549.6,
  high: 79196,
  low: 76368,
  close: 77400.1,
};

/** The row of 2020-01-01 with some of its fields replaced, by their index. */
function rowWith(fields: Record<number, string>): string {
  return ROW_2020.split(",").map((field, i) => fields[i] ?? field).join(",");
}

const GOOD: { of: string; csv: string; day?: string; numbers: DayNumbers }[] = [
  { of: "a file of 2020, without a header", csv: `${ROW_2020}\n`, numbers: NUMBERS_2020 },
  {
    of: "a file of 2026, with one",
    csv: `${HEADER}\n${ROW_2026}\n`,
    day: "2026-09-01",
    numbers: NUMBERS_2026,
  },
  { of: "no line end", csv: ROW_2020, numbers: NUMBERS_2020 },
  {
    of: "CRLF, and a blank line",
    csv: `${HEADER}\r\n${ROW_2020}\r\n\r\n`,
    numbers: NUMBERS_2020,
  },
  {
    of: "a header in upper case",
    csv: `${HEADER.toUpperCase()}\n${ROW_2020}`,
    numbers: NUMBERS_2020,
  },
  {
    of: "times in µs",
    csv: rowWith({ 0: "1577836800000000", 6: "1577923199999999" }),
    numbers: NUMBERS_2020,
  },
  {
    of: "an exponent",
    csv: rowWith({ 9: "2.88342E+4", 10: "1e-8" }),
    numbers: { ...NUMBERS_2020, takerBuyQuoteVolume: 1e-8 },
  },
  {
    of: "a day without trades",
    csv: "1577836800000,0.5,0.5,0.5,0.5,0,1577923199999,0,0,0,0,0",
    numbers: {
      quoteVolume: 0,
      tradeCount: 0,
      volumeBase: 0,
      takerBuyVolumeBase: 0,
      takerBuyQuoteVolume: 0,
      open: 0.5,
      high: 0.5,
      low: 0.5,
      close: 0.5,
    },
  },
  { of: "an `ignore` of any kind", csv: rowWith({ 11: "x" }), numbers: NUMBERS_2020 },
];

for (const { of, csv, day = "2020-01-01", numbers } of GOOD) {
  Deno.test(`parseDayKline() reads ${of}`, () => {
    assertEquals(parseDayKline(csv, parseDay(day)), numbers);
  });
}

const BAD: { of: string; csv: string; says: string }[] = [
  { of: "nothing", csv: "", says: "it has 0 rows instead of 1" },
  { of: "a header alone", csv: `${HEADER}\n`, says: "it has 0 rows instead of 1" },
  { of: "two headers", csv: `${HEADER}\n${HEADER}\n`, says: 'open_time is "open_time"' },
  { of: "two days", csv: `${ROW_2020}\n${NEXT_ROW_2020}\n`, says: "it has 2 rows instead of 1" },
  { of: "the same day twice", csv: `${ROW_2020}\n${ROW_2020}\n`, says: "it has 2 rows" },
  { of: "a blank line between", csv: `${HEADER}\n\n${ROW_2020}\n`, says: "it has 2 rows" },
  { of: "another day", csv: NEXT_ROW_2020, says: 'open_time is "1577923200000", not the start of' },
  { of: "a minute", csv: MINUTE_ROW_2020, says: 'close_time is "1577836859999", not the end of' },
  { of: "11 columns", csv: ROW_2020.slice(0, -2), says: "its row has 11 columns instead of 12" },
  { of: "13 columns", csv: `${ROW_2020},0`, says: "its row has 13 columns instead of 12" },
  { of: "semicolons", csv: ROW_2020.replaceAll(",", ";"), says: "its row has 1 columns" },
  { of: "an HTML page", csv: "<html>\n</html>", says: "it has 2 rows" },
  { of: "a JSON error", csv: '{"code":0}', says: "its row has 1 columns" },
  {
    of: "columns in another order",
    csv: `${HEADER.replace("volume,close_time,quote_volume", "quote_volume,close_time,volume")}\n` +
      ROW_2020,
    says: 'unknown header "open_time,open,high',
  },
  { of: "times in s", csv: rowWith({ 0: "1577836800" }), says: 'open_time is "1577836800"' },
  { of: "µs, then ms", csv: rowWith({ 0: "1577836800000000" }), says: "close_time is" },
  { of: "ms, then µs", csv: rowWith({ 6: "1577923199999999" }), says: "close_time is" },
  { of: "no open time", csv: rowWith({ 0: "" }), says: 'open_time is ""' },
  { of: "an open time with a fraction", csv: rowWith({ 0: "1577836800000.0" }), says: "open_time" },
  { of: "half a trade", csv: rowWith({ 8: "1.5" }), says: "count is 1.5, not a whole number" },
  { of: "endless trades", csv: rowWith({ 8: "1e17" }), says: "count is 100000000000000000" },
  { of: "high below low", csv: rowWith({ 2: "7000" }), says: "high 7000 is below low 7170.15" },
  { of: "open above high", csv: rowWith({ 1: "8000" }), says: "open 8000 is not between low" },
  { of: "close below low", csv: rowWith({ 4: "1" }), says: "close 1 is not between low" },
  {
    of: "more bought than traded, base",
    csv: rowWith({ 9: "56801.330" }),
    says: "taker_buy_volume 56801.33 is above volume 56801.329",
  },
  {
    of: "more bought than traded, quote",
    csv: rowWith({ 10: "409678760.6" }),
    says: "taker_buy_quote_volume 409678760.6 is above quote_volume 409678760.56957",
  },
];

const NUMERIC = {
  1: "open",
  2: "high",
  3: "low",
  4: "close",
  5: "volume",
  7: "quote_volume",
  8: "count",
  9: "taker_buy_volume",
  10: "taker_buy_quote_volume",
};
const NO_NUMBERS = [
  "",
  " ",
  "-1",
  "+1",
  "NaN",
  "Infinity",
  "1e999",
  "0x10",
  "1.",
  ".5",
  "1 ",
  "1_0",
];

for (const [index, column] of Object.entries(NUMERIC)) {
  for (const text of NO_NUMBERS) {
    const says = `${column} is ${JSON.stringify(text)}, not a number of 0 or more`;
    BAD.push({ of: `${column} ${JSON.stringify(text)}`, csv: rowWith({ [index]: text }), says });
  }
}

Deno.test("parseDayKline() refuses everything else in one line that names the day", async (t) => {
  for (const { of, csv, says } of BAD) {
    await t.step(of, () => {
      const error = assertThrows(() => parseDayKline(csv, parseDay("2020-01-01")), BfaError);
      assertEquals(error.code, "integrity");
      assertEquals(error.message.startsWith("Cannot read the 1d kline of 2020-01-01: "), true);
      assertStringIncludes(error.message, says);
      assertEquals(/[\r\n]/.test(error.message), false);
      assertEquals(error.message.length < 200, true);
    });
  }
});

Deno.test("parseDayKline() reads any kline as it was written", () => {
  const price = fc.double({ min: 0, max: 1e9, noNaN: true });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const kline = fc.record({
    day: anyDay().filter((day) => day >= "2019-12-31" && day < "2100-01-01"),
    prices: fc.array(price, { minLength: 4, maxLength: 4 }),
    volume: price,
    quoteVolume: price,
    tradeCount: fc.nat(),
    taker: share,
    header: fc.boolean(),
  });
  fc.assert(fc.property(kline, (made) => {
    const [low, open, close, high] = made.prices.toSorted((a, b) => a - b).map(Math.abs) as [
      number,
      number,
      number,
      number,
    ];
    const numbers: DayNumbers = {
      quoteVolume: Math.abs(made.quoteVolume),
      tradeCount: made.tradeCount,
      volumeBase: Math.abs(made.volume),
      takerBuyVolumeBase: Math.abs(made.volume * made.taker),
      takerBuyQuoteVolume: Math.abs(made.quoteVolume * made.taker),
      open,
      high,
      low,
      close,
    };
    const start = dayNumber(made.day) * 86_400_000;
    const row = [start, open, high, low, close, numbers.volumeBase, start + 86_399_999]
      .concat(numbers.quoteVolume, numbers.tradeCount, numbers.takerBuyVolumeBase)
      .concat(numbers.takerBuyQuoteVolume, 0).join(",");
    assertEquals(parseDayKline(made.header ? `${HEADER}\n${row}\n` : row, made.day), numbers);
  }));
});
