/**
 * A publisher in a process of its own: publishes small versions, one after another, until it is
 * killed. It writes a dot before every step, and `<sequence>` after every publish that succeeded.
 *
 *     deno run -A tests/helpers/publish_process.ts KV_FILE MIRROR_DIR BUILD_DIR
 *
 * @module
 */

import { join } from "@std/path";
import { DAILY_SCHEDULE } from "../../lib/core/freshness.ts";
import { listing } from "./listing.ts";
import { publish, type Publisher } from "../../lib/jobs/publish.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import type { ManifestStore } from "../../lib/manifest/store.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import type { AnyMirror } from "../../lib/mirror/mirror.ts";
import { buildListings } from "./publisher.ts";

/** A publisher on a KV and a mirror folder, with a fresh key. */
export async function publisherOn(kv: Deno.Kv, mirrorDir: string): Promise<Publisher> {
  return {
    store: kvManifestStore(kv),
    mirrors: [directoryMirror(mirrorDir)],
    signers: [await signer(await newSecretKey())],
    schedule: DAILY_SCHEDULE,
    mirrorUrls: [],
    by: `process ${Deno.pid}`,
    now: () => new Date("2024-04-01T12:05:00Z"),
  };
}

/** Publishes the next small version: its listings follow from its number. Returns its sequence. */
export async function publishNext(publisher: Publisher, buildDir: string): Promise<number> {
  const number = await publisher.store.lastSequence() + 1;
  const version = `2024-03-31.${number}`;
  const dir = join(buildDir, version);
  const built = await buildListings(dir, version, [listing(`S${number}USDT#1`, "2024-01-01")]);
  const { stored } = await publish(publisher, built, dir);
  return stored.manifest.signed.sequence;
}

/** A publisher that says when it takes a step. */
function withSteps(publisher: Publisher, step: () => void): Publisher {
  const { store, mirrors } = publisher;
  const noisy = <T extends AnyMirror | ManifestStore>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value = Reflect.get(object, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => (step(), value.apply(object, args));
      },
    });
  return { ...publisher, store: noisy(store), mirrors: mirrors.map(noisy) };
}

async function main([kvFile, mirrorDir, buildDir]: string[]): Promise<void> {
  const say = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(text));
  const publisher = await publisherOn(await Deno.openKv(kvFile), mirrorDir!);
  const noisy = withSteps(publisher, () => say("."));
  for (;;) say(`<${await publishNext(noisy, buildDir!)}>`);
}

if (import.meta.main) await main(Deno.args);
