/**
 * The dataset as a program uses it. Lazy: nothing is read or fetched before the first question.
 *
 * @module
 */

import type {
  EventsAnswer,
  RangeAnswer,
  SnapshotAnswer,
  SummaryAnswer,
  SymbolsAnswer,
  TimelineAnswer,
} from "../core/answer_types.ts";
import * as answers from "../core/answers.ts";
import type { Asked, Source, StatesOption } from "../core/answers.ts";
import { isTexts, isWait, LONGEST_WAIT_MS, mustBe } from "../core/checked.ts";
import { parseDay } from "../core/day.ts";
import type { DiffAnswer } from "../core/diff.ts";
import { BfaError } from "../core/errors.ts";
import { freshnessAt } from "../core/freshness.ts";
import type { Manifest } from "../core/manifest.ts";
import type { SqlParams } from "../core/sql_params.ts";
import type { Table } from "../core/table.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import type {
  Exported,
  ExportOptions,
  ListedArtifact,
  RefreshResult,
  SnapshotOptions,
  SqlOptions,
  SymbolsOptions,
  TimelineOptions,
} from "./dataset_options.ts";
import { KeptCopy, type KeptCopyOptions } from "./kept_copy.ts";
import type { RowsAnswer, TopAnswer } from "../core/availability_rows.ts";
import type { DatasetSql } from "./dataset_sql.ts";
import type { Notice } from "./notice.ts";
import type { RowSource, RowsQuestion } from "./row_source.ts";
import type { AskedVersion } from "./version_sources.ts";
import type { Status } from "./status.ts";
import type { DiffQuestion, DiffSide } from "./version_diff.ts";
import type { NewVersion, WatchOptions } from "./watch.ts";

/** What a dataset is made of; `open()` fills in the defaults. */
export interface DatasetOptions extends Omit<KeptCopyOptions, "endpoint"> {
  /** Without one, the embedded listings answer. */
  readonly endpoint: string | undefined;
}

/**
 * A dataset: one endpoint's channel, or one pinned version, or the embedded listings.
 *
 * Days are UTC dates written `YYYY-MM-DD`, or `latest`: the newest day of the data. Ranges include both ends; without
 * `to` they are one day. Every question may throw a `BfaError`: `usage` for what cannot be asked,
 * `not_found` for a day outside of the data or a symbol that never existed, `offline`, `network` or `expired` where
 * no copy can answer, `untrusted` or `integrity` where what came must not be believed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "../open.ts";
 * const bfa = await open({ cacheDir: null, offline: true });
 * assertEquals((await bfa.snapshot("2019-12-31")).symbols, ["BCHUSDT", "BTCUSDT", "ETHUSDT"]);
 * const { listings } = await bfa.timeline("LITUSDT");
 * assertEquals(listings.map(({ id }) => id), ["LITUSDT#1", "LITUSDT#2"]);
 * const { count } = await bfa.newListings("2024-01-01", "2024-01-31");
 * assertEquals(count, 14);
 * ```
 */
export class Dataset {
  readonly #options: DatasetOptions;
  readonly #copy: KeptCopy | undefined;
  readonly #noticed = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  #seed: Source | undefined;
  #sql: DatasetSql | undefined;

  /** Names a dataset; touches nothing. Programs call `open()`. */
  constructor(options: DatasetOptions) {
    const onNotice = (notice: Notice) => this.#notice(notice);
    const { endpoint } = options;
    this.#options = options;
    this.#copy = endpoint === undefined
      ? undefined
      : new KeptCopy({ ...options, endpoint, onNotice });
  }

