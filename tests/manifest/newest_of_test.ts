import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { newestOf } from "../../lib/manifest/newest_of.ts";
import type { ChannelPointer, ManifestReader } from "../../lib/manifest/store.ts";

/** A reader of one channel at a sequence, which has manifests up to there. */
function reader(sequence: number, moves: readonly number[] = []): ManifestReader {
  const pointer = (sequence: number) => ({ sequence, version: `2024-03-31.${sequence}` });
  return {
    head: () => Promise.resolve({ pointer: pointer(sequence), versionstamp: null }),
    bySequence: () => Promise.resolve(undefined),
    bySequences: () => Promise.resolve([]),
    sequenceOf: (version) =>
      Promise.resolve(Number(version.at(-1)) <= sequence ? sequence : undefined),
    versions: () => Promise.resolve([pointer(sequence)]),
    channels: () => Promise.resolve({ latest: pointer(sequence) }),
    async *watch() {
      yield pointer(sequence);
      for (const move of moves) yield pointer(await Promise.resolve(move));
    },
  };
}

const failing: ManifestReader = {
  ...reader(9),
  head: () => Promise.reject(new BfaError("network", "Cannot reach it")),
  bySequence: () => Promise.reject(new BfaError("network", "Cannot reach it")),
};

const silent: ManifestReader = { ...reader(9), head: () => new Promise(() => {}) };

Deno.test("newestOf() is where the highest sequence is", async () => {
  const both = newestOf([reader(2), reader(3)]);
  assertEquals((await both.head("latest")).pointer?.sequence, 3);
  assertEquals(await both.sequenceOf("2024-03-31.1"), 3);
  assertEquals(await both.sequenceOf("2024-03-31.4"), undefined);
  assertEquals((await both.versions()).map(({ sequence }) => sequence), [2, 3]);
  assertEquals((await both.channels()).latest?.sequence, 3);
});

Deno.test("newestOf() passes over who fails and who says nothing, as long as one answers", async () => {
  assertEquals((await newestOf([failing, reader(2)]).head("latest")).pointer?.sequence, 2);
  assertEquals((await newestOf([reader(2), silent], 1).head("latest")).pointer?.sequence, 2);
  await assertRejects(() => newestOf([failing, failing]).head("latest"), BfaError, "reach");
  await assertRejects(() => newestOf([silent], 1).head("latest"), BfaError, "no answer in 1 ms");
  // A manifest that one does not have may be at the one that failed.
  await assertRejects(() => newestOf([failing, reader(2)]).bySequence(1), BfaError, "reach");
  assertEquals(await newestOf([reader(2)]).bySequence(1), undefined);
});

Deno.test("newestOf() watches all of them, and never goes back", async () => {
  const seen: (number | undefined)[] = [];
  const watched = newestOf([reader(2, [5, 7]), reader(3, [4, 6])]);
  for await (const pointer of watched.watch("latest", new AbortController().signal)) {
    seen.push((pointer as ChannelPointer | null)?.sequence);
  }
  assertEquals(seen.at(-1), 7);
  assertEquals(seen, seen.toSorted());
});

Deno.test("newestOf() does not tell what is behind what it has said, whoever is faster", async () => {
  const slow: ManifestReader = {
    ...reader(3),
    async *watch(...asked) {
      await new Promise((resolve) => setTimeout(resolve));
      yield* reader(3, [4]).watch(...asked);
    },
  };
  const both = newestOf([reader(2), slow]);
  assertEquals((await both.head("latest")).pointer?.sequence, 3);
  const seen: (number | undefined)[] = [];
  for await (const pointer of both.watch("latest", new AbortController().signal)) {
    seen.push(pointer?.sequence);
  }
  assertEquals(seen, [3, 4]);
});
