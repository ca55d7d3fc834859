import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { json } from "../../lib/formats/json.ts";

function text(body: object, lists: string[]): string {
  const decoder = new TextDecoder();
  return [...json(body, lists)].map((chunk) => decoder.decode(chunk, { stream: true })).join("");
}

Deno.test("json() makes the bytes of JSON.stringify(), whatever the lists", () => {
  const body = fc.dictionary(
    fc.string({ maxLength: 5 }).filter((name) => name !== "__proto__"),
    fc.oneof(
      fc.array(fc.anything({ withBigInt: false }), { maxLength: 3 }),
      fc.integer({ min: 498, max: 1_502 }).map((length) =>
        Array.from({ length }, (_, i) => ({ i }))
      ),
      fc.constant(undefined),
      fc.string(),
    ),
    { maxKeys: 4 },
  );
  fc.assert(
    fc.property(body, fc.boolean(), (body, all) => {
      const lists = Object.keys(body).filter((_, i) => all || i === 0);
      assertEquals(text(body, lists), JSON.stringify(body) + "\n");
    }),
    { numRuns: 300, seed: 4 },
  );
});

Deno.test("json() makes a long list 500 rows at a time, as they are taken", () => {
  const rows = Array.from({ length: 1_200 }, (_, i) => ({ i }));
  assertEquals([...json({ count: 1_200, rows, end: true }, ["rows"])].length, 4);
  const [first] = json({ rows }, ["rows"]);
  assert(first!.length < JSON.stringify(rows).length / 2);
});
