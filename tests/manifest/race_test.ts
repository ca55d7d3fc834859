import { assertEquals } from "@std/assert";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import type { ManifestStore } from "../../lib/manifest/store.ts";
import { commitOf, withKvFile } from "../helpers/commits.ts";
import { serveKv } from "../helpers/kv_connect.ts";

const ROUNDS = 100;

/** Two publishers make a commit from the same head and send it at once; returns who won. */
async function race(stores: readonly ManifestStore[], channels: readonly string[]) {
  const commits = await Promise.all(stores.map(async (store, i) => {
    const channel = channels[i]!;
    const sequence = await store.lastSequence() + 1;
    const head = await store.head(channel);
    const version = `2024-03-31.${sequence}${i}`;
    return commitOf({ sequence, version, channel, head, by: `publisher ${i}` });
  }));
  const won = await Promise.all(stores.map((store, i) => store.commit(commits[i]!)));
  return commits.filter((_, i) => won[i]);
}

/** Races round after round, and compares what both sides were told with what KV holds. */
async function races(stores: readonly ManifestStore[], channels: readonly string[]) {
  const winners = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const won = await race(stores, channels);
    assertEquals(won.length, 1, `round ${round} has ${won.length} winners`);
    winners.push(won[0]!);
  }
  for (const store of stores) {
    const log = (await store.log(ROUNDS + 1)).reverse();
    assertEquals(log, winners.map((commit) => commit.log));
    assertEquals(log.map((entry) => entry.sequence), log.map((_, i) => i + 1));
    assertEquals(await store.lastSequence(), ROUNDS);
    for (const channel of channels) {
      const last = winners.findLast((commit) => commit.log.channel === channel);
      assertEquals(
        (await store.head(channel)).pointer,
        last ? { sequence: last.log.sequence, version: last.log.version } : null,
      );
    }
    for (const { stored, log } of winners) {
      assertEquals((await store.bySequence(log.sequence))?.text, stored.text);
      assertEquals(await store.sequenceOf(log.version), log.sequence);
    }
    assertEquals((await store.versions()).length, ROUNDS);
  }
}

for (
  const [what, channels] of [
    ["for one channel", ["latest", "latest"]],
    ["for two channels", ["latest", "candidate"]],
  ] as const
) {
  Deno.test(`100 races ${what} on one SQLite file: one winner each, no sequence twice`, async () => {
    await withKvFile(async (open) => {
      await races([kvManifestStore(await open()), kvManifestStore(await open())], channels);
    });
  });

  Deno.test(`100 races ${what} through KV Connect: one winner each, no sequence twice`, async () => {
    const server = serveKv();
    const kvs = [await Deno.openKv(server.url), await Deno.openKv(server.url)];
    await races(kvs.map((kv) => kvManifestStore(kv)), channels);
    for (const kv of kvs) kv.close();
    await server.close();
  });
}
