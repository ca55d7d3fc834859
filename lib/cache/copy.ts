/**
 * A copy: what one machine keeps of one endpoint's channel. It loads what is there, asks the
 * publisher whether that is still the newest, and installs what is new only when it is verified.
 *
 * @module
 */

import { moveAsOf } from "../core/as_of.ts";
import type { Day } from "../core/day.ts";
import { BfaError, NotFoundError } from "../core/errors.ts";
import { type Artifact, artifactNamed, type Manifest, parseManifest } from "../core/manifest.ts";
import { parseVersion } from "../core/version.ts";
import {
  fetchManifest,
  fetchManifestBySequence,
  fetchVersions,
  type Layout,
  layoutNamed,
  type ManifestReply,
  SERVICE_LAYOUT,
} from "../manifest/endpoint.ts";
import type { HttpClient } from "../net/client.ts";
import { acceptManifest, keptManifest, trustOf } from "./accept_manifest.ts";
import { type CopyRecord, type CopyStore, newRecord, sourceName } from "./copy_store.ts";
import { download, type OnProgress } from "./download.ts";

/** Where a copy comes from, and what it may use. */
export interface CopyOptions {
  readonly endpoint: string;
  readonly channel: string;
  readonly store: CopyStore;
  readonly http: HttpClient;
  /** Keys the user trusts; when empty, the first contact decides. */
  readonly trustedKeys: readonly string[];
  readonly now: () => Date;
  /** What is downloaded without being asked for; `listings.json`, when left out. */
  readonly keeps?: readonly string[] | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Told once of the keys that a first contact pinned. */
  readonly onPinned?: (keys: readonly string[]) => void;
}

/** A copy as it is on this machine. */
export interface LoadedCopy {
  readonly record: CopyRecord;
  readonly manifest: Manifest;
}

/** How long to wait for another process that refreshes the same copy, ms. */
const LOCK_WAIT_MS = 30_000;

/** How long an answer counts when the publisher does not say, ms. */
const CHECK_EVERY_MS = 60_000;

/** One machine's copy of one endpoint's channel. */
export class Copy {
  readonly #options: CopyOptions;
  readonly #source: Promise<string>;

  /** Names a copy; touches nothing. */
  constructor(options: CopyOptions) {
    this.#options = options;
    this.#source = sourceName(options.endpoint, options.channel);
    this.#source.catch(() => {});
  }

