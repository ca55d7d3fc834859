import { assertEquals, assertRejects } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import type { RowPieces } from "../../lib/jobs/row_pieces.ts";
import type { AskedVersion } from "../../lib/jobs/version_sources.ts";
import { differ } from "../../routes/differ.ts";
import { manifestBody } from "../helpers/manifest_body.ts";
import { LISTINGS } from "../helpers/service.ts";

const index = new ListingIndex({ dataThrough: parseDay("2024-03-31"), listings: LISTINGS });

/** A version whose rows are read when the test says so. */
function versions() {
  const go = Promise.withResolvers<void>();
  let reading = 0;
  const pieces: RowPieces = {
    layouts: ["blocks"],
    async pieces(_, signal) {
      reading++;
      await go.promise;
      signal?.throwIfAborted();
      return [];
    },
    cells: () => Promise.resolve([]),
  };
  const named = (version: string): AskedVersion => ({
    source: { version, index },
    stored: { manifest: { signed: manifestBody({ version }), signatures: [] } },
  });
  // Each comparison is of another pair: what one finds out is no help to the next.
  let made = 0;
  const diff = differ((asked) => ({ ...asked, pieces }));
  const ask = (client: string, signal?: AbortSignal) =>
    diff(named(`2024-03-31.${++made}`), named("2024-03-30.1"), { client, signal });
  return { ask, go, reading: () => reading };
}

const codeOf = async (answer: Promise<unknown>) =>
  (await assertRejects(() => answer, BfaError)).code;

Deno.test("differ(): two compare at once, 16 wait; a client that leaves ends what it waits for", async () => {
  const { ask, go, reading } = versions();
  const leave = new AbortController();
  const taken = ["a", "b", "c", "d"].flatMap((client) => [0, 1, 2, 3].map(() => ask(client)));
  assertEquals(await codeOf(ask("a")), "too_many");
  const left = [ask("e", leave.signal), ask("f", leave.signal)];
  assertEquals(await codeOf(ask("g")), "busy");
  leave.abort();
  assertEquals(await Promise.all(left.map(codeOf)), ["deadline", "deadline"]);
  const late = [ask("e"), ask("f")];
  assertEquals(reading(), 4, "two comparisons, each of two versions");
  go.resolve();
  const answers = await Promise.all([...taken, ...late]);
  assertEquals(answers.map(({ count }) => count), Array(18).fill(0));
});
