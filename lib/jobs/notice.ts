/**
 * Notices: what the user should know although nothing failed.
 *
 * @module
 */

import type { Freshness } from "../core/freshness.ts";

/** Something the user should know that is no error. */
export type Notice =
  /** No endpoint and no copy: the embedded listings answer. */
  | { kind: "seed"; dataThrough: string; ageDays: number }
  /** A first contact pinned these keys. */
  | { kind: "pinned"; endpoint: string; keys: readonly string[] }
  /** The copy is behind and the publisher did not answer; it is not asked again before `retryAt`. */
  | {
    kind: "behind";
    version: string;
    freshness: Freshness;
    since: string;
    reason: string;
    retryAt?: string;
  }
  /** The publisher answered, and has nothing newer although it is time. */
  | { kind: "publisher-late"; version: string; since: string }
  /** The copy's signature has ended; it was used all the same, as asked. */
  | { kind: "expired"; version: string; since: string }
  /** The version was signed later than this clock says it is: nothing tells how old it is. */
  | { kind: "clock"; version: string; publishedAt: string; now: string }
  /** A server has not answered for a few seconds; `reason` is why its last try failed, if one has. */
  | { kind: "waiting"; origin: string; reason?: string }
  /** The cache cannot be read or written; this copy lives in memory. */
  | { kind: "not-kept"; reason: string };
