/**
 * What a copy that is no longer fresh asks for: asking the publisher in the background, first, or above all; and
 * telling the user. A question on a fresh copy does not load this.
 *
 * @module
 */

import { asBfaError, BfaError } from "../core/errors.ts";
import { freshnessAt, isOfFuture, REFRESH_ACTIONS, retryAt } from "../core/freshness.ts";
import { inTime } from "../core/in_time.ts";
import type { KeptCopyOptions, Loaded } from "./kept_copy.ts";
import type { Notice } from "./notice.ts";

/** What keeping a copy fresh needs of it. */
export interface FreshKeeperParts {
  readonly options: KeptCopyOptions;
  /** Asks the publisher; what came is what answers from now on. */
  refresh(limits: { readonly budgetMs?: number }): Promise<Loaded>;
  /** Notes that asking failed; the copy answers all the same from now on. */
  noteFailure(failure: BfaError, loaded: Loaded): Promise<Loaded>;
}

/** What came of an attempt: the copy to use, and why it is not newer. */
interface Refreshed {
  readonly current: Loaded;
  readonly failure?: BfaError;
}

/** Keeps one copy fresh. */
export class FreshKeeper {
  readonly #parts: FreshKeeperParts;
  readonly #options: KeptCopyOptions;
  #refreshing: Promise<Refreshed> | undefined;

  /** Does nothing yet. */
  constructor(parts: FreshKeeperParts) {
    this.#parts = parts;
    this.#options = parts.options;
  }

  /** Does what the copy's freshness asks for; returns the copy to answer from. */
  async kept(loaded: Loaded): Promise<Loaded> {
    const { offline, now } = this.#options;
    const freshness = freshnessAt(loaded.copy.manifest.signed.freshness, now());
    const asked = REFRESH_ACTIONS[freshness];
    const unsure = this.#tooOld(loaded) || this.#isOfFuture(loaded);
    const action = unsure && asked !== "required" ? "first" : asked;
    if (action === "none") return loaded;
    if (offline) {
      this.#tellOfClock(loaded);
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

  /** What was got for the first time: it answers, unless it has expired already. */
  first(loaded: Loaded): Loaded {
    return this.#required({ current: loaded });
  }

  /** Waits until no refresh is under way. */
  async settled(): Promise<void> {
    await this.#refreshing;
  }

  /** Waits for a refresh as long as the budget allows; it goes on for the next question. */
  async #inTime(loaded: Loaded): Promise<Refreshed> {
    const { budgetMs } = this.#options;
    return await inTime(this.#refreshed(loaded, "quick"), budgetMs, () => ({
      current: loaded,
      failure: new BfaError("network", `no answer in ${budgetMs / 1000} s`),
    }));
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
    try {
      return { current: await this.#parts.refresh(patience === "quick" ? { budgetMs } : {}) };
    } catch (error) {
      const failure = asBfaError(error, "network", "refresh");
      if (!GIVE_WAY.has(failure.code)) throw failure;
      return { current: await this.#parts.noteFailure(failure, loaded), failure };
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
    const clock = now().toISOString().slice(0, 16).replace("T", " ");
    const why = failure
      ? failure.message
      : `the publisher has nothing newer, or this clock is wrong (${clock} UTC)`;
    throw new BfaError(
      "expired",
      `Cannot answer from ${version}: its signature ended on ${freshness.expiresAt}; ${why}`,
      failure ? { cause: failure } : undefined,
    );
  }

  /** Behind and late are different things: nobody answered, or nobody has anything newer. */
  #tellOfStale({ current, failure }: Refreshed): void {
    this.#tellOfClock(current);
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

  #tellOfClock(loaded: Loaded): void {
    if (!this.#isOfFuture(loaded)) return;
    const { version, publishedAt } = loaded.copy.manifest.signed;
    this.#notice({ kind: "clock", version, publishedAt, now: this.#options.now().toISOString() });
  }

  #isOfFuture({ copy }: Loaded): boolean {
    return isOfFuture(copy.manifest.signed, this.#options.now());
  }

  /** Whether asking the publisher again can be of use already. */
  #mayAsk(loaded: Loaded): boolean {
    const { copy } = loaded;
    const now = this.#options.now().getTime();
    const { nextCheckAt, checkedAt } = copy.record;
    if (Date.parse(checkedAt ?? "") > now) return true; // the clock was ahead then
    // What the server said while its manifest was fresh no longer counts once it is due; nor that once it is stale.
    const { refreshAfter, staleAfter } = copy.manifest.signed.freshness;
    const since = Date.parse(now >= Date.parse(staleAfter) ? staleAfter : refreshAfter);
    const checkedSince = Date.parse(checkedAt ?? "") >= since || this.#isOfFuture(loaded);
    return !checkedSince || nextCheckAt === null || now >= Date.parse(nextCheckAt);
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
    const ageMs = now().getTime() - Date.parse(copy.record.checkedAt ?? "1970-01-01");
    return ageMs < 0 || ageMs > maxAgeMs; // the clock was ahead then
  }

  #notice(notice: Notice): void {
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
  "stale",
  "format_too_new",
]);

function noticeOf({ copy }: Loaded): { version: string; since: string } {
  const { version, freshness } = copy.manifest.signed;
  return { version, since: freshness.refreshAfter };
}
