/**
 * Which Binance USDⓈ-M futures existed, and really traded, on a day.
 *
 * ```ts
 * import { open } from "@bfa/cli/lib";
 *
 * const bfa = await open();
 * const { symbols } = await bfa.snapshot("2024-01-15");
 * console.log(symbols.length);
 * ```
 *
 * @module
 */

export { open, type OpenOptions } from "./jobs/open.ts";
export type { Dataset, Notice, Status } from "./jobs/dataset.ts";
export type {
  EventsAnswer,
  ListingAnswer,
  ListingEvent,
  ListingRow,
  RangeAnswer,
  SnapshotAnswer,
  SummaryAnswer,
  SummaryRow,
  SymbolRow,
  SymbolsAnswer,
  TimelineAnswer,
  TimelineRow,
} from "./core/answers.ts";
export type { Day } from "./core/day.ts";
export { BfaError, type ErrorCode, NotFoundError } from "./core/errors.ts";
export type { Freshness } from "./core/freshness.ts";
export type { ContractType, DayState, RowState } from "./core/listing.ts";
export type {
  Artifact,
  FreshnessWindow,
  Manifest,
  ManifestBody,
  Signature,
} from "./core/manifest.ts";
