/**
 * Catch up: a store that is behind its mirrors takes in the manifests they show. A publisher's KV that
 * was lost, or restored from an older copy, must not give a number twice: clients that have seen the
 * first one refuse the second.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { isOlder } from "../core/version.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { LogAction, ManifestStore, StoredManifest } from "../manifest/store.ts";
import { type AnyMirror, LATEST_PATH } from "../mirror/mirror.ts";
import { anyManifestAt, anyManifestOn } from "./mirror_documents.ts";
import type { Publisher } from "./publish.ts";

/** A manifest that only a mirror has. */
interface Found {
  readonly stored: StoredManifest;
  readonly mirror: AnyMirror;
}

/**
 * Takes in what mirrors show and the store does not have.
 *
 * @returns The sequences that were taken in.
 * @throws {BfaError} `untrusted` for manifests that neither this publisher's keys signed nor keys that
 *   handed over to them; `conflict` when a mirror is ahead and none shows what lies between.
 */
export async function catchUp(
  { store, mirrors, signers }: Pick<Publisher, "store" | "mirrors" | "signers">,
): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    const found = await manifestsFrom(mirrors, await store.lastSequence() + 1);
    if (found.length === 0) break;
    await refuseForeign(found, await keysAfter(store), signers.map(({ keyId }) => keyId));
    for (const { stored, mirror } of found) {
      if (!await takeIn(store, stored, mirror.name)) break; // another publisher is at it: look again
      taken.push(stored.manifest.signed.sequence);
    }
  }
  for (const mirror of mirrors) await refuseGap(store, mirror);
  return taken;
}

/** What the mirrors have together from a sequence on, without a hole. */
async function manifestsFrom(mirrors: readonly AnyMirror[], first: number): Promise<Found[]> {
  const found: Found[] = [];
  for (let sequence = first;; sequence++) {
    const next = await findManifest(mirrors, sequence);
    if (!next) return found;
    found.push(next);
  }
}

async function findManifest(
  mirrors: readonly AnyMirror[],
  sequence: number,
): Promise<Found | undefined> {
  for (const mirror of mirrors) {
    const stored = await anyManifestOn(mirror, sequence);
    if (stored) return { stored, mirror };
  }
  return undefined;
}

/** The keys that may sign what comes after the store's newest manifest; `undefined` when it is empty. */
async function keysAfter(store: ManifestStore): Promise<readonly string[] | undefined> {
  const newest = await store.bySequence(await store.lastSequence());
  if (!newest) return undefined;
  const { nextKeys } = newest.manifest.signed;
  return nextKeys?.length ? nextKeys : await goodKeys(newest.manifest);
}

/**
 * This publisher's keys count. Those of before count where they lead to them, each naming the next, as
 * they do for a client: a key that was changed must not make a lost KV lost for good.
 *
 * @param trusted Who may sign the first one; whoever did, when left out.
 */
async function refuseForeign(
  found: readonly Found[],
  trusted: readonly string[] | undefined,
  own: readonly string[],
): Promise<void> {
  let foreign: Found | undefined;
  for (const { stored, mirror } of found) {
    const { signed } = stored.manifest;
    const keys = await goodKeys(stored.manifest);
    const isOwn = keys.some((key) => own.includes(key));
    const isNext = keys.some((key) => !trusted || trusted.includes(key));
    if (!isOwn) foreign ??= { stored, mirror };
    if (!isOwn && !isNext) throw notOurs({ stored, mirror });
    trusted = signed.nextKeys?.length ? signed.nextKeys : trusted ?? keys;
  }
  if (foreign && !trusted?.some((key) => own.includes(key))) throw notOurs(foreign);
}

function notOurs({ stored, mirror }: Found): BfaError {
  const { sequence } = stored.manifest.signed;
  return new BfaError(
    "untrusted",
    `Cannot go on: ${mirror.name} shows a manifest ${sequence} that this KV does not know and this key did not sign; use the publisher's own KV and key`,
  );
}

/** Commits a manifest that was committed before; `false` when another publisher was faster. */
async function takeIn(
  store: ManifestStore,
  stored: StoredManifest,
  from: string,
): Promise<boolean> {
  const { sequence, channel, version, publishedAt } = stored.manifest.signed;
  const head = await store.head(channel);
  const previous = head.pointer?.version ?? null;
  const action: LogAction = await store.sequenceOf(version) === undefined
    ? "publish"
    : previous === version
    ? "renew"
    : previous !== null && isOlder(version, previous)
    ? "rollback" // manifests do not say it, and the next rollback must not go forward
    : "promote";
  const id = crypto.randomUUID();
  const by = `taken in from ${from}`;
  const log = {
    id,
    sequence,
    action,
    channel,
    version,
    previous,
    at: publishedAt,
    by,
    reason: null,
  };
  return await store.commit({ stored, head, log });
}

/** A mirror's newest manifest must be one that the store has by now. */
async function refuseGap(store: ManifestStore, mirror: AnyMirror): Promise<void> {
  const stored = await anyManifestAt(mirror, LATEST_PATH);
  if (!stored) return;
  const { sequence } = stored.manifest.signed;
  if (sequence <= await store.lastSequence()) return;
  throw new BfaError(
    "conflict",
    `Cannot go on: ${mirror.name} is at manifest ${sequence}, this KV at ${await store
      .lastSequence()}; use the publisher's own KV`,
  );
}
