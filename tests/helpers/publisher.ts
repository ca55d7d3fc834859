/** A real publisher in a temporary folder: KV in memory, a mirror on disk, a fresh key. @module */

import { join } from "@std/path";
import { DAILY_SCHEDULE } from "../../lib/core/freshness.ts";
import { parseDay } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { listing } from "./listing.ts";
import { formatListings } from "../../lib/core/listings_file.ts";
import type { Build } from "../../lib/jobs/build_folder.ts";
import { type Moved, type MoveOptions, publish, type Publisher } from "../../lib/jobs/publish.ts";
import { hashFile } from "../../lib/files/file_facts.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";

/** A publisher whose mirrors hold files by their path. */
interface FilePublisher extends Publisher {
  readonly mirrors: readonly Mirror[];
}

/** A publisher, and how to publish something small with it. */
export interface TestPublisher {
  readonly publisher: FilePublisher;
  /** Folder of everything; removed at the end. */
  readonly dir: string;
  /** Folder of the mirror: serves as a static endpoint. */
  readonly mirrorDir: string;
  /** The clock, which tests may move. */
  clock: Date;
  /** Publishes listings as a version: one artifact, no database. */
  publishListings(
    version: string,
    listings: readonly Listing[],
    options?: MoveOptions,
  ): Promise<Moved>;
}

/** Three listings: one trades, one was relisted, one ended and is archived. */
export const SMALL_LISTINGS: readonly Listing[] = [
  listing("AAAUSDT#1", "2024-01-01", null, null, { contractType: "perpetual", quoteAsset: "USDT" }),
  listing("BBBUSDT#1", "2024-01-01", "2024-01-10", "2024-01-12"),
  listing("BBBUSDT#2", "2024-03-01", null, null),
  listing("CCCUSDT#1", "2024-01-05", "2024-02-01", "2024-02-20"),
];

/** Runs a test with a publisher. The clock starts on 2024-04-01, shortly after the daily run. */
export async function withPublisher(
  test: (publisher: TestPublisher) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const kv = await Deno.openKv(":memory:");
  const mirrorDir = join(dir, "mirror");
  const world: TestPublisher = {
    dir,
    mirrorDir,
    clock: new Date("2024-04-01T12:05:00Z"),
    publisher: {
      store: kvManifestStore(kv),
      mirrors: [directoryMirror(mirrorDir)],
      signers: [await signer(await newSecretKey())],
      schedule: DAILY_SCHEDULE,
      mirrorUrls: [],
      by: "test",
      now: () => world.clock,
    },
    async publishListings(version, listings, options) {
      const built = await buildListings(join(dir, "builds", version), version, listings);
      return await publish(world.publisher, built, join(dir, "builds", version), options);
    },
  };
  try {
    await test(world);
  } finally {
    kv.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** A build of one artifact, `listings.json`, in a folder. */
export async function buildListings(
  dir: string,
  version: string,
  listings: readonly Listing[],
): Promise<Build> {
  const dataThrough = parseDay(version.slice(0, 10));
  await Deno.mkdir(dir, { recursive: true });
  const path = join(dir, "listings.json");
  await Deno.writeTextFile(path, formatListings({ dataThrough, listings }));
  const artifact = {
    name: "listings.json",
    role: "listings",
    mediaType: "application/json",
    ...await hashFile(path),
  };
  const symbols = new Set(listings.map((l) => l.symbol)).size;
  return { version, dataThrough, schemaVersion: 1, rows: 0, symbols, artifacts: [artifact] };
}
