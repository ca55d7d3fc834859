/**
 * A copy that is kept fresh: what its manifest's freshness asks for is done before, or while, it answers
 * (fresh_keeper.ts).
 *
 * @module
 */

import { Copy, type LoadedCopy } from "../cache/copy.ts";
import type { CopyStore } from "../cache/copy_store.ts";
import type { OnProgress } from "../cache/download.ts";
import type { Source } from "../core/answers.ts";
import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { freshnessAt, isOfFuture } from "../core/freshness.ts";
import { ListingIndex } from "../core/listing_index.ts";
import { KeptListings } from "../core/kept_listings.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import type { HttpClient } from "../net/client.ts";
import type { Artifact } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import type { FreshKeeper } from "./fresh_keeper.ts";
import type { ListedArtifact } from "./dataset_options.ts";
import type { Notice } from "./notice.ts";
import type { RowCache, VersionRows } from "./row_source.ts";

/** Downloads of `pull` at once. */
const PULLS = 4;

/** What a kept copy is made of. */
export interface KeptCopyOptions {
  readonly endpoint: string;
  readonly channel: string;
  /** Stay on this version; it never goes stale. */
  readonly version: string | undefined;
  readonly offline: boolean;
  /** Answer from a copy whose signature has ended. */
  readonly acceptExpired: boolean;
  /** A copy that was checked longer ago is revalidated first, ms. */
  readonly maxAgeMs: number | undefined;
  /** How long a stale copy waits for the publisher, ms. */
  readonly budgetMs: number;
  readonly trustedKeys: readonly string[];
  readonly store: CopyStore;
  readonly http: HttpClient;
  readonly now: () => Date;
  readonly onNotice: (notice: Notice) => void;
  readonly onProgress: OnProgress | undefined;
  /** `none`: nothing is fetched before a question needs it, not even the listings. */
  readonly copy?: "none" | undefined;
}

/** A copy, and its listings ready to be asked. */
export interface Loaded {
  readonly copy: LoadedCopy;
  /** Its listings; there already, unless nothing is kept. */
  readonly source: () => Promise<Source>;
}

/** One machine's copy, kept as fresh as its manifest asks for. */
export class KeptCopy {
  readonly #options: KeptCopyOptions;
  #copy: Copy;
  #loaded: Loaded | undefined;
  #keeper: FreshKeeper | undefined;
  #contacting: Promise<Loaded> | undefined;
  #rows: RowCache | undefined;
  readonly #reading = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  #ranges: { readonly key: string; readonly reader: RangeReader } | undefined;

  /** Names a copy; touches nothing. */
  constructor(options: KeptCopyOptions) {
    this.#options = options;
    this.#copy = this.#copyIn(options.store);
  }

