/**
 * A copy: what one machine keeps of one endpoint's channel. What is there is read and verified here; what needs
 * the publisher is in `contact.ts`, which is loaded only then: a fresh copy answers without it.
 *
 * @module
 */

import { toHex } from "../core/bytes.ts";
import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { type Artifact, artifactNamed, type Manifest } from "../core/manifest.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import type { HttpClient } from "../net/client.ts";
import { keptManifest } from "./accept_manifest.ts";
import type { Contact } from "./contact.ts";
import type { CopyRecord, CopyStore } from "./copy_store.ts";
import type { OnProgress } from "./download.ts";

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

/** How long to wait for another process that changes the same record, ms. */
const LOCK_WAIT_MS = 30_000;

/** The same, to note a failed try: an answer is waiting, ms. */
const NOTE_WAIT_MS = 1_000;

/** What is told where there are no files. */
const WHERE_FILES_ARE = typeof Deno === "undefined"
  ? "only Deno keeps files: ask for its bytes, or send SQL to a service"
  : "set BFA_CACHE_DIR, or cacheDir, to a folder that can be written";

/** One machine's copy of one endpoint's channel. */
export class Copy {
  readonly #options: CopyOptions;
  /** The name that the copy is kept under. */
  readonly source: Promise<string>;
  #contact: Promise<Contact> | undefined;

  /** Names a copy; touches nothing. */
  constructor(options: CopyOptions) {
    this.#options = options;
    this.source = sourceName(options.endpoint, options.channel);
    this.source.catch(() => {});
  }

  /** Whether it is kept in memory alone. */
  get inMemory(): boolean {
    return !this.#options.store.durable;
  }

  /** Whether a file is there, as far as its length tells. */
  async has(artifact: Artifact): Promise<boolean> {
    return await this.#options.store.has(artifact);
  }

  /** What is there: verified, or `undefined` when there is nothing that can be used. */
  async load(): Promise<LoadedCopy | undefined> {
    const { store } = this.#options;
    const record = await store.record(await this.source);
    if (!record || record.sequence === 0) return undefined;
    const manifest = await this.kept(record.sequence);
    return manifest && { record, manifest };
  }

  /** What is remembered of the publisher. */
  async record(): Promise<CopyRecord> {
    const { store, endpoint, channel, keeps } = this.#options;
    const record = newRecord(endpoint, channel);
    return await store.record(await this.source) ?? { ...record, keeps: keeps ?? record.keeps };
  }

