/**
 * Which Binance USDⓈ-M futures existed, and really traded, on a day.
 *
 * ```ts
 * import { open } from "@bfa/cli/lib";
 *
 * const bfa = await open({ offline: true });
 * const { symbols } = await bfa.snapshot("2024-01-15");
 * console.log(symbols.length);
 * ```
 *
 * @module
 */

export { open } from "./open.ts";
export type { OpenOptions, RegistryLogin } from "./jobs/open.ts";
export type { Dataset } from "./jobs/dataset.ts";
export type {
  Exported,
  ExportOptions,
  ListedArtifact,
  RefreshResult,
  SnapshotOptions,
  SqlOptions,
  SymbolsOptions,
  TimelineOptions,
} from "./jobs/dataset_options.ts";
export type { AvailabilityRow, RowsAnswer, TopAnswer, TopRow } from "./core/availability_rows.ts";
export type { RowsQuestion } from "./jobs/row_source.ts";
export type { Notice } from "./jobs/notice.ts";
export type { Status } from "./jobs/status.ts";
export type { NewVersion, WatchOptions } from "./jobs/watch.ts";
export type * from "./core/answer_types.ts";
export type { DiffAnswer, DiffClass, DiffRow, ListingDiff } from "./core/diff.ts";
export type { DiffQuestion } from "./jobs/version_diff.ts";
export type { AskedVersion } from "./jobs/version_sources.ts";
export type { RangeQuestion, Source, StatesOption } from "./core/answers.ts";
export type { Day, DayRange } from "./core/day.ts";
export {
  BfaError,
  type ErrorCode,
  HttpError,
  IntegrityError,
  NotFoundError,
} from "./core/errors.ts";
export type { FileFormats } from "./core/file_formats.ts";
export type { Freshness } from "./core/freshness.ts";
export type { ContractType, DayState, Listing, RowState } from "./core/listing.ts";
export type { ListingIndex } from "./core/listing_index.ts";
export type { ListingsFile } from "./core/kept_listings.ts";
export type {
  Artifact,
  FreshnessWindow,
  Manifest,
  ManifestBody,
  Signature,
} from "./core/manifest.ts";
export type { SqlParams, SqlValue } from "./core/sql_params.ts";
export type { Column } from "./core/schema.ts";
export type { Cell, Table, TableColumn } from "./core/table.ts";
export type { OnProgress } from "./cache/download.ts";
export type { ListedVersion, VersionsReply } from "./manifest/versions_reply.ts";
export type { Fetch } from "./net/client.ts";
