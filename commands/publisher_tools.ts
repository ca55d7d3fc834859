/**
 * What the publisher's commands are given: the bucket, databases to import, KV, mirror and signing key. Part of the
 * entry point; apart from it, because clients need none of this.
 *
 * @module
 */

import { DAILY_SCHEDULE } from "../lib/core/freshness.ts";
import { VISION_FILES_URL } from "../lib/core/schema.ts";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { folderOf, makeFolder, storageError } from "../lib/files/atomic_file.ts";
import { localDatabase } from "../lib/jobs/import.ts";
import {
  isHttpPlace,
  type MirrorWorld,
  openFileMirror,
  openMirror,
  openReader,
  openReleases,
} from "../lib/jobs/open_mirrors.ts";
import { isRemoteKv, kvManifestStore, openKv } from "../lib/manifest/kv.ts";
import { parseSecretKey, readSecretKey } from "../lib/manifest/secret_key_file.ts";
import { httpClient } from "../lib/net/client.ts";
import { fetchDayKline } from "../lib/source/klines.ts";
import { VISION_LIST_URL, visionLister } from "../lib/source/vision.ts";
import type { Inputs } from "./command.ts";
import { dataDirOf, secretKeyFile } from "./options.ts";
import type { PublisherSide, Tools, World } from "./tools.ts";

/** The tools that only a publisher uses. */
export type PublisherTools = Pick<
  Tools,
  | "visionLister"
  | "numbersFetcher"
  | "localDatabase"
  | "githubReleases"
  | "openReader"
  | "openFileMirror"
  | "withPublisher"
>;

/** Makes them; nothing is opened before it is asked for. */
export function publisherTools(world: World): PublisherTools {
  return {
    visionLister: (inputs) =>
      Promise.resolve(visionLister(httpClient(), address(inputs, "list-url", VISION_LIST_URL))),

    numbersFetcher(inputs) {
      const filesUrl = address(inputs, "files-url", VISION_FILES_URL);
      const http = httpClient();
      return Promise.resolve((symbol, day) => fetchDayKline(http, filesUrl, symbol, day));
    },

    localDatabase: (source, folder) => localDatabase(source, folder, httpClient()),

    githubReleases: (place) => openReleases(place, mirrorWorld(world)),
    openReader: (place, retry) =>
      openReader(place, { ...mirrorWorld(world), ...(retry ? { retry } : {}) }),
    openFileMirror: (place) => openFileMirror(place, mirrorWorld(world)),

    async withPublisher(inputs, work, { mustExist = false } = {}) {
      if (mustExist) await requireKv(kvPlace(inputs));
      const side = await openPublisherSide(inputs, world);
      try {
        const done = await work(side);
        side.store.close();
        return done;
      } catch (error) {
        // Closing a KV that another process keeps locked waits, deaf, until it is free again.
        if (!(error instanceof BfaError && error.code === "unavailable")) side.store.close();
        throw error;
      }
    },
  };
}

function address(inputs: Inputs, name: string, usual: string): string {
  const text = inputs.text(name) ?? usual;
  if (isHttpAddress(text)) return text;
  throw new BfaError(
    "usage",
    `Cannot use --${name} ${JSON.stringify(text)}: give an http:// or https:// address`,
  );
}

/** KV, mirror and signing key. */
async function openPublisherSide(inputs: Inputs, world: World): Promise<PublisherSide> {
  const dataDir = dataDirOf(inputs);
  const place = kvPlace(inputs);
  const mirrorUrls = (inputs.texts("mirror-url") ?? []).map(readMirrorUrl);
  if (!isRemoteKv(place, false)) await makeFolder(folderOf(place));
  const secret = world.env("BFA_SIGNING_KEY");
  const signer = secret
    ? await parseSecretKey(secret, "BFA_SIGNING_KEY")
    : await readSecretKey(secretKeyFile(inputs));
  const given = inputs.texts("mirror");
  const places = given?.length ? given : [`${dataDir}/mirror`];
  const store = kvManifestStore(await openKv(place));
  const mirrors = await Promise.all(places.map((p) => openMirror(p, store, mirrorWorld(world))))
    .catch((error) => {
      store.close();
      throw error;
    });
  const publisher = {
    store,
    mirrors,
    signers: signer ? [signer] : [],
    schedule: DAILY_SCHEDULE,
    mirrorUrls,
    by: world.env("BFA_PUBLISHER") ?? world.env("USER") ?? "unknown",
    now: world.now,
  };
  return { store, mirror: mirrors[0]!, publisher, dataDir };
}

/** A mistyped path would else be an empty KV from now on. */
async function requireKv(place: string): Promise<void> {
  if (isRemoteKv(place, false)) return;
  try {
    await Deno.stat(place);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw storageError(error, place);
    throw new NotFoundError(`no KV at ${place}: give --kv or --data-dir; publishing makes one`);
  }
}

function kvPlace(inputs: Inputs): string {
  return readKvPlace(inputs.text("kv") ?? `${dataDirOf(inputs)}/kv.sqlite3`);
}

function readKvPlace(text: string): string {
  if (isRemoteKv(text, false) || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  throw new BfaError("usage", `Cannot use the KV "${text}": give a file or an http(s):// address`);
}

function readMirrorUrl(text: string): string {
  if (isHttpAddress(text)) return text;
  throw new BfaError("usage", `Cannot use the mirror URL "${text}": give an http(s):// address`);
}

function isHttpAddress(text: string): boolean {
  return isHttpPlace(text) && URL.canParse(text);
}

function mirrorWorld({ env, now, err, readTextFile }: World): MirrorWorld {
  return { env, now, readTextFile, onWait: (line) => err(`${line}\n`) };
}
