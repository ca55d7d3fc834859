/**
 * A version that comes with the program, as in a container image: it is served until a newer one is there.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { newestOf } from "../manifest/newest_of.ts";
import { goodKeys } from "../manifest/signature.ts";
import { currentManifest, type ManifestReader } from "../manifest/store.ts";
import { directoryMirror } from "../mirror/directory.ts";
import { firstOf } from "../mirror/first_of.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { mirrorManifests, type MirrorManifestsOptions } from "./mirror_manifests.ts";

/** Manifests, and the files that they name. */
export interface VersionPlace {
  /** Manifests. */
  readonly reader: ManifestReader;
  /** Files. */
  readonly mirror: MirrorReader;
}

/** What to follow besides the version that comes with the program. */
export interface FollowedPlaces {
  /** Newer manifests; those that are on the mirror itself, when left out. */
  readonly reader?: ManifestReader | undefined;
  /** Opens where newer versions' files are; there is no such place, when left out. */
  readonly openMirror?:
    | ((manifests: Pick<ManifestReader, "versions" | "bySequence">) => Promise<MirrorReader>)
    | undefined;
}

/** A channel's newest manifest is looked for in this one. */
const CHANNEL = "latest";

/**
 * Puts the version that is in a folder under what is followed.
 *
 * @param dir A folder laid out as a mirror, with one version.
 * @param options `trustedKeys`: whose manifests count; without any, those of the version in the folder.
 * @throws {BfaError} `integrity` when the folder has no version.
 */
export async function withBaked(
  dir: string,
  followed: FollowedPlaces,
  options: MirrorManifestsOptions,
): Promise<VersionPlace> {
  const files = directoryMirror(dir);
  // What is in the image was chosen by whoever made it.
  const baked = mirrorManifests(files);
  const stored = await currentManifest(baked, CHANNEL);
  if (!stored) {
    throw new BfaError("integrity", `Cannot serve the version in ${dir}: there is none`);
  }
  const { nextKeys = [] } = stored.manifest.signed;
  const pinnedKeys = [...await goodKeys(stored.manifest), ...nextKeys];
  if (!followed.openMirror) {
    return { reader: followed.reader ? newestOf([baked, followed.reader]) : baked, mirror: files };
  }
  // Some mirrors find their files by what manifests say, and those may be on the mirror.
  const mirror = await followed.openMirror({
    versions: () => newer.versions(),
    bySequence: (sequence) => newer.bySequence(sequence),
  });
  const newer = followed.reader ?? mirrorManifests(mirror, { pinnedKeys, ...options });
  return { reader: newestOf([baked, newer]), mirror: firstOf([files, mirror]) };
}
