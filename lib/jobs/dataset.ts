/**
 * The dataset as a program uses it. Lazy: nothing is read or fetched before the first question.
 *
 * @module
 */

import * as answers from "../core/answers.ts";
import type {
  EventsAnswer,
  RangeAnswer,
  RangeQuestion,
  SnapshotAnswer,
  Source,
  StatesOption,
  SummaryAnswer,
  SymbolsAnswer,
  TimelineAnswer,
} from "../core/answers.ts";
import { asBfaError, BfaError } from "../core/errors.ts";
import { type Freshness, freshnessAt, REFRESH_ACTIONS } from "../core/freshness.ts";
import { ListingIndex } from "../core/listing_index.ts";
import { parseListings } from "../core/listings_file.ts";
import type { Manifest } from "../core/manifest.ts";
import { Copy, type LoadedCopy } from "../cache/copy.ts";
import type { CopyStore } from "../cache/copy_store.ts";
import type { OnProgress } from "../cache/download.ts";
import { memoryStore } from "../cache/memory_store.ts";
import { fetchVersions, layoutNamed, type ListedVersion } from "../manifest/endpoint.ts";
import type { HttpClient } from "../net/client.ts";
import { seedSource } from "../source/seed.ts";

/** Something the user should know that is no error. */
export type Notice =
  /** No endpoint and no copy: the embedded listings answer. */
  | { kind: "seed"; dataThrough: string; ageDays: number }
  /** A first contact pinned these keys. */
  | { kind: "pinned"; endpoint: string; keys: readonly string[] }
  /** The copy is behind and the publisher did not answer. */
  | { kind: "behind"; version: string; since: string; reason: string }
  /** The publisher answered, and has nothing newer although it is time. */
  | { kind: "publisher-late"; version: string; since: string }
  /** The copy's signature has ended; it was used all the same, as asked. */
  | { kind: "expired"; version: string; since: string }
  /** The cache cannot be written; this copy lives in memory. */
  | { kind: "not-kept"; reason: string };

/** What a dataset is made of; `open()` fills in the defaults. */
export interface DatasetOptions {
  readonly endpoint: string | undefined;
  readonly channel: string;
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
}

/** The condition of a dataset. */
export interface Status {
  /** Where answers come from. */
  from: "copy" | "seed" | "nothing";
  endpoint: string | null;
  channel: string;
  version: string | null;
  sequence: number | null;
  dataThrough: string | null;
  freshness: Freshness | "pinned" | "seed" | null;
  publisher: "on time" | "late" | "unknown";
  refreshAfter: string | null;
  staleAfter: string | null;
  expiresAt: string | null;
  checkedAt: string | null;
  place: string;
  keys: readonly string[];
}

interface Loaded {
  readonly copy: LoadedCopy;
  readonly source: Source;
}

/** A dataset: one endpoint's channel, or one pinned version. */
export class Dataset {
  readonly #options: DatasetOptions;
  #copy: Copy | undefined;
  #loaded: Loaded | undefined;
  #seed: Source | undefined;
  #refreshing: Promise<unknown> | undefined;
  #noticed = new Set<string>();

  /** Names a dataset; touches nothing. */
  constructor(options: DatasetOptions) {
    this.#options = options;
    this.#copy = this.#makeCopy(options.store);
  }

