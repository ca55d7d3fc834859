/**
 * Accepting manifests: signatures, keys and sequences together.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { type Manifest, readKeptManifest } from "../core/manifest.ts";
import { accept, type Acceptance, checkSigned, type Trust, trustedKeys } from "../core/trust.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { CopyRecord } from "./copy_store.ts";

/** Why a stored manifest is as if it were missing. */
const UNUSABLE: ReadonlySet<string> = new Set(["integrity", "untrusted", "format_too_new"]);

/** What a client with a record trusts; `configured` keys win over pinned ones. */
export function trustOf(record: CopyRecord, configured: readonly string[]): Trust {
  return { configured, pinned: record.pins, highestSequence: record.highestSequence };
}

/**
 * Verifies a manifest and decides whether it is accepted.
 *
 * @throws {BfaError} `untrusted` or `rollback` when it is not.
 */
export async function acceptManifest(manifest: Manifest, trust: Trust): Promise<Acceptance> {
  return accept(manifest.signed, await goodKeys(manifest, trustedKeys(trust)), trust);
}

/**
 * Reads a manifest that was kept. It was accepted before; pins may have moved on since, so only
 * configured keys count.
 *
 * @returns `undefined` when it is torn, no longer trusted or of a later format: as if it were missing.
 */
export async function keptManifest(
  text: string,
  configured: readonly string[],
): Promise<Manifest | undefined> {
  try {
    const manifest = readKeptManifest(text);
    const trust: Trust = { configured, pinned: [], highestSequence: 0 };
    checkSigned(manifest.signed, await goodKeys(manifest, trustedKeys(trust)), trust);
    return manifest;
  } catch (error) {
    if (error instanceof BfaError && UNUSABLE.has(error.code)) return undefined;
    throw error;
  }
}
