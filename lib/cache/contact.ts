/**
 * Contact with the publisher: asking whether a copy is still the newest, and installing what is new only when it
 * is verified.
 *
 * @module
 */

import { moveAsOf } from "../core/as_of.ts";
import type { Day } from "../core/day.ts";
import { BfaError, NotFoundError } from "../core/errors.ts";
import { parseListings } from "../core/listings_file.ts";
import { freshnessAt } from "../core/freshness.ts";
import { type Artifact, isNamed, type Manifest, type ManifestBody } from "../core/manifest.ts";
import { parseManifest } from "../core/parse_manifest.ts";
import {
  fetchManifest,
  fetchManifestBySequence,
  fetchVersions,
  type Layout,
  layoutNamed,
  type ManifestReply,
  SERVICE_LAYOUT,
} from "../manifest/endpoint.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import { IS_WEB_PAGE, isWebPageText } from "../net/odd_answers.ts";
import { acceptManifest, trustOf } from "./accept_manifest.ts";
import type { Copy, CopyOptions, LoadedCopy } from "./copy.ts";
import type { CopyRecord } from "./copy_store.ts";
import { download } from "./download.ts";

/** How long to wait for another process that refreshes the same copy, ms. */
const LOCK_WAIT_MS = 30_000;

/** How long an answer counts when the publisher does not say, ms. */
const CHECK_EVERY_MS = 60_000;

/** How long it counts at most, ms: a plain mirror may say of its manifest what it says of files that never change. */
const CHECK_AT_LEAST_EVERY_MS = 15 * 60_000;

/** A copy's way to its publisher. */
export class Contact {
  readonly #options: CopyOptions;
  readonly #copy: Copy;

  /** Names the two sides; asks nobody. */
  constructor(options: CopyOptions, copy: Copy) {
    this.#options = options;
    this.#copy = copy;
  }

