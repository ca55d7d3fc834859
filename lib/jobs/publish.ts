/**
 * Publish, promote, rollback, renew: each signs a new manifest with the next sequence and moves one
 * channel to it in one atomic commit. Nothing a client has seen is ever taken back.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError, IntegrityError, NotFoundError } from "../core/errors.ts";
import { freshnessWindow, instant, type PublishSchedule } from "../core/freshness.ts";
import {
  type Artifact,
  DATASET,
  formatManifest,
  MANIFEST_FORMAT,
  type ManifestBody,
  MAX_MANIFEST_BYTES,
  parseManifest,
  readChannel,
} from "../core/manifest.ts";
import { parseVersion } from "../core/version.ts";
import { hashStream } from "../files/file_facts.ts";
import { type Signer, signManifest } from "../manifest/signature.ts";
import {
  type ChannelHead,
  currentManifest,
  type LogAction,
  type ManifestStore,
  type StoredManifest,
} from "../manifest/store.ts";
import {
  artifactPath,
  LATEST_PATH,
  manifestPath,
  type Mirror,
  textBody,
  VERSIONS_PATH,
} from "../mirror/mirror.ts";
import type { Build } from "./build.ts";
import { versionList } from "./version_list.ts";

/** What every move of a channel needs. */
export interface Publisher {
  readonly store: ManifestStore;
  /** Every manifest and artifact goes to all of these. */
  readonly mirrors: readonly Mirror[];
  readonly signers: readonly Signer[];
  readonly schedule: PublishSchedule;
  /** Public base URLs that the manifest names. */
  readonly mirrorUrls: readonly string[];
  /** Who is publishing, for the log. */
  readonly by: string;
  readonly now: () => Date;
}

/** Which channel to move, and why. */
export interface MoveOptions {
  channel?: string | undefined;
  /** Why; kept in the log. */
  reason?: string | undefined;
  /** Keys that may sign the next manifests, when they are about to change. */
  nextKeys?: readonly string[] | undefined;
}

/** What a move did. */
export interface Moved {
  readonly stored: StoredManifest;
  /** `false` when the channel already named this version and nothing had to change. */
  readonly changed: boolean;
}

/** How far back the log is read for a channel's last move. */
const LOG_BACK = 100;

/** How often a move starts over when another publisher was faster. */
const ATTEMPTS = 3;

/**
 * Publishes a build: uploads its artifacts, verifies them where they landed, then commits.
 *
 * @param dir The folder that the build made.
 * @throws {BfaError} `conflict` when another publisher moved the channel meanwhile.
 */
export async function publish(
  publisher: Publisher,
  build: Build,
  dir: string,
  options: MoveOptions = {},
): Promise<Moved> {
  const channel = readChannel(options.channel);
  const head = await publisher.store.head(channel);
  const current = head.pointer && await publisher.store.bySequence(head.pointer.sequence);
  checkSigners(publisher);
  await refuseOtherArtifacts(publisher.store, build);
  for (const mirror of publisher.mirrors) {
    for (const artifact of build.artifacts) await upload(mirror, artifact, dir);
  }
  if (current && sameArtifacts(current.manifest.signed, build)) {
    await writeManifestFiles(publisher, current);
    return { stored: current, changed: false };
  }
  const stored = await move(publisher, "publish", channel, build, head, options);
  if (!stored) throw conflict(build.version, channel);
  return { stored, changed: true };
}

/** Moves a channel to a version that was published before. */
export async function promote(
  publisher: Publisher,
  version: string,
  options: MoveOptions = {},
): Promise<Moved> {
  return await moveTo(publisher, "promote", options, (head) => {
    parseVersion(version);
    return head.pointer?.version === version && !options.nextKeys ? undefined : version;
  });
}

/**
 * Moves a channel back: to a version, or to the one it named before. After a rollback the version
 * before is the one that was left, so a second one must say where to.
 */
