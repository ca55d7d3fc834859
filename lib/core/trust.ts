/**
 * Which manifests a client accepts: whose keys count, and that sequences never go back.
 *
 * @module
 */

import { BfaError } from "./errors.ts";
import type { ManifestBody } from "./manifest.ts";

/** What a client knows before it looks at a manifest. */
export interface Trust {
  /** Keys that the user or the program trusts; empty when none is configured. */
  readonly configured: readonly string[];
  /** Keys pinned at the first contact with this endpoint; empty before it. */
  readonly pinned: readonly string[];
  /** The highest sequence seen from this endpoint and channel; 0 before the first. */
  readonly highestSequence: number;
}

/** What a client remembers after it accepted a manifest. */
export interface Acceptance {
  /** Keys to pin from now on; empty when keys are configured. */
  readonly pins: readonly string[];
  /** Whether these pins come from a first contact, which the user is told once. */
  readonly firstContact: boolean;
}

/** The keys that count: configured ones, else pinned ones, else whichever signed the first manifest. */
export function trustedKeys(trust: Trust): readonly string[] | undefined {
  if (trust.configured.length > 0) return trust.configured;
  return trust.pinned.length > 0 ? trust.pinned : undefined;
}

/**
 * Decides whether a manifest is accepted as a channel's newest.
 *
 * @param body What the manifest says.
 * @param goodKeys The keys among {@linkcode trustedKeys} whose signatures on it are good.
 * @throws {BfaError} `untrusted` when no trusted key signed it; `rollback` when its sequence is lower
 *   than the highest seen.
 */
export function accept(
  body: ManifestBody,
  goodKeys: readonly string[],
  trust: Trust,
): Acceptance {
  checkSigned(body, goodKeys, trust);
  if (body.sequence < trust.highestSequence) {
    throw new BfaError(
      "rollback",
      `Cannot accept manifest ${body.sequence} (${body.version}): this copy has already seen sequence ${trust.highestSequence}; the server is behind or an old manifest is being replayed`,
    );
  }
  if (trust.configured.length > 0) return { pins: [], firstContact: false };
  const announced = body.nextKeys?.length ? body.nextKeys : undefined;
  return {
    pins: announced ?? (trust.pinned.length > 0 ? trust.pinned : goodKeys),
    firstContact: trust.pinned.length === 0,
  };
}

/** Decides whether a manifest was signed by a trusted key, whatever its sequence. */
export function checkSigned(body: ManifestBody, goodKeys: readonly string[], trust: Trust): void {
  if (goodKeys.length > 0) return;
  const known = trustedKeys(trust);
  throw new BfaError(
    "untrusted",
    known === undefined
      ? `Cannot accept manifest ${body.sequence} (${body.version}): it carries no valid signature; use another mirror, or tell its publisher`
      : `Cannot accept manifest ${body.sequence} (${body.version}): none of the trusted keys signed it (${
        known.join(", ")
      }); if the publisher changed its key, change --trusted-keys, or run \`bfa keys trust\` where none are set`,
  );
}
