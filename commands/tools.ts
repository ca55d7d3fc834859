/**
 * What commands are given: the outside world, and the things that only the entry point may build.
 *
 * @module
 */

import type { ManifestStore } from "../lib/manifest/store.ts";
import type { FetchNumbers } from "../lib/jobs/collect_klines.ts";
import type { Publisher } from "../lib/jobs/publish.ts";
import type { VisionLister } from "../lib/source/vision.ts";
import type { GithubReleases } from "../lib/mirror/github_releases.ts";
import type { Mirror, MirrorReader } from "../lib/mirror/mirror.ts";
import type { RetryPolicy } from "../lib/net/retry.ts";
import type { Inputs } from "./command.ts";

/** Standard streams, environment and clock. */
export interface World {
  /** Data. */
  out(data: string | Uint8Array): void;
  /** Everything else. */
  err(text: string): void;
  /** Where {@linkcode err} writes to, for what must never wait for its reader. */
  readonly errSink?: { write(bytes: Uint8Array): Promise<number> };
  /** Whether data goes to a terminal. */
  readonly outIsTerminal: boolean;
  /** Whether notices go to a terminal. */
  readonly errIsTerminal: boolean;
  /** Width of the terminal, in columns. */
  readonly columns: number;
  /** An environment variable. */
  env(name: string): string | undefined;
  /** The text of a file; `undefined` when there is none. */
  readTextFile(path: string): string | undefined;
  /** Standard input, where there is one. */
  readonly stdin?: { readonly isTerminal: boolean; text(): Promise<string> };
  /** The clock. */
  now(): Date;
  /** A signal that aborts when the user, or the system, asks the process to stop. */
  onInterrupt(): AbortSignal;
}

/** The publisher's side, as `--data-dir` and its like describe it. */
export interface PublisherSide {
  readonly store: ManifestStore;
  /** The first mirror, to read from. */
  readonly mirror: MirrorReader;
  readonly publisher: Publisher;
  readonly dataDir: string;
}

/** What a command may use. */
export interface Tools {
  readonly world: World;
  /** The cache folder that the client options describe. */
  cacheDir(inputs: Inputs): string;
  /** The bucket's listing, as `--list-url` describes it. */
  visionLister(inputs: Inputs): Promise<VisionLister>;
  /** Fetches a day's numbers from where `--files-url` says. */
  numbersFetcher(inputs: Inputs): Promise<FetchNumbers>;
  /** Brings a database to a local file, which may be a temporary one in `folder`. */
  localDatabase(source: string, folder: string): Promise<{ path: string; temporary: boolean }>;
  /** The releases of `github:OWNER/REPO`. */
  githubReleases(place: string): Promise<GithubReleases>;
  /** A place that is only read: any mirror, plain HTTP, the service. `retry`: how often to try, where that is not the usual. */
  openReader(place: string, retry?: RetryPolicy): Promise<MirrorReader>;
  /** A mirror that holds files by their path, to write to. */
  openFileMirror(place: string): Promise<Mirror>;
  /** Runs work with the publisher's side open. `mustExist`: a KV file that is not there is not made. */
  withPublisher<T>(
    inputs: Inputs,
    work: (side: PublisherSide) => Promise<T>,
    options?: { mustExist?: boolean },
  ): Promise<T>;
}
