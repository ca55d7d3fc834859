/** Commits to a store of manifests, and a `Deno.Kv` that misbehaves. @module */

import { DAILY_SCHEDULE, freshnessWindow } from "../../lib/core/freshness.ts";
import { DATASET, formatManifest, type ManifestBody } from "../../lib/core/manifest.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { parseVersion } from "../../lib/core/version.ts";
import type { ChannelHead, Commit } from "../../lib/manifest/store.ts";

/** The head of a channel that nothing was published in. */
export const NO_HEAD: ChannelHead = { pointer: null, versionstamp: null };

/** What makes a commit differ from others. */
export interface CommitFacts {
  sequence: number;
  version?: string;
  channel?: string;
  head?: ChannelHead;
  /** Who commits, for the log. */
  by?: string;
  /** Spaces to put at the end of the manifest's text: how tests make it large. */
  padding?: number;
  /** Public base URLs. */
  mirrors?: string[];
}

/** A commit of a small unsigned manifest. */
export function commitOf(facts: CommitFacts): Commit {
  const { sequence, version = "2024-03-31.1", channel = "latest", head = NO_HEAD } = facts;
  const { by = "test", padding = 0, mirrors = [] } = facts;
  const at = new Date("2024-04-01T12:05:00Z");
  const body: ManifestBody = {
    manifestFormat: 1,
    dataset: DATASET,
    channel,
    version,
    sequence,
    dataThrough: parseVersion(version).dataThrough,
    publishedAt: "2024-04-01T12:05:00Z",
    freshness: freshnessWindow(at, DAILY_SCHEDULE),
    schemaVersion: 1,
    rows: 0,
    symbols: 0,
    previous: head.pointer?.version ?? null,
    mirrors,
    artifacts: [],
  };
  const text = formatManifest({ signed: body, signatures: [] });
  const log = {
    id: crypto.randomUUID(),
    sequence,
    action: "publish" as const,
    channel,
    version,
    previous: body.previous,
    at: body.publishedAt,
    by,
    reason: null,
  };
  const stored = { text: text + " ".repeat(padding), manifest: parseManifest(text) };
  return { stored, head, log };
}

/** The part of Deno KV that a store of manifests uses. */
type UsedKv = Pick<Deno.Kv, "get" | "getMany" | "list" | "atomic" | "watch" | "close">;

/** A KV that is another one with some methods replaced. */
export function kvWith(kv: Deno.Kv, methods: Partial<UsedKv>): Deno.Kv {
  const used: UsedKv = {
    get: (...args) => kv.get(...args),
    getMany: (...args) => kv.getMany(...args),
    list: (...args) => kv.list(...args),
    atomic: () => kv.atomic(),
    watch: (keys: readonly Deno.KvKey[], options?: { raw?: boolean }) => kv.watch(keys, options),
    close: () => kv.close(),
    ...methods,
  } as UsedKv;
  return used as Deno.Kv;
}

/** A KV whose commits go through a function that may fail before or after the real one. */
export function kvWithCommit(
  kv: Deno.Kv,
  commit: (real: () => Promise<Deno.KvCommitResult | Deno.KvCommitError>) => Promise<
    Deno.KvCommitResult | Deno.KvCommitError
  >,
): Deno.Kv {
  return kvWith(kv, {
    atomic() {
      const operation = kv.atomic();
      const real = operation.commit.bind(operation);
      operation.commit = () => commit(real);
      return operation;
    },
  });
}

/** Runs a test with a KV in a file, which it may open again and again; all are closed at the end. */
export async function withKvFile(
  test: (open: () => Promise<Deno.Kv>, path: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const opened: Deno.Kv[] = [];
  const path = `${dir}/kv.sqlite3`;
  try {
    await test(async () => {
      const kv = await Deno.openKv(path);
      opened.push(kv);
      return kv;
    }, path);
  } finally {
    for (const kv of opened) kv.close();
    await Deno.remove(dir, { recursive: true });
  }
}
