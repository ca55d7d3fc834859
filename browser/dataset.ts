/**
 * The dataset beside the page, by the same client as everywhere: its manifest's signature and every file's digest are
 * verified here, in the browser.
 *
 * @module
 */

import type { OnProgress } from "../lib/cache/download.ts";
import { memoryStore } from "../lib/cache/memory_store.ts";
import type { Source } from "../lib/core/answers.ts";
import { BfaError } from "../lib/core/errors.ts";
import type { Artifact, Manifest } from "../lib/core/manifest.ts";
import type { SqlVersion } from "../lib/core/sql_schema.ts";
import { Dataset } from "../lib/jobs/dataset.ts";
import type { Notice } from "../lib/jobs/notice.ts";
import { type Fetch, httpClient } from "../lib/net/client.ts";

/** One version, opened: it stays the same while the page is open. */
export interface OpenedDataset {
  readonly manifest: Manifest;
  readonly source: Source;
  /** All versions that there are. */
  versions(): Promise<readonly SqlVersion[]>;
  /** The bytes of a file, verified. They are not kept. */
  bytes(artifact: Artifact): Promise<Uint8Array<ArrayBuffer>>;
}

/** Told of what happens meanwhile. */
export interface DatasetListener {
  readonly onNotice: (notice: Notice) => void;
  readonly onProgress: OnProgress;
}

/** How long a publisher may take to answer when a newer version is due, ms. */
const BUDGET_MS = 2_000;

/** Opens the newest version of a service or a mirror. */
export async function openDataset(
  endpoint: URL,
  { onNotice, onProgress }: DatasetListener,
): Promise<OpenedDataset> {
  if (!("subtle" in crypto)) {
    throw new BfaError(
      "not_implemented",
      "Cannot verify the data here: browsers do that at https:// addresses and on localhost alone",
    );
  }
  const store = memoryStore();
  const newest = new Dataset({
    endpoint: endpoint.href,
    channel: "latest",
    version: undefined,
    offline: false,
    acceptExpired: false,
    maxAgeMs: undefined,
    budgetMs: BUDGET_MS,
    trustedKeys: [],
    store,
    http: httpClient({ fetch: fetchOnlyFrom(endpoint.origin) }),
    now: () => new Date(),
    onNotice,
    onProgress,
  });
  const { version } = (await newest.manifest()).signed;
  const dataset = newest.at(version);
  const { source, stored } = (await dataset.asked())!;
  return {
    manifest: stored.manifest,
    source,
    versions: async () => (await dataset.versions()).versions,
    async bytes(artifact) {
      const bytes = await dataset.bytes(artifact.name);
      await store.putAside(artifact);
      return bytes;
    },
  };
}

/** A manifest may name mirrors elsewhere: the page’s policy forbids them, so the next address is tried at once. */
function fetchOnlyFrom(origin: string): Fetch {
  return async (url, init) => {
    if (new URL(url).origin === origin) return await fetch(url, init);
    throw new BfaError("network", `Cannot fetch ${url}: it is not at ${origin}`);
  };
}