export async function rollback(
  publisher: Publisher,
  version: string | undefined,
  options: MoveOptions = {},
): Promise<Moved> {
  const channel = readChannel(options.channel);
  const last = (await publisher.store.log(LOG_BACK)).find((entry) => entry.channel === channel);
  if (version === undefined && last?.action === "rollback") {
    throw new BfaError(
      "usage",
      `Cannot tell where to roll back to: channel ${channel} was rolled back to ${last.version} already; name a version`,
    );
  }
  return await moveTo(publisher, "rollback", options, (head, current) => {
    const target = version ?? current?.manifest.signed.previous;
    if (!current || !target) {
      throw new NotFoundError(
        `no version to roll back to: channel ${channel} has ${
          head.pointer ? "had only this one" : "none"
        }`,
      );
    }
    parseVersion(target);
    return head.pointer?.version === target ? undefined : target;
  });
}

/** Signs the channel's version again, with a new freshness window: "this is still the newest". */
export async function renew(publisher: Publisher, options: MoveOptions = {}): Promise<Moved> {
  return await moveTo(publisher, "renew", options, (head) => {
    if (!head.pointer) throw new NotFoundError("no version to renew: nothing was published yet");
    return head.pointer.version;
  });
}

/** Writes the files of a manifest to every mirror; safe to repeat. */
export async function writeManifestFiles(
  { store, mirrors }: Pick<Publisher, "store" | "mirrors">,
  stored: StoredManifest,
): Promise<void> {
  const { sequence } = stored.manifest.signed;
  for (const mirror of mirrors) {
    await mirror.put(manifestPath(sequence), textBody(stored.text));
    await fillHoles(store, mirror, sequence - 1);
  }
  // The moving files show what KV holds, not what was committed here: another publisher may have
  // moved on. Whoever writes an older state sees that afterwards, and writes again.
  for (let written = 0; written !== await store.lastSequence();) {
    written = await store.lastSequence();
    const versions = JSON.stringify(await versionList(store), null, 2) + "\n";
    const latest = await currentManifest(store, "latest");
    for (const mirror of mirrors) {
      await mirror.put(VERSIONS_PATH, textBody(versions));
      if (latest) await mirror.put(LATEST_PATH, textBody(latest.text));
    }
  }
}

/** Writes the manifests before a sequence that a publisher committed but did not live to write. */
async function fillHoles(store: ManifestStore, mirror: Mirror, sequence: number): Promise<void> {
  for (let hole = sequence; hole > 0; hole--) {
    if (await mirror.size(manifestPath(hole)) !== undefined) return;
    const stored = await store.bySequence(hole);
    if (stored) await mirror.put(manifestPath(hole), textBody(stored.text));
  }
}

async function moveTo(
  publisher: Publisher,
  action: LogAction,
  options: MoveOptions,
  choose: (head: ChannelHead, current: StoredManifest | undefined) => string | undefined,
): Promise<Moved> {
  const { store } = publisher;
  const channel = readChannel(options.channel);
  checkSigners(publisher);
  for (let attempt = 1;; attempt++) {
    const head = await store.head(channel);
    const current = head.pointer ? await store.bySequence(head.pointer.sequence) : undefined;
    const version = choose(head, current);
    if (version === undefined) {
      // An earlier move may have died between its commit and the mirrors.
      await writeManifestFiles(publisher, current!);
      return { stored: current!, changed: false };
    }
    const sequence = await store.sequenceOf(version);
    const described = sequence === undefined ? undefined : await store.bySequence(sequence);
    if (!described) {
      throw new NotFoundError(`no version ${version}`);
    }
    const stored = await move(publisher, action, channel, described.manifest.signed, head, options);
    if (stored) return { stored, changed: true };
    if (attempt === ATTEMPTS) throw conflict(version, channel);
  }
}

function checkSigners({ signers }: Publisher): void {
  if (signers.length > 0) return;
  throw new BfaError("usage", "Cannot publish: there is no signing key");
}

