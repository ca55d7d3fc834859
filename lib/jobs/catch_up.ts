/**
 * Catch up: a store that is behind its mirrors takes in the manifests they show. A publisher's KV that
 * was lost, or restored from an older copy, must not give a number twice: clients that have seen the
 * first one refuse the second.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { LogAction, ManifestStore, StoredManifest } from "../manifest/store.ts";
import { type AnyMirror, LATEST_PATH } from "../mirror/mirror.ts";
import { anyManifestAt, anyManifestOn } from "./mirror_documents.ts";
import type { Publisher } from "./publish.ts";

/**
 * Takes in what mirrors show and the store does not have.
 *
 * @returns The sequences that were taken in.
 * @throws {BfaError} `untrusted` for a manifest that none of this publisher's keys signed; `conflict`
 *   when a mirror is ahead and does not show what lies between.
 */
export async function catchUp(
  { store, mirrors, signers }: Pick<Publisher, "store" | "mirrors" | "signers">,
): Promise<number[]> {
  const taken: number[] = [];
  for (const mirror of mirrors) {
    for (;;) {
      const sequence = await store.lastSequence() + 1;
      const stored = await anyManifestOn(mirror, sequence);
      if (!stored) break;
      const keys = await goodKeys(stored.manifest, signers.map(({ keyId }) => keyId));
      if (keys.length === 0) {
        throw new BfaError(
          "untrusted",
          `Cannot go on: ${mirror.name} shows a manifest ${sequence} that this KV does not know and this key did not sign; use the publisher's own KV and key`,
        );
      }
      if (await takeIn(store, stored, mirror.name)) taken.push(sequence);
    }
    await refuseGap(store, mirror);
  }
  return taken;
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
