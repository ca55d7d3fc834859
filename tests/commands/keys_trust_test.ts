import { assertEquals } from "@std/assert";
import { newRecord, sourceName } from "../../lib/cache/copy.ts";
import { folderStore } from "../../lib/cache/folder_store.ts";
import { newSecretKey } from "../../lib/manifest/signature.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";

const ENDPOINT = "http://127.0.0.1:9/";
const ROUNDS = 20;

Deno.test("bfa keys trust changes the record under its lock: nothing that others write is lost", async () => {
  await withCacheDir(async (env) => {
    const key = `ed25519:${(await newSecretKey()).x}`;
    const store = folderStore(env.BFA_CACHE_DIR!);
    const source = await sourceName(ENDPOINT, "latest");
    await store.setRecord(source, newRecord(ENDPOINT, "latest"));
    const seen = () =>
      store.withLock(source, 30_000, async () => {
        const record = (await store.record(source))!;
        await store.setRecord(source, { ...record, highestSequence: record.highestSequence + 1 });
      });
    const trust = () => bfa(["keys", "trust", key, "--endpoint", ENDPOINT], { env });
    const works = Array.from({ length: ROUNDS }, () => [seen(), trust()]).flat();
    await Promise.all(works);
    const record = (await store.record(source))!;
    assertEquals([record.highestSequence, record.pins], [ROUNDS, [key]]);
  });
});