  /** Which symbols existed on a day, and really traded unless other states are asked for. */
  async snapshot(
    day: string,
    options: StatesOption & { detail?: boolean } = {},
  ): Promise<SnapshotAnswer> {
    return answers.snapshot(await this.#source(), day, options);
  }

  /** The lives of a symbol. */
  async timeline(
    symbol: string,
    options: RangeQuestion & { detail?: boolean } = {},
  ): Promise<TimelineAnswer> {
    return answers.timeline(await this.#source(), symbol, options);
  }

  /** Which symbols were in one of the states on at least one day of a range. */
  async range(from: string, to: string = from, options: StatesOption = {}): Promise<RangeAnswer> {
    return answers.range(await this.#source(), { from, to }, options);
  }

  /** The listings that began to trade on a day or in a range. */
  async newListings(from: string, to: string = from): Promise<EventsAnswer> {
    return answers.newListings(await this.#source(), { from, to });
  }

  /** The listings that stopped trading on a day or in a range. */
  async delistings(from: string, to: string = from): Promise<EventsAnswer> {
    return answers.delistings(await this.#source(), { from, to });
  }

  /** Counts per state, one row a day. */
  async summary(from: string, to: string = from): Promise<SummaryAnswer> {
    return answers.summary(await this.#source(), { from, to });
  }

  /** Every symbol that ever existed. */
  async symbols(options: { detail?: boolean } = {}): Promise<SymbolsAnswer> {
    return answers.symbols(await this.#source(), options);
  }

  /** The condition of the copy, as it is on this machine: asks nobody. */
  async status(): Promise<Status> {
    const { endpoint = null, channel, store, version: pinned } = this.#options;
    const loaded = await this.#load();
    const base: Status = {
      from: "nothing",
      endpoint,
      channel,
      version: null,
      sequence: null,
      dataThrough: null,
      freshness: null,
      publisher: "unknown",
      refreshAfter: null,
      staleAfter: null,
      expiresAt: null,
      checkedAt: null,
      place: store.place,
      keys: this.#options.trustedKeys,
    };
    if (loaded) {
      const { record, manifest: { signed } } = loaded;
      return {
        ...base,
        ...signed.freshness,
        from: "copy",
        version: signed.version,
        sequence: signed.sequence,
        dataThrough: signed.dataThrough,
        freshness: pinned ? "pinned" : freshnessAt(signed.freshness, this.#options.now()),
        publisher: publisherOf(loaded, this.#options.now()),
        checkedAt: record.checkedAt,
        keys: base.keys.length ? base.keys : record.pins,
      };
    }
    if (endpoint !== null) return base;
    const { version, index } = await this.#seedSource();
    return { ...base, from: "seed", version, dataThrough: index.dataThrough, freshness: "seed" };
  }

  /** Asks the publisher now; says whether the copy changed. */
  async refresh(): Promise<{ changed: boolean; version: string; sequence: number }> {
    if (this.#options.offline) {
      throw new BfaError("offline", "Cannot refresh offline: leave out --offline");
    }
    const copy = await this.#require().refresh();
    this.#loaded = await this.#withIndex(copy);
    const { version, sequence } = copy.manifest.signed;
    return { changed: copy.changed, version, sequence };
  }

  /** The versions that the endpoint serves, newest first. */
  async versions(): Promise<
    { versions: ListedVersion[]; channels: Record<string, { version: string }> }
  > {
    if (this.#options.offline) throw new BfaError("offline", "Cannot list versions offline");
    this.#require();
    const loaded = await this.#load();
    const { http, endpoint } = this.#options;
    return await fetchVersions(http, endpoint!, layoutNamed(loaded?.record.layout ?? null));
  }

  /** The manifest that answers come from. */
  async manifest(): Promise<Manifest> {
    return (await this.#current()).copy.manifest;
  }

  /** The file of an artifact, downloaded and verified when it is not there. */
  async path(name: string): Promise<string> {
    const { copy } = await this.#current();
    return await this.#copy!.path(copy, name, this.#options.offline);
  }

  /** Downloads artifacts (all, when none is named) and keeps them up to date from now on. */
  async pull(names?: readonly string[]): Promise<string[]> {
    const { copy } = await this.#current();
    const wanted = names?.length ? [...names] : copy.manifest.signed.artifacts.map((a) => a.name);
    await this.#copy!.pull(copy, wanted, this.#options.offline);
    return wanted;
  }

  /** Waits until no refresh is under way in the background. */
  async settled(): Promise<void> {
    await this.#refreshing;
  }

  /** What to answer from, after whatever the copy's freshness asks for. */
  async #source(): Promise<Source> {
    if (!this.#copy) return await this.#fromSeed();
    return (await this.#current()).source;
  }

  /** The copy to answer from. */
  async #current(): Promise<Loaded> {
    const before = this.#loaded;
    const loaded = before ?? await this.#loadWithIndex();
    const current = loaded ? await this.#keptFresh(loaded) : await this.#first();
    if (!before) await this.#options.store.count(loaded && current === loaded ? "hits" : "misses");
    return current;
  }

  /** The first contact: there is no copy yet. */
  async #first(): Promise<Loaded> {
    const { offline, version, endpoint } = this.#options;
    if (offline) {
      throw new BfaError(
        "offline",
        endpoint
          ? `Cannot answer offline: there is no copy of ${endpoint} yet; run \`bfa refresh\` first`
          : "Cannot answer offline: there is no copy yet",
      );
    }
    return this.#loaded = await this.#orInMemory(async (copy) =>
      await this.#withIndex(
        version ? await copy.pinned(version, { offline }) : await copy.refresh(),
      )
    );
  }

  /** Does what the copy's freshness asks for. */
  async #keptFresh(loaded: Loaded): Promise<Loaded> {
    const { version, offline, now, maxAgeMs, acceptExpired } = this.#options;
    if (version) return loaded;
    const { signed } = loaded.copy.manifest;
    const freshness = freshnessAt(signed.freshness, now());
    const action = this.#tooOld(loaded, maxAgeMs) && freshness !== "expired"
      ? "first"
      : REFRESH_ACTIONS[freshness];
    if (action === "none") return loaded;
    if (offline) {
      if (freshness === "expired") this.#notice({ ...noticeOf(loaded), kind: "expired" });
      return loaded;
    }
    if (action === "background") {
      if (this.#mayAsk(loaded)) this.#refreshInBackground();
      return loaded;
    }
    if (action === "first" && freshness !== "fresh" && !this.#mayAsk(loaded)) return loaded;

    const { current, failure } = await this.#refreshInTime(loaded);
    const still = freshnessAt(current.copy.manifest.signed.freshness, now());
    if (still === "expired" && !acceptExpired) throw expiredError(current, failure);
    if (still === "expired") this.#notice({ ...noticeOf(current), kind: "expired" });
    else if (failure) {
      this.#notice({ ...noticeOf(current), kind: "behind", reason: failure.message });
    } else if (still === "stale") this.#notice({ ...noticeOf(current), kind: "publisher-late" });
    return current;
  }

  /** Revalidates within the time budget. Only damage and fraud stop the answer. */
  async #refreshInTime(loaded: Loaded): Promise<{ current: Loaded; failure?: BfaError }> {
    try {
      const current = await this.#orInMemory(async (copy) => {
        const { budgetMs } = this.#options;
        const signal = AbortSignal.timeout(budgetMs);
        return await this.#withIndex(await copy.refresh({ signal, waitMs: budgetMs }));
      });
      this.#loaded = current;
      return { current };
    } catch (error) {
      const failure = asBfaError(error, "network", "refresh");
      if (!GIVE_WAY.has(failure.code)) throw failure;
      return { current: loaded, failure };
    }
  }

  #refreshInBackground(): void {
    this.#refreshing ??= this.#refreshInTime(this.#loaded!)
      .then(
        ({ failure }) => failure,
        (error) =>
          this.#notice({ ...noticeOf(this.#loaded!), kind: "behind", reason: error.message }),
      )
      .finally(() => this.#refreshing = undefined);
  }

  /** Whether asking the publisher again can be of use already. */
  #mayAsk({ copy }: Loaded): boolean {
    const next = copy.record.nextCheckAt;
    const { signed } = copy.manifest;
    // What the server said while its manifest was fresh no longer counts once it is due.
    const due = Date.parse(signed.freshness.refreshAfter);
    const checkedWhenDue = Date.parse(copy.record.checkedAt ?? "") >= due;
    return !checkedWhenDue || next === null || this.#options.now().getTime() >= Date.parse(next);
  }

  #tooOld({ copy }: Loaded, maxAgeMs: number | undefined): boolean {
    if (maxAgeMs === undefined) return false;
    const checked = Date.parse(copy.record.checkedAt ?? "1970-01-01");
    return this.#options.now().getTime() - checked > maxAgeMs;
  }

  async #load(): Promise<LoadedCopy | undefined> {
    if (this.#loaded) return this.#loaded.copy;
    if (!this.#copy) return undefined;
    const { version } = this.#options;
    if (!version) return await this.#copy.load();
    try {
      return await this.#copy.pinned(version, { offline: true });
    } catch (error) {
      if (error instanceof BfaError && error.code === "offline") return undefined;
      throw error;
    }
  }

  async #loadWithIndex(): Promise<Loaded | undefined> {
    const copy = await this.#load();
    if (!copy) return undefined;
    return this.#loaded = await this.#orInMemory(() => this.#withIndex(copy));
  }

  async #withIndex(copy: LoadedCopy): Promise<Loaded> {
    const { version } = copy.manifest.signed;
    const bytes = await this.#copy!.read(copy, "listings.json", this.#options.offline);
    const listings = parseListings(new TextDecoder().decode(bytes));
    return { copy, source: { version, index: new ListingIndex(listings) } };
  }

  /** Does work on the copy; when the disk refuses to be written, does it again in memory. */
  async #orInMemory<T>(work: (copy: Copy) => Promise<T>): Promise<T> {
    try {
      return await work(this.#require());
    } catch (error) {
      if (!(error instanceof BfaError) || error.code !== "storage") throw error;
      this.#notice({ kind: "not-kept", reason: error.message });
      this.#copy = this.#makeCopy(await this.#inMemory());
      return await work(this.#copy!);
    }
  }

  /** A store in memory that still knows the pins and the highest sequence. */
  async #inMemory(): Promise<CopyStore> {
    const memory = memoryStore();
    const record = (await this.#load().catch(() => undefined))?.record;
    if (record && this.#copy) await this.#copy.remember(memory, record);
    return memory;
  }

  #require(): Copy {
    if (this.#copy) return this.#copy;
    throw new BfaError(
      "usage",
      "Cannot do this without a publisher: give --endpoint, or set BFA_ENDPOINT",
    );
  }

  #makeCopy(store: CopyStore): Copy | undefined {
    const { endpoint, channel, http, trustedKeys, now, onProgress } = this.#options;
    if (endpoint === undefined) return undefined;
    const onPinned = (keys: readonly string[]) => this.#notice({ kind: "pinned", endpoint, keys });
    return new Copy({ endpoint, channel, store, http, trustedKeys, now, onProgress, onPinned });
  }

  async #fromSeed(): Promise<Source> {
    const { version, offline, now } = this.#options;
    const seed = await this.#seedSource();
    if (version && version !== seed.version) {
      throw new BfaError(
        offline ? "offline" : "usage",
        `Cannot use ${version}: there is no copy of it, and no endpoint to get it from; give --endpoint`,
      );
    }
    const { dataThrough } = seed.index;
    const ageDays = Math.floor((now().getTime() - Date.parse(dataThrough)) / 86_400_000);
    this.#notice({ kind: "seed", dataThrough, ageDays });
    return seed;
  }

  async #seedSource(): Promise<Source> {
    return this.#seed ??= await seedSource();
  }

  /** Every kind of notice is given once. */
  #notice(notice: Notice): void {
    if (this.#noticed.has(notice.kind)) return;
    this.#noticed.add(notice.kind);
    this.#options.onNotice(notice);
  }
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

function expiredError({ copy }: Loaded, failure: BfaError | undefined): BfaError {
  const { version, freshness } = copy.manifest.signed;
  const why = failure ? `; ${failure.message}` : "; the publisher has nothing newer";
  return new BfaError(
    "expired",
    `Cannot answer from ${version}: its signature ended on ${freshness.expiresAt}${why}; use --accept-expired to answer all the same`,
    failure ? { cause: failure } : undefined,
  );
}

/** Late: it answered after a newer version was due, and had none. */
function publisherOf({ record, manifest }: LoadedCopy, now: Date): Status["publisher"] {
  const { freshness } = manifest.signed;
  if (freshnessAt(freshness, now) === "fresh") return "on time";
  const checked = Date.parse(record.checkedAt ?? "");
  if (checked >= Date.parse(freshness.staleAfter)) return "late";
  return "unknown";
}