  /**
   * Asks the publisher for the newest manifest and installs it. One process asks; others that wait
   * meanwhile use what it found.
   *
   * @param options `budgetMs`: how long another process, and then the publisher, may take to answer;
   *   with it the publisher is asked only once. Downloads take what they need.
   * @returns The copy as it is now, and whether it changed.
   */
  async refresh(
    options: { budgetMs?: number } = {},
  ): Promise<LoadedCopy & { changed: boolean }> {
    const { store } = this.#options;
    const source = await this.#copy.source;
    const before = (await this.#copy.record()).checkedAt;
    return await store.withLock(source, options.budgetMs ?? LOCK_WAIT_MS, async () => {
      const record = await this.#copy.record();
      if (record.checkedAt !== before) {
        const loaded = await this.#copy.load();
        if (loaded) return { ...loaded, changed: false };
      }
      return await this.#ask(record, options.budgetMs);
    });
  }

  /** The manifest of a version that this machine does not have. */
  async pinned(version: string): Promise<LoadedCopy> {
    const { http, endpoint } = this.#options;
    const record = await this.#copy.record();
    const list = await fetchVersions(http, endpoint, layoutNamed(record.layout));
    const entry = list.versions.find((listed) => listed.version === version);
    if (!entry) {
      const known = list.versions.slice(0, 3).map((v) => v.version);
      const are = known.length > 1 ? "are" : "is";
      throw new NotFoundError(
        `no version ${version}` + (known.length ? `; the newest ${are} ${known.join(", ")}` : ""),
        known,
      );
    }
    const copy = await this.#bySequence(list.layout, entry.sequence);
    if (copy.manifest.signed.version !== version) {
      throw new BfaError("integrity", `Cannot use ${version}: the server sent another manifest`);
    }
    return copy;
  }

  /** The version that the channel named at the end of a day. */
  async versionAsOf(day: Day): Promise<string> {
    const { http, endpoint, channel } = this.#options;
    const record = await this.#copy.record();
    const layout = layoutNamed(record.layout);
    const reply = await fetchManifest(http, endpoint, { channel, layout });
    if (!reply.changed) {
      throw new BfaError("network", `Cannot use ${endpoint}: it sent 304 unasked`);
    }
    const manifest = this.#readNewest(reply.text);
    // An older pointer, replayed or from a cache, would name an older version without a word.
    await acceptManifest(manifest, trustOf(record, this.#options.trustedKeys));
    const newest = manifest.signed;
    const load = async (sequence: number) =>
      (await this.#bySequence(reply.layout, sequence)).manifest.signed;
    return (await moveAsOf(day, newest, load)).version;
  }

  /** The versions that the endpoint serves, and where its channels point. */
  async versions(): Promise<VersionsReply> {
    const { http, endpoint } = this.#options;
    const { layout } = await this.#copy.record();
    const { versions, channels } = await fetchVersions(http, endpoint, layoutNamed(layout));
    return { versions, channels };
  }

  /** Base URLs of the places that serve a copy's artifacts. */
  mirrors({ record, manifest }: LoadedCopy): string[] {
    const { artifacts } = layoutNamed(record.layout) ?? SERVICE_LAYOUT;
    const own = artifacts === null ? [] : [this.#options.endpoint + artifacts];
    return [...new Set([...manifest.signed.mirrors.map(withSlash), ...own])];
  }

  /** Brings an artifact into the copy. */
  async download(copy: LoadedCopy, artifact: Artifact): Promise<void> {
    const { store, http, onProgress } = this.#options;
    await download(artifact, { store, http, mirrors: this.mirrors(copy), onProgress });
    if (artifact.name === "listings.json") await this.#checkListings(artifact);
  }

  /** Every field is checked once, when the file arrives. What cannot be read is not kept. */
  async #checkListings(artifact: Artifact): Promise<void> {
    const { store } = this.#options;
    const bytes = await store.read(artifact);
    try {
      if (bytes) parseListings(new TextDecoder().decode(bytes));
    } catch (error) {
      await store.putAside(artifact);
      throw error;
    }
  }

  async #ask(record: CopyRecord, budgetMs?: number): Promise<LoadedCopy & { changed: boolean }> {
    const { store, http, endpoint, channel, now } = this.#options;
    const source = await this.#copy.source;
    const loaded = await this.#copy.load();
    const reply = await fetchManifest(http, endpoint, {
      channel,
      layout: layoutNamed(record.layout),
      etag: loaded ? record.etag : null,
      ...(budgetMs === undefined ? {} : { signal: AbortSignal.timeout(budgetMs), tries: 1 }),
    });
    const { failed: _, ...known } = record;
    const checked: CopyRecord = { ...known, ...checkTimes(now(), reply.maxAgeMs) };
    if (!reply.changed) {
      if (!loaded) {
        throw new BfaError("network", `Cannot use ${endpoint}: it sent 304 to no question`);
      }
      await store.setRecord(source, checked);
      return { record: checked, manifest: loaded.manifest, changed: false };
    }
    const installed = await this.#install(checked, reply, loaded);
    return {
      ...installed,
      changed: installed.record.sequence !== loaded?.record.sequence,
    };
  }

  /** Data first, then the manifest, then the record that points to it. */
  async #install(
    record: CopyRecord,
    reply: ManifestReply & { changed: true },
    loaded: LoadedCopy | undefined,
  ): Promise<LoadedCopy> {
    const { store } = this.#options;
    const source = await this.#copy.source;
    const manifest = this.#readNewest(reply.text);
    const { signed } = manifest;
    if (reply.text === await store.manifest(source, record.sequence) && loaded) {
      // Accepted before; the keys that count may be others by now.
      const again = { ...record, etag: reply.etag, layout: reply.layout.name };
      await store.setRecord(source, again);
      return { record: again, manifest: loaded.manifest };
    }
    const trust = trustOf(record, this.#options.trustedKeys);
    const { pins, firstContact } = await acceptManifest(manifest, trust);
    if (loaded) refuseExpired(signed, loaded.manifest.signed, this.#options.now());
    const sameNumber = signed.sequence === loaded?.record.sequence;
    if (sameNumber && JSON.stringify(loaded.manifest.signed) !== JSON.stringify(signed)) {
      throw new BfaError(
        "rollback",
        `Cannot accept manifest ${signed.sequence}: it differs from the one seen before under that number`,
      );
    }
    const next: CopyRecord = {
      ...record,
      layout: reply.layout.name,
      sequence: signed.sequence,
      highestSequence: signed.sequence,
      etag: reply.etag,
      pins,
    };
    const copy = { record: next, manifest };
    for (const artifact of signed.artifacts) {
      if (record.keeps.some((name) => isNamed(artifact, name))) await this.download(copy, artifact);
    }
    await store.setManifest(source, signed.sequence, reply.text);
    await store.setRecord(source, next);
    if (firstContact) this.#options.onPinned?.(pins); // not before: what failed has pinned nothing
    return copy;
  }

  /** Reads what came as the channel's newest manifest. */
  #readNewest(text: string): Manifest {
    const { endpoint, channel } = this.#options;
    const manifest = readManifest(text, endpoint);
    if (manifest.signed.channel === channel) return manifest;
    throw new BfaError(
      "integrity",
      `Cannot accept a manifest of channel ${manifest.signed.channel}: ${endpoint} was asked for ${channel}`,
    );
  }

  /** A manifest by its sequence, from this machine or verified from the publisher. */
  async #bySequence(layout: Layout, sequence: number): Promise<LoadedCopy> {
    const { store, http, endpoint } = this.#options;
    const source = await this.#copy.source;
    const record = await this.#copy.record();
    const known = await this.#copy.kept(sequence);
    if (known) return { record, manifest: known };
    const text = await fetchManifestBySequence(http, endpoint, layout, sequence);
    const manifest = readManifest(text, endpoint);
    if (manifest.signed.sequence !== sequence) {
      throw new BfaError(
        "integrity",
        `Cannot use manifest ${sequence}: the server sent another one`,
      );
    }
    // Old manifests have old sequences; whose key signed them matters all the same. What they say of
    // the next keys does not: that would bring retired ones back.
    const trust = { ...trustOf(record, this.#options.trustedKeys), highestSequence: 0 };
    const accepted = await acceptManifest(manifest, trust);
    const { firstContact } = accepted;
    const pins = firstContact ? accepted.pins : record.pins;
    await store.setManifest(source, sequence, text);
    const changed = await this.#copy.update((now) => ({
      ...now,
      layout: layout.name,
      pins: firstContact && now.pins.length === 0 ? pins : now.pins,
    }));
    if (firstContact) this.#options.onPinned?.(pins);
    return { record: changed, manifest };
  }
}

/** What has ended already takes the place of nothing that has not: it would not answer. */
function refuseExpired(next: ManifestBody, current: ManifestBody, now: Date): void {
  if (freshnessAt(next.freshness, now) !== "expired") return;
  if (freshnessAt(current.freshness, now) === "expired") return;
  throw new BfaError(
    "stale",
    `Cannot accept manifest ${next.sequence} (${next.version}): its signature ended on ${next.freshness.expiresAt}, before that of ${current.version}; tell its publisher`,
  );
}

/** Says who sent what cannot be read: an address that is no publisher's may answer, too. */
function readManifest(text: string, endpoint: string): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    if (!(error instanceof BfaError) || error.code !== "integrity") throw error;
    if (isWebPageText(text)) {
      throw new BfaError("network", `Cannot read the manifest of ${endpoint}: ${IS_WEB_PAGE}`, {
        cause: error,
      });
    }
    throw new BfaError("integrity", `${error.message}; ${endpoint} sent it`, { cause: error });
  }
}

function checkTimes(now: Date, maxAgeMs = CHECK_EVERY_MS) {
  const waitMs = Math.min(maxAgeMs, CHECK_AT_LEAST_EVERY_MS);
  return {
    checkedAt: now.toISOString(),
    nextCheckAt: new Date(now.getTime() + waitMs).toISOString(),
  };
}

function withSlash(base: string): string {
  return base.endsWith("/") ? base : `${base}/`;
}
