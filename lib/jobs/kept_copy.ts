/**
 * A copy that is kept fresh: what its manifest's freshness asks for is done before, or while, it
 * answers.
 *
 * @module
 */

import { Copy, type LoadedCopy } from "../cache/copy.ts";
import type { CopyStore } from "../cache/copy_store.ts";
import type { OnProgress } from "../cache/download.ts";
import type { Source } from "../core/answers.ts";
import type { Day } from "../core/day.ts";
import { asBfaError, BfaError } from "../core/errors.ts";
import { freshnessAt, REFRESH_ACTIONS, retryAt } from "../core/freshness.ts";
import { ListingIndex } from "../core/listing_index.ts";
import { KeptListings } from "../core/kept_listings.ts";
import type { VersionsReply } from "../manifest/endpoint.ts";
import type { HttpClient } from "../net/client.ts";
import type { Artifact } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import type { Notice } from "./notice.ts";
import type { RowCache, VersionRows } from "./row_source.ts";

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
  #refreshing: Promise<Refreshed> | undefined;
  #contacting: Promise<Loaded> | undefined;
  #rows: RowCache | undefined;
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
    if (!version) return await this.#copy.load();
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
      this.#orInMemory((store) => store.read(copy, artifact.name, this.#options.offline));
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
    return await this.#copy.read(copy, name, this.#options.offline);
  }

  /** Downloads artifacts and keeps them up to date from now on. */
  async pull(names: readonly string[]): Promise<void> {
    const { copy } = await this.current();
    await this.#copy.pull(copy, names, this.#options.offline);
  }

  /** Waits until no refresh is under way. */
  async settled(): Promise<void> {
    await this.#refreshing;
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
        version ? await copy.pinned(version, { offline }) : await copy.refresh(),
      )
    );
    this.#loaded = loaded;
    return version ? loaded : this.#required({ current: loaded });
  }

  /** Does what the copy's freshness asks for. */
  async #keptFresh(loaded: Loaded): Promise<Loaded> {
    const { version, offline, now } = this.#options;
    if (version) return loaded;
    const freshness = freshnessAt(loaded.copy.manifest.signed.freshness, now());
    const asked = REFRESH_ACTIONS[freshness];
    const action = this.#tooOld(loaded) && asked !== "required" ? "first" : asked;
    if (action === "none") return loaded;
    if (offline) {
      if (freshness === "expired") this.#notice({ ...noticeOf(loaded), kind: "expired" });
      return loaded;
    }
    if (action === "background") {
      if (!this.#failedLately(loaded) && this.#mayAsk(loaded)) this.#inBackground(loaded);
      return loaded;
    }
    if (action === "required") return this.#required(await this.#refreshed(loaded, "patient"));
    const failure = this.#failedLately(loaded);
    const ask = !failure && (this.#tooOld(loaded) || this.#mayAsk(loaded));
    const refreshed = ask
      ? await this.#inTime(loaded)
      : { current: loaded, ...(failure ? { failure } : {}) };
    this.#tellOfStale(refreshed);
    return refreshed.current;
  }

  /** Waits for a refresh as long as the budget allows; it goes on for the next question. */
  async #inTime(loaded: Loaded): Promise<Refreshed> {
    const { delay } = await import("@std/async/delay");
    const { budgetMs } = this.#options;
    const answered = new AbortController();
    const late = delay(budgetMs, { signal: answered.signal }).then((): Refreshed => ({
      current: loaded,
      failure: new BfaError("network", `no answer in ${budgetMs / 1000} s`),
    }));
    late.catch(() => {}); // it is called off when the answer is there
    try {
      return await Promise.race([this.#refreshed(loaded, "quick"), late]);
    } finally {
      answered.abort();
    }
  }

  #inBackground(loaded: Loaded): void {
    this.#refreshed(loaded, "quick").then(
      (refreshed) => this.#tellOfStale(refreshed),
      () => {}, // the next question meets the same failure, and tells of it
    );
  }

  /** One refresh at a time: questions that come meanwhile share it. */
  #refreshed(loaded: Loaded, patience: "quick" | "patient"): Promise<Refreshed> {
    return this.#refreshing ??= this.#tryRefresh(loaded, patience)
      .finally(() => this.#refreshing = undefined);
  }

  async #tryRefresh(loaded: Loaded, patience: "quick" | "patient"): Promise<Refreshed> {
    const { budgetMs } = this.#options;
    const limits = patience === "quick" ? { budgetMs } : {};
    try {
      const current = await this.#orInMemory(async (copy) =>
        await this.#withIndex(await copy.refresh(limits))
      );
      this.#loaded = current;
      return { current };
    } catch (error) {
      const failure = asBfaError(error, "network", "refresh");
      if (!GIVE_WAY.has(failure.code)) throw failure;
      const record = await this.#copy.noteFailure(failure, loaded.copy.record);
      const current = { ...loaded, copy: { ...loaded.copy, record } };
      this.#loaded = current;
      return { current, failure };
    }
  }

  /** An expired copy does not answer, unless it was told to. */
  #required({ current, failure }: Refreshed): Loaded {
    const { now, acceptExpired } = this.#options;
    const { version, freshness } = current.copy.manifest.signed;
    if (freshnessAt(freshness, now()) !== "expired") {
      this.#tellOfStale({ current });
      return current;
    }
    if (acceptExpired) {
      this.#notice({ ...noticeOf(current), kind: "expired" });
      return current;
    }
    const why = failure ? failure.message : "the publisher has nothing newer";
    throw new BfaError(
      "expired",
      `Cannot answer from ${version}: its signature ended on ${freshness.expiresAt}; ${why}`,
      failure ? { cause: failure } : undefined,
    );
  }

  /** Behind and late are different things: nobody answered, or nobody has anything newer. */
  #tellOfStale({ current, failure }: Refreshed): void {
    const freshness = freshnessAt(current.copy.manifest.signed.freshness, this.#options.now());
    if (failure) {
      const { failed } = current.copy.record;
      const reason = failure.message;
      const again = this.#failedLately(current) ? { retryAt: retryAt(failed!).toISOString() } : {};
      this.#notice({ ...noticeOf(current), kind: "behind", freshness, reason, ...again });
    } else if (freshness === "stale") {
      this.#notice({ ...noticeOf(current), kind: "publisher-late" });
    }
  }

  /** Whether asking the publisher again can be of use already. */
  #mayAsk({ copy }: Loaded): boolean {
    const now = this.#options.now().getTime();
    const { nextCheckAt, checkedAt } = copy.record;
    if (Date.parse(checkedAt ?? "") > now) return true; // the clock was ahead then
    // What the server said while its manifest was fresh no longer counts once it is due.
    const due = Date.parse(copy.manifest.signed.freshness.refreshAfter);
    const checkedWhenDue = Date.parse(checkedAt ?? "") >= due;
    return !checkedWhenDue || nextCheckAt === null || now >= Date.parse(nextCheckAt);
  }

  /** Why the last try failed, when it is too early for the next one; any process may have made it. */
  #failedLately({ copy: { record: { failed } } }: Loaded): BfaError | undefined {
    if (!failed) return undefined;
    const now = this.#options.now();
    const early = Date.parse(failed.at) <= now.getTime() && now < retryAt(failed);
    return early ? new BfaError(failed.code, failed.reason) : undefined;
  }

  #tooOld({ copy }: Loaded): boolean {
    const { maxAgeMs, now } = this.#options;
    if (maxAgeMs === undefined) return false;
    return now().getTime() - Date.parse(copy.record.checkedAt ?? "1970-01-01") > maxAgeMs;
  }

  async #loadWithIndex(): Promise<Loaded | undefined> {
    const copy = await this.peek();
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

  /** Does work on the copy; when the disk refuses to be written, does it again in memory. */
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

/** What came of an attempt: the copy to use, and why it is not newer. */
interface Refreshed {
  readonly current: Loaded;
  readonly failure?: BfaError;
}

/** Failures that an existing copy gives way to: it answers all the same and says so. */
const GIVE_WAY: ReadonlySet<string> = new Set([
  "network",
  "not_found",
  "unavailable",
  "integrity",
  "untrusted",
  "rollback",
  "format_too_new",
]);

function noticeOf({ copy }: Loaded): { version: string; since: string } {
  const { version, freshness } = copy.manifest.signed;
  return { version, since: freshness.refreshAfter };
}
