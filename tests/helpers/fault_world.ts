/** A publisher, an endpoint that serves its mirror, and clients that share a cache folder. @module */

import { dirname, join } from "@std/path";
import { folderStore } from "../../lib/cache/folder_store.ts";
import { sourceName } from "../../lib/cache/copy.ts";
import { type Artifact, formatManifest, type ManifestBody } from "../../lib/core/manifest.ts";
import { hashFile } from "../../lib/files/file_facts.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { listing } from "./listing.ts";
import { type MoveOptions, publish, type Publisher } from "../../lib/jobs/publish.ts";
import { type Signer, signManifest } from "../../lib/manifest/signature.ts";
import { type Dataset, type Notice, open, type OpenOptions } from "../../lib/mod.ts";
import { serveMirror, type TestEndpoint } from "./endpoint.ts";
import { buildListings, SMALL_LISTINGS, type TestPublisher, withPublisher } from "./publisher.ts";

/** The version that {@linkcode withCopy} begins with, and the one that tests publish next. */
export const OLD = "2024-03-31.1";
export const NEW = "2024-04-01.1";

/** Instants at which the manifest of {@linkcode OLD} is in each condition. */
export const AT = {
  fresh: "2024-04-02T11:59:59Z",
  due: "2024-04-02T12:00:00Z",
  stale: "2024-04-02T18:00:00Z",
  expired: "2024-04-15T12:05:00Z",
} as const;

/** One listing more than {@linkcode SMALL_LISTINGS}. */
export const MORE_LISTINGS: readonly Listing[] = [
  ...SMALL_LISTINGS,
  listing("DDDUSDT#1", "2024-03-31", null, null),
];

/** A world with one published version. */
export interface CopyWorld extends TestPublisher {
  readonly endpoint: TestEndpoint;
  readonly cacheDir: string;
  /** Settles at the end of the test: what a hanging server waits for. */
  readonly ending: Promise<void>;
  /** Kinds of all notices so far. */
  readonly notices: Notice["kind"][];
  /** A new client of the endpoint, as a new process would open it. */
  open(options?: OpenOptions): Promise<Dataset>;
  /** The version that a new client answers from without any network. */
  offlineVersion(): Promise<string>;
  /** Publishes listings and further files as a version. */
  publishFiles(
    version: string,
    files: Record<string, Uint8Array<ArrayBuffer>>,
    options?: MoveOptions & { publisher?: Publisher },
  ): Promise<ManifestBody>;
  /** Changes the newest manifest on the mirror, and signs it again. */
  forge(changes: Partial<ManifestBody>, signers?: readonly Signer[]): Promise<void>;
  /** The record of the copy, as it is on disk. */
  record(): ReturnType<ReturnType<typeof folderStore>["record"]>;
}

/** Runs a test with {@linkcode OLD} published and nobody's copy yet. */
export async function withCopy(
  test: (world: CopyWorld) => Promise<void>,
  options: { cacheDir?: string } = {},
): Promise<void> {
  await withPublisher(async (base) => {
    await base.publishListings(OLD, SMALL_LISTINGS);
    const endpoint = serveMirror(base.mirrorDir);
    const { cacheDir = join(base.dir, "cache") } = options;
    const notices: Notice["kind"][] = [];
    const { promise: ending, resolve: end } = Promise.withResolvers<void>();
    const world: CopyWorld = Object.assign(base, {
      endpoint,
      cacheDir,
      ending,
      notices,
      open: (options?: OpenOptions) =>
        open({
          endpoint: endpoint.url,
          cacheDir,
          now: () => world.clock,
          onNotice: (notice: Notice) => notices.push(notice.kind),
          budget: 120_000, // on a slow machine too, only what hangs is given up
          ...options,
        }),
      offlineVersion: async () =>
        (await (await world.open({ offline: true, onNotice: () => {} })).symbols()).version,
      publishFiles: (...args: Parameters<CopyWorld["publishFiles"]>) => publishFiles(base, ...args),
      forge: async (changes: Partial<ManifestBody>, signers = base.publisher.signers) => {
        const path = join(base.mirrorDir, "manifest.json");
        const { signed } = JSON.parse(await Deno.readTextFile(path));
        const manifest = await signManifest({ ...signed, ...changes }, signers);
        await Deno.writeTextFile(path, formatManifest(manifest));
      },
      record: async () =>
        await folderStore(cacheDir).record(await sourceName(endpoint.url, "latest")),
    });
    try {
      await test(world);
    } finally {
      end();
      await endpoint.close();
    }
  });
}

/** Runs a test with a copy of {@linkcode OLD} in the cache, and no request or notice counted yet. */
export async function withWarmCopy(test: (world: CopyWorld) => Promise<void>): Promise<void> {
  await withCopy(async (world) => {
    await (await world.open()).symbols();
    world.endpoint.take();
    world.notices.length = 0;
    await test(world);
  });
}

/** Bytes that no compression or repetition makes look alike; the same for the same seed. */
export function someBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => random() * 256);
}

/** Many bytes, made fast: no two blocks of 1 MiB are alike. */
export function manyBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const block = someBytes(2 ** 20, seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += block.length) {
    bytes.set(block.subarray(0, Math.min(block.length, length - at)), at);
    bytes[at]! ^= at / block.length;
  }
  return bytes;
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs work whose waits between tries are as short as full jitter allows: none. */
export async function withoutBackoff<T>(work: () => Promise<T>): Promise<T> {
  const { random } = Math;
  Math.random = () => 0;
  try {
    return await work();
  } finally {
    Math.random = random;
  }
}

/** The stable code of the error that work fails with; `undefined` when it succeeds. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

async function publishFiles(
  { dir, publisher }: TestPublisher,
  version: string,
  files: Record<string, Uint8Array<ArrayBuffer>>,
  options: MoveOptions & { publisher?: Publisher } = {},
): Promise<ManifestBody> {
  const folder = join(dir, "builds", version);
  const build = await buildListings(folder, version, MORE_LISTINGS);
  const artifacts: Artifact[] = [...build.artifacts];
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
    await Deno.writeFile(join(folder, name), bytes);
    const facts = await hashFile(join(folder, name));
    artifacts.push({ name, role: "test", mediaType: "application/octet-stream", ...facts });
  }
  const { publisher: own = publisher, ...move } = options;
  const moved = await publish(own, { ...build, artifacts }, folder, move);
  return moved.stored.manifest.signed;
}
