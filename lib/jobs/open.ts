/**
 * Open: the dataset with everything it needs, from a few options.
 *
 * @module
 */

import { readChannel } from "../core/manifest.ts";
import { defaultCacheDir } from "../cache/cache_dir.ts";
import { newRecord, sourceName } from "../cache/copy.ts";
import type { CopyStore } from "../cache/copy_store.ts";
import type { OnProgress } from "../cache/download.ts";
import { folderStore } from "../cache/folder_store.ts";
import { BfaError } from "../core/errors.ts";
import { parseEndpoint } from "../manifest/endpoint_address.ts";
import { isKeyId } from "../manifest/signature.ts";
import type { Fetch, HttpClient } from "../net/client.ts";
import { Dataset } from "./dataset.ts";
import type { Notice } from "./notice.ts";

/** Name and password, or token, of an account at an OCI registry. */
export interface RegistryLogin {
  /** The account. */
  readonly username: string;
  /** Its password or token. */
  readonly password: string;
}

/** How to open a dataset. Everything has a default. */
export interface OpenOptions {
  /**
   * Base URL of a service or a static mirror, `github:OWNER/REPO` or `oci://HOST/REPOSITORY`. When left out: the one that the
   * newest copy in the cache came from; with no copy, the embedded listings answer.
   */
  endpoint?: string | undefined;
  /** Channel to follow; `latest`. */
  channel?: string | undefined;
  /** A version to stay on, such as `2026-11-20.1`: it never goes stale. */
  version?: string | undefined;
  /** Never use the network. */
  offline?: boolean | undefined;
  /** Answer even from a copy whose signature has ended. */
  acceptExpired?: boolean | undefined;
  /** Cache folder, in Deno; the platform's when left out; `null` keeps the copy in memory, as Node and browsers do. */
  cacheDir?: string | null | undefined;
  /**
   * `none`: nothing is kept and nothing is written. Listings are fetched when they are asked for; rows
   * with numbers are read by ranges of the published files.
   */
  copy?: "none" | undefined;
  /** Revalidate first when the last check was longer ago, in milliseconds. */
  maxAge?: number | undefined;
  /** How long a stale copy waits for the publisher before it answers, in milliseconds; 2,000. */
  budget?: number | undefined;
  /** Keys to trust, `ed25519:` and so on; when left out, the first contact's key is pinned. */
  trustedKeys?: readonly string[] | undefined;
  /** Hosts that an endpoint may redirect downloads to; where GitHub does is known. */
  downloadHosts?: readonly string[] | undefined;
  /** The login for a private registry; asked only when an endpoint is one. */
  registryLogin?: ((host: string) => Promise<RegistryLogin | undefined>) | undefined;
  /** Used instead of the platform's `fetch`. */
  fetch?: Fetch | undefined;
  /** Told of what the user should know: a stale copy, a pinned key. */
  onNotice?: ((notice: Notice) => void) | undefined;
  /** Told of every chunk that arrives. */
  onProgress?: OnProgress | undefined;
  /** The clock. */
  now?: (() => Date) | undefined;
}

/** How long a stale copy waits for the publisher, ms. */
const BUDGET_MS = 2_000;

/** Opens the dataset, with options that are what their types say. */
export async function openUnchecked(options: OpenOptions): Promise<Dataset> {
  const cacheDir = options.cacheDir === undefined ? platformCacheDir() : options.cacheDir;
  if (cacheDir && typeof Deno === "undefined") {
    throw new BfaError(
      "not_implemented",
      "Cannot keep a copy in a folder here: only Deno can; leave out cacheDir",
    );
  }
  if (options.version !== undefined) {
    const { parseVersion } = await import("../core/version.ts");
    parseVersion(options.version);
  }
  for (const key of options.trustedKeys ?? []) {
    if (!isKeyId(key)) {
      throw new BfaError(
        "usage",
        `Cannot trust the key ${
          JSON.stringify(key.slice(0, 60))
        }: it must look like ed25519:\u2026`,
      );
    }
  }
  const channel = readChannel(options.channel);
  if (options.copy === "none" && options.offline) {
    throw new BfaError(
      "usage",
      "Cannot answer offline without a copy: leave out --offline or --no-copy",
    );
  }
  const endpoint = options.endpoint === undefined
    ? await lastEndpoint(cacheDir, channel, options.version)
    : await parseEndpoint(options.endpoint);
  return new Dataset({
    endpoint,
    channel,
    copy: options.copy,
    version: options.version,
    offline: options.offline ?? false,
    acceptExpired: options.acceptExpired ?? false,
    maxAgeMs: options.maxAge,
    budgetMs: options.budget ?? BUDGET_MS,
    trustedKeys: options.trustedKeys ?? [],
    store: options.copy === "none"
      ? await keptNowhere(endpoint, channel, cacheDir)
      : await storeIn(cacheDir),
    http: lazyHttp(options),
    now: options.now ?? (() => new Date()),
    onNotice: options.onNotice ?? (() => {}),
    onProgress: options.onProgress,
  });
}