  /**
   * Which symbols existed on a day, and really traded unless other states are asked for.
   *
   * @param day `YYYY-MM-DD` (UTC), or `latest`.
   * @throws {BfaError} `not_found` for a day outside of the data.
   */
  async snapshot(day: string, options: SnapshotOptions = {}): Promise<SnapshotAnswer> {
    const { states } = options;
    return answers.snapshot(await this.#source({ day, states }), day, options);
  }

  /**
   * The lives of a symbol: when it was listed, traded, halted and gone; with `detail`, also one row a day.
   *
   * @throws {BfaError} `not_found` for a symbol that never existed; the message names those that are near.
   */
  async timeline(symbol: string, options: TimelineOptions = {}): Promise<TimelineAnswer> {
    return answers.timeline(await this.#source(options), symbol, options);
  }

  /** Which symbols were in one of the states on at least one day of a range. */
  async range(from: string, to: string = from, options: StatesOption = {}): Promise<RangeAnswer> {
    const source = await this.#source({ from, to, ...options });
    return answers.range(source, { from, to }, options);
  }

  /** The listings that began to trade on a day or in a range. */
  async newListings(from: string, to: string = from): Promise<EventsAnswer> {
    return answers.newListings(await this.#source({ from, to }), { from, to });
  }

  /** The listings that stopped trading on a day or in a range. */
  async delistings(from: string, to: string = from): Promise<EventsAnswer> {
    return answers.delistings(await this.#source({ from, to }), { from, to });
  }

  /** Counts per state, one row a day. */
  async summary(from: string, to: string = from): Promise<SummaryAnswer> {
    return answers.summary(await this.#source({ from, to }), { from, to });
  }

  /** Every symbol that ever existed. */
  async symbols(options: SymbolsOptions = {}): Promise<SymbolsAnswer> {
    return answers.symbols(await this.#source(), options);
  }

  /**
   * Rows of `daily_availability` with their numbers: of a day, a symbol, a range of days, or a symbol in a
   * range. A copy downloads the parts it needs; without one, ranges of the published files are read.
   *
   * @throws {BfaError} `not_found` for a symbol that never existed, or a day outside of the data.
   */
  async rows(question: RowsQuestion): Promise<RowsAnswer> {
    mustBe(typeof question === "object" && question !== null, "this question", "an object");
    answers.checkAsked(question);
    const { askRows } = await import("./ask_rows.ts");
    return await this.#until(question.signal, () =>
      askRows(question, {
        hasListings: this.#options.copy !== "none",
        listings: () => this.#source(),
        rows: () => this.#rowSource(),
      }));
  }

  /**
   * The `n` symbols with the largest volumes of a day, and how their ranks have changed.
   *
   * @param n How many, from 1 on.
   * @throws {BfaError} `not_found` when no volumes of that day are known.
   */
  async top(
    day: string,
    n = 20,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<TopAnswer> {
    answers.checkAsked({ day });
    return await this.#until(
      options.signal,
      async () => await (await this.#rowSource()).top(day, n, options),
    );
  }

  /**
   * Runs SQL over `daily_availability`, `listings`, `volume_rankings` and `versions`, in this process: the
   * copy's Parquet files are downloaded when they are not there.
   *
   * @param params An array for `?`, an object for `$name`.
   * @returns The result of the last statement: columns, and rows of cells in their order.
   * @throws {BfaError} `sql_rejected` for a statement that DuckDB refuses.
   */
  async sql(text: string, params?: SqlParams, options: SqlOptions = {}): Promise<Table> {
    const { signal } = options;
    try {
      return await this.#until(signal, async () => {
        const { version } = await this.#source();
        return await (await this.#localSql()).query(version, text, params, signal);
      });
    } catch (error) {
      if (!signal?.aborted) throw error;
      throw new BfaError("deadline", "Cannot finish this SQL: it was stopped", {
        cause: signal.reason,
      });
    }
  }

  /**
   * Writes rows of `daily_availability` to a file: `.csv`, `.parquet` or `.sqlite`, by the end of its name. It
   * appears whole or not at all.
   *
   * @throws {BfaError} `usage` when there is such a file already, unless `replace` is set.
   */
  async export(path: string, options: ExportOptions = {}): Promise<Exported> {
    const { exportRows } = await import("./export_rows.ts");
    const { from, to } = options;
    const source = await this.#until(options.signal, () => this.#source({ from, to }));
    const open = async () => await (await this.#localSql()).open(source.version);
    return await exportRows(path, source, open, options);
  }

  async #localSql(): Promise<DatasetSql> {
    const { DatasetSql } = await import("./dataset_sql.ts");
    return this.#sql ??= new DatasetSql(this.#copy, {
      seed: () => this.#fromSeed(),
      versions: this.#options.offline ? undefined : () => this.versions(),
    });
  }

  /** The condition of the copy, as it is on this machine: asks nobody. */
  async status(): Promise<Status> {
    const { statusOf } = await import("./status.ts");
    const copy = await this.#copy?.peek();
    const seed = this.#copy ? undefined : await this.#seedSource();
    return statusOf(this.#options, { copy, seed });
  }

  /**
   * Asks the publisher now, whatever the freshness, and keeps what is newer.
   *
   * @throws {BfaError} `offline`; `usage` without an endpoint; `network` when nobody answers: the copy stays as it was.
   */
  async refresh(): Promise<RefreshResult> {
    this.#online("refresh");
    const { changed, manifest } = await this.#published().refresh();
    const { version, sequence } = manifest.signed;
    return { changed, version, sequence };
  }

  /**
   * Every version that is newer than this copy, as soon as it is published: over the service's event stream, or by
   * asking once a minute where there is none. When a version is given, questions are already answered from it.
   *
   * @example
   * ```ts ignore
   * import { open } from "@bfa/cli/lib";
   * const bfa = await open({ endpoint: "https://bfa.example.org" });
   * const stop = new AbortController();
   * for await (const { version, dataThrough } of bfa.watch({ signal: stop.signal })) {
   *   console.log(version, (await bfa.snapshot(dataThrough)).count);
   *   stop.abort(); // or go on
   * }
   * ```
   */
  async *watch(options: WatchOptions = {}): AsyncGenerator<NewVersion, void, void> {
    this.#online("watch");
    const { pollMs } = options;
    const kind = `milliseconds, from 1 to ${LONGEST_WAIT_MS}`;
    mustBe(pollMs === undefined || (isWait(pollMs) && pollMs >= 1), `the option "pollMs"`, kind);
    const published = this.#published();
    const { endpoint, channel, http } = this.#options;
    const known = (await published.peek())?.record.sequence ?? 0;
    const { watch } = await import("./watch.ts");
    const refresh = () => this.#tracked(published.refresh());
    const onBehind = async ({ message: reason }: BfaError) => {
      const signed = (await published.peek())?.manifest.signed;
      if (!signed) return;
      const freshness = freshnessAt(signed.freshness, this.#options.now());
      const since = signed.freshness.refreshAfter;
      this.#notice({ kind: "behind", version: signed.version, freshness, since, reason });
    };
    yield* watch({ endpoint: endpoint!, channel, http, known, refresh, onBehind }, options);
  }

  /**
   * The dataset as it was known at the end of a day: the version that the channel named then. It
   * never goes stale.
   *
   * @throws {BfaError} `not_found` when nothing was published by then.
   */
  async asOf(day: string): Promise<Dataset> {
    const known = parseDay(day);
    this.#online("look up old versions");
    const version = await this.#published().versionAsOf(known);
    return this.at(version);
  }

  /**
   * The versions that the endpoint serves, newest first, and where its channels point.
   *
   * @throws {BfaError} `offline`; `usage` without an endpoint.
   */
  async versions(): Promise<VersionsReply> {
    this.#online("list versions");
    return await this.#published().versions();
  }

  /**
   * The same dataset at one version, which never goes stale. Nothing is asked yet.
   *
   * @param version Such as `2024-03-31.1`; `versions()` lists them.
   */
  at(version: string): Dataset {
    return new Dataset({ ...this.#options, version });
  }

  /**
   * What changed between two versions: listings, days of symbols, and the numbers of those days. Of the rows,
   * only parts (without a copy: blocks) that the versions do not share are read.
   *
   * @param a A version, or `latest`: the one that answers.
   */
  async diff(a: string, b: string, question: DiffQuestion = {}): Promise<DiffAnswer> {
    this.#published();
    const side = (version: string) => version === "latest" ? this : this.at(version);
    return await this.#until(question.signal, async () => {
      const [{ VersionDiff }, before, after] = await Promise.all([
        import("./version_diff.ts"),
        side(a).#compared(),
        side(b).#compared(),
      ]);
      return await new VersionDiff(before, after).answer(question);
    });
  }

  async #compared(): Promise<DiffSide> {
    const [asked, { pieces }] = [await this.asked(), await this.#published().rowSource()];
    return { ...asked!, pieces };
  }

  /** The version that answers come from; `undefined` while the embedded listings answer. */
  async asked(): Promise<AskedVersion | undefined> {
    if (!this.#copy) {
      await this.#fromSeed(); // says that it does
      return undefined;
    }
    const { source, copy } = await this.#copy.current();
    return { source: await source(), stored: { manifest: copy.manifest } };
  }

  /**
   * The manifest that answers come from: what was signed, and by whom.
   *
   * @throws {BfaError} `usage` without an endpoint.
   */
  async manifest(): Promise<Manifest> {
    return (await this.#published().current()).copy.manifest;
  }

  /**
   * The files of the version that answers come from: what `pull()` would download.
   *
   * @param names `parts/` is all in that folder, `*` stands for any letters; everything when left out.
   * @throws {BfaError} `usage` without an endpoint.
   */
  async artifacts(names: readonly string[] = ["*"]): Promise<ListedArtifact[]> {
    return await this.#published().artifacts(names);
  }

  /**
   * The path of an artifact's file, downloaded and verified when it is not there. The file is the copy's: read it only.
   *
   * @param name Such as `availability.parquet`; the manifest lists them.
   * @throws {BfaError} `not_found` when the version has no such artifact.
   */
  async path(name: string): Promise<string> {
    return await this.#published().path(name);
  }

  /**
   * The bytes of an artifact, downloaded when they are not there, and verified: where there are no files, too.
   *
   * @throws {BfaError} `not_found` when the version has no such artifact.
   */
  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#published().bytes(name);
  }

  /**
   * Downloads artifacts and keeps them up to date from now on.
   *
   * @param names Such as `availability.parquet`; `parts/` is all in that folder, `*` is all. Without
   *   names, `listings.json` and `parts/`: all rows, and of them only what is new with every version.
   * @returns The names of the artifacts.
   */
  async pull(names: readonly string[] = []): Promise<string[]> {
    mustBe(isTexts(names), "these names", `a list, such as ["parts/"]`);
    if (this.#options.copy === "none") {
      throw new BfaError("usage", "Cannot keep artifacts without a copy");
    }
    const { signed } = await this.manifest();
    const { artifactsNamed } = await import("../core/manifest.ts");
    const wanted = names.length
      ? names
      : PULLED.filter((name) =>
        signed.artifacts.some((artifact) => artifact.name.startsWith(name))
      );
    await this.#published().pull(wanted);
    return artifactsNamed(signed, wanted).map(({ name }) => name);
  }

  /** Waits until nothing is under way in the background: no refresh, and nothing that a signal has left behind. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#copy?.settled();
  }

  /** A question that its signal, if there is one, ends at once. */
  async #until<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (!signal) return await work();
    const { untilAborted } = await import("../core/until_aborted.ts");
    return await untilAborted(signal, () => this.#tracked(work()));
  }

  /** Remembers work that its caller may not wait for. */
  #tracked<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const end = () => this.#underWay.delete(work);
    work.then(end, end);
    return work;
  }

  /** What to answer from, once it is known that there can be an answer. */
  async #source(asked: Asked = {}): Promise<Source> {
    answers.checkAsked(asked);
    return this.#copy ? await (await this.#copy.current()).source() : await this.#fromSeed();
  }

  async #fromSeed(): Promise<Source> {
    const { version, now } = this.#options;
    const seed = await this.#seedSource();
    if (version !== undefined && version !== seed.version) {
      throw new BfaError(
        "offline",
        `Cannot use ${version}: there is no copy of it, and no endpoint to get it from`,
      );
    }
    const { dataThrough } = seed.index;
    const ageDays = Math.floor((now().getTime() - Date.parse(dataThrough)) / 86_400_000);
    this.#notice({ kind: "seed", dataThrough, ageDays });
    return seed;
  }

  async #seedSource(): Promise<Source> {
    const { seedSource } = await import("../source/seed.ts");
    return this.#seed ??= await seedSource();
  }

  /** The rows of the version to answer from. */
  async #rowSource(): Promise<RowSource> {
    if (!this.#copy) {
      throw new BfaError(
        "usage",
        "Cannot answer with numbers: the built-in listings have none; give an endpoint (--endpoint, BFA_ENDPOINT, open({ endpoint }))",
      );
    }
    return await this.#copy.rowSource();
  }

  #published(): KeptCopy {
    if (this.#copy) return this.#copy;
    throw new BfaError(
      "usage",
      "Cannot ask a publisher: give an endpoint (--endpoint, BFA_ENDPOINT, open({ endpoint }))",
    );
  }

  #online(action: string): void {
    if (!this.#options.offline) return;
    throw new BfaError("offline", `Cannot ${action} offline`);
  }

  /** Every kind of notice is given once. */
  #notice(notice: Notice): void {
    if (this.#noticed.has(notice.kind)) return;
    this.#noticed.add(notice.kind);
    this.#options.onNotice(notice);
  }
}

/** What is pulled when nothing is named. */
const PULLED = ["listings.json", "parts/"];
