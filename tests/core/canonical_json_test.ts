import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, type Json } from "../../lib/core/canonical_json.ts";

Deno.test("`canonicalJson()` writes the example of RFC 8785 §3.2.2, byte for byte as in §3.2.4", () => {
  const source = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  const bytes = new TextEncoder().encode(canonicalJson(JSON.parse(source)));
  assertEquals(
    bytes.toHex(),
    "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c" +
      "226e756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c" +
      "22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d",
  );
});

Deno.test("`canonicalJson()` sorts members by UTF-16 code units, as RFC 8785 §3.2.3", () => {
  const names = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  assertEquals(Object.values(JSON.parse(canonicalJson(names))), [
    // `JSON.parse()` puts the name that looks like an index first
    "One",
    "Carriage Return",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
  assertEquals(
    canonicalJson(names),
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control",' +
      '"\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",' +
      '"\ud83d\ude00":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  );
});

Deno.test("`canonicalJson()` writes the numbers of RFC 8785 appendix B", () => {
  const samples: [string, string][] = [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ];
  for (const [bits, expected] of samples) assertEquals(canonicalJson(double(bits)), expected, bits);
});

Deno.test("`canonicalJson()` refuses what JSON cannot hold", () => {
  const impossible: Json[] = [
    double("7fffffffffffffff"),
    double("7ff0000000000000"),
    -Infinity,
    [1, [NaN]],
    "\ud800",
    "a\udc00b",
    { "\udfff": 1 },
    { a: ["\ud83d"] },
  ];
  for (const value of impossible) assertThrows(() => canonicalJson(value), TypeError, "Cannot");
});

Deno.test("`canonicalJson()` sorts at every depth, keeps the order of lists, writes no space", () => {
  const cases: [Json, string][] = [
    [null, "null"],
    ["", '""'],
    [[], "[]"],
    [{}, "{}"],
    [
      { b: { d: 1, c: [3, 2, 1] }, a: [{ z: 0, y: 0 }] },
      '{"a":[{"y":0,"z":0}],"b":{"c":[3,2,1],"d":1}}',
    ],
    [{ "10": 0, "9": 0, B: 0, a: 0, "": 0 }, '{"":0,"10":0,"9":0,"B":0,"a":0}'],
    ["\u007f\u2028é币", '"\u007f\u2028é币"'],
    ['\b\t\n\f\r\u0001"\\/', '"\\b\\t\\n\\f\\r\\u0001\\"\\\\/"'],
    [JSON.parse('{"__proto__":1,"constructor":2}'), '{"__proto__":1,"constructor":2}'],
  ];
  for (const [value, expected] of cases) assertEquals(canonicalJson(value), expected);
});

Deno.test("`canonicalJson()` means the same value, and its own form is canonical", () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }), (value) => {
    const text = canonicalJson(value as Json);
    assertEquals(text, canonicalJson(JSON.parse(text)));
    assertEquals(JSON.parse(text), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("`canonicalJson()` does not depend on the order in which members were written", () => {
  const members = fc.uniqueArray(fc.tuple(fc.string(), fc.integer()), {
    selector: ([name]) => name,
  });
  fc.assert(fc.property(members, (entries) => {
    const forwards = canonicalJson(Object.fromEntries(entries));
    assertEquals(canonicalJson(Object.fromEntries(entries.toReversed())), forwards);
  }));
});

/** The number with these IEEE 754 bits. */
function double(hex: string): number {
  return new DataView(Uint8Array.fromHex(hex).buffer).getFloat64(0);
}