/** Signs and commits; `undefined` when another publisher was faster. */
async function move(
  publisher: Publisher,
  action: LogAction,
  channel: string,
  described: Build | ManifestBody,
  head: ChannelHead,
  options: MoveOptions,
): Promise<StoredManifest | undefined> {
  const { store, signers, schedule, mirrorUrls, by, now } = publisher;
  // In this order: whoever describes the same version meanwhile takes this sequence, and we lose.
  const next = await store.lastSequence() + 1;
  await refuseOtherArtifacts(store, described);
  const at = now();
  const previous = head.pointer?.version ?? null;
  const body: ManifestBody = {
    manifestFormat: MANIFEST_FORMAT,
    dataset: DATASET,
    channel,
    version: described.version,
    sequence: next,
    dataThrough: parseVersion(described.version).dataThrough,
    publishedAt: instant(at),
    freshness: freshnessWindow(at, schedule),
    schemaVersion: described.schemaVersion,
    rows: described.rows,
    symbols: described.symbols,
    previous: previous === described.version ? await previousOf(store, head) : previous,
    mirrors: mirrorUrls,
    ...(options.nextKeys ? { nextKeys: options.nextKeys } : {}),
    artifacts: described.artifacts,
  };
  const text = formatManifest(await signManifest(body, signers));
  if (text.length > MAX_MANIFEST_BYTES) {
    throw new BfaError(
      "limit",
      `Cannot publish ${body.version}: its manifest has ${text.length} bytes, ${MAX_MANIFEST_BYTES} is the most`,
    );
  }
  const stored = { text, manifest: parseManifest(text) };
  const { version, sequence, publishedAt } = stored.manifest.signed;
  const reason = options.reason ?? null;
  const id = crypto.randomUUID();
  const log = { id, sequence, action, channel, version, previous, at: publishedAt, by, reason };
  if (!await store.commit({ stored, head, log })) return undefined;
  await writeManifestFiles(publisher, stored);
  return stored;
}

/** A version that is signed again keeps the version before it. */
async function previousOf(store: ManifestStore, head: ChannelHead): Promise<string | null> {
  const current = await store.bySequence(head.pointer!.sequence);
  return current?.manifest.signed.previous ?? null;
}

/** Puts an artifact on a mirror and reads it back; one that is there already is only read. */
async function upload(mirror: Mirror, artifact: Artifact, dir: string): Promise<void> {
  const path = artifactPath(artifact);
  if (await digestOn(mirror, path) === artifact.sha256) return;
  const file = await openBuilt(join(dir, artifact.name));
  await mirror.put(path, file.readable);
  const landed = await digestOn(mirror, path);
  if (landed !== artifact.sha256) {
    throw new IntegrityError(
      `${mirror.name}/${path}`,
      artifact.sha256,
      landed ?? "that of no file at all",
    );
  }
}

async function openBuilt(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BfaError("integrity", `Cannot publish: the build has lost ${path}; build again`, {
      cause: error,
    });
  }
}

async function digestOn(mirror: Mirror, path: string): Promise<string | undefined> {
  const file = await mirror.open(path);
  return file && (await hashStream(file.body)).sha256;
}

/** A version that exists keeps the artifacts it has. */
async function refuseOtherArtifacts(
  store: ManifestStore,
  build: Build | ManifestBody,
): Promise<void> {
  const sequence = await store.sequenceOf(build.version);
  const earlier = sequence && await store.bySequence(sequence);
  if (earlier && !sameArtifacts(earlier.manifest.signed, build)) {
    throw new BfaError(
      "conflict",
      `Cannot publish ${build.version}: that version exists with other artifacts; build it under the next number`,
    );
  }
}

function sameArtifacts(body: ManifestBody, build: Build | ManifestBody): boolean {
  const digests = (artifacts: readonly Artifact[]) => artifacts.map(artifactPath).sort().join("\n");
  return body.version === build.version && digests(body.artifacts) === digests(build.artifacts);
}

function conflict(version: string, channel: string): BfaError {
  return new BfaError(
    "conflict",
    `Cannot move channel ${channel} to ${version}: another publisher moved it meanwhile`,
  );
}