/** The endpoint that the newest copy in a cache came from. */
async function lastEndpoint(
  cacheDir: string | null | undefined,
  channel: string,
  version: string | undefined,
): Promise<string | undefined> {
  if (!cacheDir) return undefined;
  const { cachedRecords } = await import("../cache/records.ts");
  const records = (await cachedRecords(cacheDir)).map(({ record }) => record)
    .filter((record) => record.channel === channel);
  const used = records.find((record) => record.sequence > 0);
  // A cache that was only ever asked for versions by name has no newest one.
  return (used ?? (version === undefined ? undefined : records[0]))?.endpoint;
}

async function storeIn(cacheDir: string | null | undefined): Promise<CopyStore> {
  if (cacheDir) return folderStore(cacheDir);
  const { memoryStore } = await import("../cache/memory_store.ts");
  return memoryStore();
}

/** The clients, each loaded with its first request: a fresh copy makes none. */
function lazyHttp(options: OpenOptions): HttpClient {
  const { fetch, downloadHosts, onNotice } = options;
  let client: Promise<HttpClient> | undefined;
  let registries: Promise<HttpClient> | undefined;
  return {
    async get(url, request) {
      if (url.startsWith("oci:")) {
        registries ??= import("./open_registry.ts").then(({ openRegistries }) =>
          openRegistries(options)
        );
        return await (await registries).get(url, request);
      }
      client ??= import("../net/client.ts").then(({ httpClient }) =>
        httpClient({
          fetch,
          downloadHosts,
          onWait: (origin, failure) =>
            onNotice?.({
              kind: "waiting",
              origin,
              ...(failure ? { reason: failure.message } : {}),
            }),
        })
      );
      return await (await client).get(url, request);
    },
  };
}

/**
 * A copy in memory that trusts whom the copy on this machine trusts, where there is one. An endpoint
 * that was never asked is taken for a plain mirror first: that is what going without a copy is for.
 */
async function keptNowhere(
  endpoint: string | undefined,
  channel: string,
  cacheDir: string | null | undefined,
): Promise<CopyStore> {
  const store = await storeIn(undefined);
  if (endpoint === undefined) return store;
  const { cachedRecords } = await import("../cache/records.ts");
  const { STATIC_LAYOUT } = await import("../manifest/endpoint.ts");
  const records = cacheDir ? await cachedRecords(cacheDir) : [];
  const known = records.map(({ record }) => record)
    .find((record) => record.endpoint === endpoint && record.channel === channel);
  const record = known ?? { ...newRecord(endpoint, channel), layout: STATIC_LAYOUT.name };
  await store.setRecord(await sourceName(endpoint, channel), {
    ...record,
    sequence: 0,
    etag: null,
    checkedAt: null,
    nextCheckAt: null,
    keeps: [],
  });
  return store;
}

/** The platform's cache folder; none where there are no files, or no permission to know. */
function platformCacheDir(): string | undefined {
  if (typeof Deno === "undefined") return undefined;
  const mayRead = (name: string) =>
    Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  return defaultCacheDir({
    os: Deno.build.os,
    env: (name) => mayRead(name) ? Deno.env.get(name) : undefined,
  });
}