  /** What is there: verified, or `undefined` when there is nothing that can be used. */
  async load(): Promise<LoadedCopy | undefined> {
    const { store } = this.#options;
    const source = await this.#source;
    const record = await store.record(source);
    if (!record || record.sequence === 0) return undefined;
    const text = await store.manifest(source, record.sequence);
    if (text === undefined) return undefined;
    const manifest = await keptManifest(text, this.#options.trustedKeys);
    return manifest && { record, manifest };
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
    const source = await this.#source;
    const before = (await this.#record()).checkedAt;
    return await store.withLock(source, options.budgetMs ?? LOCK_WAIT_MS, async () => {
      const record = await this.#record();
      if (record.checkedAt !== before) {
        const loaded = await this.load();
        if (loaded) return { ...loaded, changed: false };
      }
      return await this.#ask(record, options.budgetMs);
    });
  }

  /** The manifest of a version, from this machine or from the publisher. It never goes stale. */
  async pinned(version: string, options: { offline: boolean }): Promise<LoadedCopy> {
    parseVersion(version);
    const { store, http, endpoint } = this.#options;
    const source = await this.#source;
    const record = await this.#record();
    for (const sequence of (await store.sequences(source)).reverse()) {
      const text = await store.manifest(source, sequence);
      const manifest = text && await keptManifest(text, this.#options.trustedKeys);
      if (manifest && manifest.signed.version === version) return { record, manifest };
    }
    if (options.offline) {
      throw new BfaError("offline", `Cannot use ${version} offline: this copy does not have it`);
    }
    const list = await fetchVersions(http, endpoint, layoutNamed(record.layout));
    const entry = list.versions.find((listed) => listed.version === version);
    if (!entry) {
      const known = list.versions.slice(0, 3).map((v) => v.version);
      throw new NotFoundError(`no version ${version}; the newest are ${known.join(", ")}`, known);
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
    const { layout: known } = await this.#record();
    const reply = await fetchManifest(http, endpoint, { channel, layout: layoutNamed(known) });
    if (!reply.changed) {
      throw new BfaError("network", `Cannot use ${endpoint}: it sent 304 unasked`);
    }
    const newest = parseManifest(reply.text).signed;
    const load = async (sequence: number) =>
      (await this.#bySequence(reply.layout, sequence)).manifest.signed;
    return (await moveAsOf(day, newest, load)).version;
  }

  /** The bytes of an artifact, downloaded when they are not there. */
  async read(copy: LoadedCopy, name: string, offline = false): Promise<Uint8Array<ArrayBuffer>> {
    const { store } = this.#options;
    const artifact = artifactNamed(copy.manifest.signed, name);
    const bytes = await store.read(artifact);
    if (bytes) return bytes;
    await this.#download(copy, artifact, offline);
    const fetched = await store.read(artifact);
    if (!fetched) throw new BfaError("storage", `Cannot read ${name} back from ${store.place}`);
    return fetched;
  }

  /** The file of an artifact, downloaded when it is not there. */
  async path(copy: LoadedCopy, name: string, offline = false): Promise<string> {
    const { store } = this.#options;
    const artifact = artifactNamed(copy.manifest.signed, name);
    const path = await store.path(artifact);
    if (path) return path;
    await this.#download(copy, artifact, offline);
    const fetched = await store.path(artifact);
    if (!fetched) {
      throw new BfaError("storage", `Cannot give a path: the copy is in ${store.place}`);
    }
    return fetched;
  }

  /** Base URLs of the places that serve its artifacts. */
  mirrors({ record, manifest }: LoadedCopy): string[] {
    const { artifacts } = layoutNamed(record.layout) ?? SERVICE_LAYOUT;
    const own = artifacts === null ? [] : [this.#options.endpoint + artifacts];
    return [...new Set([...manifest.signed.mirrors.map(withSlash), ...own])];
  }

  /** Downloads artifacts, and has every later refresh keep them up to date. */
  async pull(copy: LoadedCopy, names: readonly string[], offline = false): Promise<void> {
    for (const name of names) await this.#ensure(copy, name, offline);
    if (names.every((name) => copy.record.keeps.includes(name))) return;
    await this.#update((now) => ({ ...now, keeps: [...new Set([...now.keeps, ...names])] }));
  }

  /** Hands what must not be forgotten to another store: whom to trust, and what was seen. */
  async handOver(store: CopyStore): Promise<void> {
    const record = await this.#options.store.record(await this.#source).catch(() => undefined);
    if (record) await store.setRecord(await this.#source, { ...record, sequence: 0, etag: null });
  }

  async #ask(record: CopyRecord, budgetMs?: number): Promise<LoadedCopy & { changed: boolean }> {
    const { store, http, endpoint, channel, now } = this.#options;
    const source = await this.#source;
    const loaded = await this.load();
    const reply = await fetchManifest(http, endpoint, {
      channel,
      layout: layoutNamed(record.layout),
      etag: loaded ? record.etag : null,
      ...(budgetMs === undefined ? {} : { signal: AbortSignal.timeout(budgetMs), tries: 1 }),
    });
    const checked: CopyRecord = { ...record, ...checkTimes(now(), reply.maxAgeMs) };
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
    const { store, channel } = this.#options;
    const source = await this.#source;
    const manifest = parseManifest(reply.text);
    const { signed } = manifest;
    if (signed.channel !== channel) {
      throw new BfaError("integrity", `Cannot accept a manifest of channel ${signed.channel}`);
    }
    if (reply.text === await store.manifest(source, record.sequence) && loaded) {
      // Accepted before; the keys that count may be others by now.
      const again = { ...record, etag: reply.etag, layout: reply.layout.name };
      await store.setRecord(source, again);
      return { record: again, manifest: loaded.manifest };
    }
    const trust = trustOf(record, this.#options.trustedKeys);
    const { pins, firstContact } = await acceptManifest(manifest, trust);
    const sameNumber = signed.sequence === loaded?.record.sequence;
    if (sameNumber && JSON.stringify(loaded.manifest.signed) !== JSON.stringify(signed)) {
      throw new BfaError(
        "rollback",
        `Cannot accept manifest ${signed.sequence}: it differs from the one seen before under that number`,
      );
    }
    if (firstContact) this.#options.onPinned?.(pins);
    const next: CopyRecord = {
      ...record,
      layout: reply.layout.name,
      sequence: signed.sequence,
      highestSequence: signed.sequence,
      etag: reply.etag,
      pins,
    };
    const copy = { record: next, manifest };
    for (const name of record.keeps) {
      const artifact = signed.artifacts.find((a) => a.name === name);
      if (artifact) await this.#download(copy, artifact, false);
    }
    await store.setManifest(source, signed.sequence, reply.text);
    await store.setRecord(source, next);
    return copy;
  }

  async #download(
    copy: LoadedCopy,
    artifact: Artifact,
    offline: boolean,
  ): Promise<void> {
    if (offline) {
      throw new BfaError(
        "offline",
        `Cannot use ${artifact.name} offline: this copy does not have it`,
      );
    }
    const { store, http, onProgress } = this.#options;
    await download(artifact, { store, http, mirrors: this.mirrors(copy), onProgress });
  }

  async #record(): Promise<CopyRecord> {
    const { store, endpoint, channel, keeps } = this.#options;
    const record = newRecord(endpoint, channel);
    return await store.record(await this.#source) ?? { ...record, keeps: keeps ?? record.keeps };
  }

  /** A manifest by its sequence, from this machine or verified from the publisher. */
  async #bySequence(layout: Layout, sequence: number): Promise<LoadedCopy> {
    const { store, http, endpoint } = this.#options;
    const source = await this.#source;
    const record = await this.#record();
    const kept = await store.manifest(source, sequence);
    const known = kept && await keptManifest(kept, this.#options.trustedKeys);
    if (known) return { record, manifest: known };
    const text = await fetchManifestBySequence(http, endpoint, layout, sequence);
    const manifest = parseManifest(text);
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
    if (firstContact) this.#options.onPinned?.(pins);
    await store.setManifest(source, sequence, text);
    const changed = await this.#update((now) => ({
      ...now,
      layout: layout.name,
      pins: firstContact && now.pins.length === 0 ? pins : now.pins,
    }));
    return { record: changed, manifest };
  }

  async #ensure(copy: LoadedCopy, name: string, offline: boolean): Promise<void> {
    const artifact = artifactNamed(copy.manifest.signed, name);
    const { store } = this.#options;
    const sound = await store.path(artifact) ?? await store.read(artifact);
    if (sound === undefined) await this.#download(copy, artifact, offline);
  }

  /** Changes the record as it is now: another process may have refreshed it meanwhile. */
  async #update(change: (record: CopyRecord) => CopyRecord): Promise<CopyRecord> {
    const { store } = this.#options;
    const source = await this.#source;
    return await store.withLock(source, LOCK_WAIT_MS, async () => {
      const record = change(await this.#record());
      await store.setRecord(source, record);
      return record;
    });
  }
}

function checkTimes(now: Date, maxAgeMs = CHECK_EVERY_MS) {
  return {
    checkedAt: now.toISOString(),
    nextCheckAt: new Date(now.getTime() + maxAgeMs).toISOString(),
  };
}

function withSlash(base: string): string {
  return base.endsWith("/") ? base : `${base}/`;
}