  /** A manifest that was kept, verified; `undefined` when there is none that can be used. */
  async kept(sequence: number): Promise<Manifest | undefined> {
    const text = await this.#options.store.manifest(await this.source, sequence);
    return text === undefined ? undefined : await keptManifest(text, this.#options.trustedKeys);
  }

  /** Changes the record as it is now: another process may have refreshed it meanwhile. */
  async update(
    change: (record: CopyRecord) => CopyRecord,
    waitMs: number = LOCK_WAIT_MS,
  ): Promise<CopyRecord> {
    const { store } = this.#options;
    const source = await this.source;
    return await store.withLock(source, waitMs, async () => {
      const record = change(await this.record());
      await store.setRecord(source, record);
      return record;
    });
  }

  /**
   * Remembers that a try to refresh failed, unless another process succeeded meanwhile.
   *
   * @param before The record as the try found it.
   */
  async noteFailure({ code, message }: BfaError, before: CopyRecord): Promise<CopyRecord> {
    const at = this.#options.now().toISOString();
    const change = (record: CopyRecord): CopyRecord => {
      if (record.checkedAt !== before.checkedAt) return record;
      const count = (record.failed?.count ?? 0) + 1;
      return { ...record, failed: { at, count, code, reason: message } };
    };
    try {
      return await this.update(change, NOTE_WAIT_MS);
    } catch (error) {
      if (!(error instanceof BfaError) || error.code !== "storage") throw error;
      return change(before); // a disk that cannot be written: this process remembers
    }
  }

  /**
   * Asks the publisher for the newest manifest and installs it; see {@linkcode Contact.refresh}.
   *
   * @param options `budgetMs`: how long another process, and then the publisher, may take to answer.
   */
  async refresh(
    options: { budgetMs?: number } = {},
  ): Promise<LoadedCopy & { changed: boolean }> {
    return await (await this.#publisher()).refresh(options);
  }

  /** The manifest of a version, from this machine or from the publisher. It never goes stale. */
  async pinned(version: string, options: { offline: boolean }): Promise<LoadedCopy> {
    const { parseVersion } = await import("../core/version.ts");
    parseVersion(version);
    const { store } = this.#options;
    const source = await this.source;
    for (const sequence of (await store.sequences(source)).reverse()) {
      const manifest = await this.kept(sequence);
      if (manifest?.signed.version === version) return { record: await this.record(), manifest };
    }
    if (options.offline) {
      throw new BfaError("offline", `Cannot use ${version} offline: this copy does not have it`);
    }
    return await (await this.#publisher()).pinned(version);
  }

  /** The version that the channel named at the end of a day. */
  async versionAsOf(day: Day): Promise<string> {
    return await (await this.#publisher()).versionAsOf(day);
  }

  /** The versions that the endpoint serves, and where its channels point. */
  async versions(): Promise<VersionsReply> {
    return await (await this.#publisher()).versions();
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
    if (store.durable) await this.#download(copy, artifact, offline);
    const fetched = await store.path(artifact);
    if (!fetched) {
      throw new BfaError(
        "storage",
        `Cannot give the file ${name}: the copy is in ${store.place}; ${WHERE_FILES_ARE}`,
      );
    }
    return fetched;
  }

  /** Base URLs of the places that serve its artifacts. */
  async mirrors(copy: LoadedCopy): Promise<string[]> {
    return (await this.#publisher()).mirrors(copy);
  }

  /** Has every later refresh keep what the names stand for up to date. */
  async keep(copy: LoadedCopy, names: readonly string[]): Promise<void> {
    if (names.every((name) => copy.record.keeps.includes(name))) return;
    await this.update((now) => ({ ...now, keeps: [...new Set([...now.keeps, ...names])] }));
  }

  /** Hands what must not be forgotten to another store: whom to trust, and what was seen. */
  async handOver(store: CopyStore): Promise<void> {
    const source = await this.source;
    try {
      const record = await this.#options.store.record(source);
      if (record) await store.setRecord(source, { ...record, sequence: 0, etag: null });
    } catch {
      // it cannot be read: a first contact, which the user is told of
    }
  }

  /** Downloads an artifact when it is not there, sound. */
  async ensure(copy: LoadedCopy, artifact: Artifact, offline: boolean): Promise<void> {
    const { store } = this.#options;
    const sound = await store.path(artifact) ?? await store.read(artifact);
    if (sound === undefined) await this.#download(copy, artifact, offline);
  }

  async #download(copy: LoadedCopy, artifact: Artifact, offline: boolean): Promise<void> {
    if (offline) {
      throw new BfaError(
        "offline",
        `Cannot use ${artifact.name} offline: this copy does not have it`,
      );
    }
    await (await this.#publisher()).download(copy, artifact);
  }

  #publisher(): Promise<Contact> {
    return this.#contact ??= import("./contact.ts")
      .then(({ Contact }) => new Contact(this.#options, this));
  }
}

/** The record of a source that was never asked. */
export function newRecord(endpoint: string, channel: string): CopyRecord {
  return {
    endpoint,
    channel,
    layout: null,
    sequence: 0,
    highestSequence: 0,
    etag: null,
    pins: [],
    checkedAt: null,
    nextCheckAt: null,
    keeps: ["listings.json"],
  };
}

/** The name under which a source's record is kept: the host to read, a digest to be unique. */
export async function sourceName(endpoint: string, channel: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${endpoint} ${channel}`);
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const host = endpoint.split("/")[2]!.replace(/[^a-z0-9.-]/gi, "-").slice(0, 60);
  return `${host}-${digest.slice(0, 12)}`;
}