  /** The copy to answer from, after whatever its freshness asks for. */
  async current(): Promise<Loaded> {
    const known = this.#loaded;
    const loaded = known ?? await this.#loadWithIndex();
    const current = loaded
      ? await this.#keptFresh(loaded)
      : await (this.#contacting ??= this.#first().finally(() => this.#contacting = undefined));
    if (!known) this.#options.store.count(current === loaded ? "hits" : "misses");
    return current;
  }

  /** What is on this machine; asks nobody. */
  async peek(): Promise<LoadedCopy | undefined> {
    if (this.#loaded) return this.#loaded.copy;
    const { version } = this.#options;
    if (version === undefined) return await this.#copy.load();
    try {
      return await this.#copy.pinned(version, { offline: true });
    } catch (error) {
      if (error instanceof BfaError && error.code === "offline") return undefined;
      throw error;
    }
  }

  /** Asks the publisher now, as long as it takes. */
  async refresh(): Promise<LoadedCopy & { changed: boolean }> {
    return await this.#orInMemory(async (copy) => {
      const refreshed = await copy.refresh();
      const loaded = await this.#withIndex(refreshed);
      if (this.#options.version === undefined) this.#loaded = loaded;
      return refreshed;
    });
  }

  /** The version that the channel named at the end of a day. */
  async versionAsOf(day: Day): Promise<string> {
    return await this.#copy.versionAsOf(day);
  }

  /** The rows of the version to answer from: of verified parts, or of ranges when nothing is kept. */
  async rowSource(): Promise<VersionRows> {
    const { copy } = await this.current();
    const { http, copy: kept } = this.#options;
    const { RowCache, rowSource } = await import("./row_source.ts");
    const { httpRanges, wholeRanges } = await import("../mirror/ranges.ts");
    const cache = this.#rows ??= new RowCache();
    if (kept === "none") {
      // The same reader as long as the mirrors are the same: it knows which of them is good.
      const mirrors = await this.#copy.mirrors(copy);
      const key = mirrors.join(" ");
      if (this.#ranges?.key !== key) this.#ranges = { key, reader: httpRanges(mirrors, http) };
      return rowSource(copy.manifest.signed, { ranges: this.#ranges.reader, cache });
    }
    const read = (artifact: Artifact) =>
      this.#whole(
        artifact,
        () => this.#orInMemory((store) => store.read(copy, artifact.name, this.#options.offline)),
      );
    const ranges = wholeRanges(read, cache.files);
    return rowSource(copy.manifest.signed, { ranges, cache, byParts: true });
  }

  /** The versions that the endpoint serves, and where its channels point. */
  async versions(): Promise<VersionsReply> {
    return await this.#copy.versions();
  }

  /** The file of an artifact, downloaded when it is not there. */
  async path(name: string): Promise<string> {
    const { copy } = await this.current();
    return await this.#copy.path(copy, name, this.#options.offline);
  }

  /** The bytes of an artifact, downloaded when they are not there, and verified. */
  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { copy } = await this.current();
    const bytes = await this.#copy.read(copy, name, this.#options.offline);
    return this.#copy.inMemory ? bytes.slice() : bytes; // what is given away is the caller's
  }

  /** The files of the version that names stand for, and whether each is here. */
  async artifacts(names: readonly string[]): Promise<ListedArtifact[]> {
    const { copy } = await this.current();
    const { artifactsNamed } = await import("../core/manifest.ts");
    return await Promise.all(
      artifactsNamed(copy.manifest.signed, names)
        .map(async (artifact) => ({ ...artifact, here: await this.#copy.has(artifact) })),
    );
  }

  /** Downloads artifacts and keeps them up to date from now on. */
  async pull(names: readonly string[]): Promise<void> {
    const { copy } = await this.current();
    const { artifactsNamed } = await import("../core/manifest.ts");
    const { inParallel } = await import("./in_parallel.ts");
    const artifacts = artifactsNamed(copy.manifest.signed, names);
    const { offline } = this.#options;
    await inParallel(artifacts, PULLS, (artifact) => this.#copy.ensure(copy, artifact, offline));
    await this.#copy.keep(copy, names);
  }

  /** Waits until no refresh is under way. */
  async settled(): Promise<void> {
    await this.#keeper?.settled();
  }

  /** The first contact: there is no copy yet. */
  async #first(): Promise<Loaded> {
    const { offline, version, endpoint } = this.#options;
    if (offline) {
      throw new BfaError(
        "offline",
        `Cannot answer offline: there is no copy of ${version ?? endpoint} yet`,
      );
    }
    const loaded = await this.#orInMemory(async (copy) =>
      await this.#withIndex(
        version === undefined ? await copy.refresh() : await copy.pinned(version, { offline }),
      )
    );
    this.#loaded = loaded;
    return version === undefined ? (await this.#freshKeeper()).first(loaded) : loaded;
  }

  /** Does what the copy's freshness asks for: nothing, most often. */
  async #keptFresh(loaded: Loaded): Promise<Loaded> {
    const { version, maxAgeMs, now } = this.#options;
    if (version !== undefined) return loaded;
    const { signed } = loaded.copy.manifest;
    const isFresh = freshnessAt(signed.freshness, now()) === "fresh" && !isOfFuture(signed, now());
    if (isFresh && maxAgeMs === undefined) return loaded;
    return await (await this.#freshKeeper()).kept(loaded);
  }

  async #freshKeeper(): Promise<FreshKeeper> {
    const { FreshKeeper } = await import("./fresh_keeper.ts");
    return this.#keeper ??= new FreshKeeper({
      options: this.#options,
      refresh: async (limits) =>
        this.#loaded = await this.#orInMemory(async (copy) =>
          await this.#withIndex(await copy.refresh(limits))
        ),
      noteFailure: async (failure, loaded) => {
        const record = await this.#copy.noteFailure(failure, loaded.copy.record);
        return this.#loaded = { ...loaded, copy: { ...loaded.copy, record } };
      },
    });
  }

  async #loadWithIndex(): Promise<Loaded | undefined> {
    const copy = await this.#orInMemory(() => this.peek());
    if (!copy) return undefined;
    return this.#loaded = await this.#orInMemory(() => this.#withIndex(copy));
  }

  async #withIndex(copy: LoadedCopy): Promise<Loaded> {
    const { version } = copy.manifest.signed;
    let loading: Promise<Source> | undefined;
    const load = async () => {
      const bytes = await this.#copy.read(copy, "listings.json", this.#options.offline);
      const listings = new KeptListings(new TextDecoder().decode(bytes));
      return { version, index: new ListingIndex(listings) };
    };
    const source = () =>
      loading ??= load().catch((error) => {
        loading = undefined;
        throw error;
      });
    if (this.#options.copy !== "none") await source();
    return { copy, source };
  }

  /** Questions that come while a file is being read share it. */
  async #whole(
    { sha256 }: Artifact,
    read: () => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    let reading = this.#reading.get(sha256);
    if (!reading) {
      reading = read().finally(() => this.#reading.delete(sha256));
      this.#reading.set(sha256, reading);
    }
    return await reading;
  }

  /** Does work on the copy; when the disk refuses to be read or written, does it again in memory. */
  async #orInMemory<T>(work: (copy: Copy) => Promise<T>): Promise<T> {
    try {
      return await work(this.#copy);
    } catch (error) {
      if (!(error instanceof BfaError) || error.code !== "storage") throw error;
      this.#notice({ kind: "not-kept", reason: error.message });
      const { memoryStore } = await import("../cache/memory_store.ts");
      const memory = memoryStore();
      await this.#copy.handOver(memory);
      this.#copy = this.#copyIn(memory);
      return await work(this.#copy);
    }
  }

  #copyIn(store: CopyStore): Copy {
    const { endpoint, channel, http, trustedKeys, now, onProgress } = this.#options;
    const onPinned = (keys: readonly string[]) => this.#notice({ kind: "pinned", endpoint, keys });
    const keeps = this.#options.copy === "none" ? [] : undefined;
    const own = { endpoint, channel, store, keeps };
    return new Copy({ ...own, http, trustedKeys, now, onProgress, onPinned });
  }

  #notice(notice: Notice): void {
    this.#options.onNotice(notice);
  }
}
