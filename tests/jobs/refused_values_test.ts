/** Values that no program should pass, and that JavaScript lets through: each is refused, and nobody is asked. */

import { assert, assertEquals } from "@std/assert";
import { BfaError, type Dataset, open } from "../../lib/mod.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";

// deno-lint-ignore no-explicit-any -- what callers without types may give
type Anything = any;

async function refused(what: string, ask: () => Promise<unknown>): Promise<string> {
  const error = await ask().then(() => undefined, (error) => error);
  assert(error instanceof BfaError, `${what}: ${error}`);
  assertEquals([what, error.code], [what, "usage"]);
  return error.message;
}

Deno.test("open() refuses options that it would otherwise misread or leave out", async () => {
  const cases: [string, unknown[], string][] = [
    ["endpoint", [null, 5, new URL("http://127.0.0.1:1/")], "give a text"],
    ["channel", [null, 5], "give a text"],
    ["version", [null, 5, "", "latest"], ""],
    ["offline", ["no", 1, null], "give true or false"],
    ["cacheDir", [5, {}, new URL("file:///tmp")], "give a text, or null"],
    ["copy", ["memory", "all", null], 'give "none", or leave it out'],
    ["maxAge", [-1, NaN, "5"], "give milliseconds, from 0 on"],
    ["budget", [-1, NaN, Infinity, 2 ** 31, "5"], "give milliseconds, from 0 to 2147483647"],
    ["trustedKeys", ["ed25519:x", [5], null], "give a list of texts"],
    ["downloadHosts", ["github.com", [5]], "give a list of texts"],
    ["fetch", [5, null], "give a function"],
    ["onNotice", ["x"], "give a function"],
    ["now", [new Date()], "give a function"],
  ];
  for (const [name, values, kind] of cases) {
    for (const value of values) {
      const message = await refused(
        `${name} ${value}`,
        () => open({ cacheDir: null, [name]: value } as Anything),
      );
      if (kind) assertEquals(message, `Cannot use the option "${name}": ${kind}`);
    }
  }
  for (const options of [null, 5, "http://127.0.0.1:1/", []] as Anything[]) {
    assertEquals(
      await refused(`${options}`, () => open(options)),
      "Cannot use the options: give an object, such as { offline: true }",
    );
  }
});

Deno.test("questions refuse values of another kind, and numbers that count nothing", async () => {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const server = serveMirror(publisher.mirrorDir);
    try {
      const cacheDir = `${publisher.dir}/cache`;
      const bfa = await open({ endpoint: server.url, cacheDir, now: () => publisher.clock });
      await bfa.snapshot("latest");
      const questions: [string, unknown[], (bfa: Dataset, value: Anything) => Promise<unknown>][] =
        [
          [
            "day",
            [["2024-02-10"], Symbol("x"), null, 20240210, new Date()],
            (b, v) => b.snapshot(v),
          ],
          ["day", [["2024-02-10"], Symbol("x"), null], (b, v) => b.rows({ day: v })],
          ["day", [["2024-02-10"], null], (b, v) => b.top(v)],
          ["symbol", [undefined, null, 5, ["S01USDT"]], (b, v) => b.timeline(v)],
          ["symbol", [null, 5], (b, v) => b.rows({ symbol: v })],
          ["states", ["traded", null, [null], 5], (b, v) => b.snapshot("latest", { states: v })],
          ["columns", [null, "close_price", [5]], (b, v) => b.rows({ day: "latest", columns: v })],
          ["question", [undefined, null, 5], (b, v) => b.rows(v)],
          ["version", ["", null, 5, new Date()], (b, v) => b.at(v).snapshot("latest")],
          ["version", ["", null, 5], (b, v) => b.diff(v, "latest")],
          ["limit", [-1, NaN, 1.5, "5"], (b, v) => b.diff("latest", "latest", { limit: v })],
          ["offset", [-1, NaN, 1.5, Infinity], (b, v) => b.diff("latest", "latest", { offset: v })],
          ["class", ["revisions", 5, null], (b, v) => b.diff("latest", "latest", { class: v })],
          ["symbol", [5, null], (b, v) => b.diff("latest", "latest", { symbol: v })],
          ["name", [5, 5n, undefined], (b, v) => b.path(v)],
          ["names", ["parts/", null, [5]], (b, v) => b.pull(v)],
          ["pollMs", [0, -1, NaN, Infinity, 2 ** 31], (b, pollMs) => b.watch({ pollMs }).next()],
        ];
      server.take();
      for (const [what, values, ask] of questions) {
        for (const value of values) {
          await refused(`${what} ${String(value)}`, () => ask(bfa, value));
        }
      }
      assertEquals(server.take(), []);
    } finally {
      await server.close();
    }
  });
});

Deno.test("a watch ends when it is called off while the publisher says nothing", async () => {
  await withPublisher(async (publisher) => {
    await publisher.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const server = serveMirror(publisher.mirrorDir);
    const stop = new AbortController();
    const release = Promise.withResolvers<void>();
    try {
      const bfa = await open({ endpoint: server.url, cacheDir: null, now: () => publisher.clock });
      server.fault = () => {
        stop.abort();
        return release.promise.then(() => undefined as unknown as Response);
      };
      assertEquals(await bfa.watch({ signal: stop.signal }).next(), {
        done: true,
        value: undefined,
      });
      release.resolve();
      assertEquals((await bfa.refresh()).version, "2024-03-31.1");
    } finally {
      await server.close();
    }
  });
});
