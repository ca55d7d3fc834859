/**
 * Publish, promote, rollback, renew: each signs a new manifest with the next sequence and moves one
 * channel to it in one atomic commit. Nothing a client has seen is ever taken back.
 *
 * @module
 */

import { BfaError, NotFoundError } from "../core/errors.ts";
import { freshnessWindow, instant, type PublishSchedule } from "../core/freshness.ts";
import {
  type Artifact,
  DATASET,
  formatManifest,
  type FreshnessWindow,
  MANIFEST_FORMAT,
  type ManifestBody,
  MAX_MANIFEST_BYTES,
  readChannel,
} from "../core/manifest.ts";
import { parseManifest } from "../core/parse_manifest.ts";
import { parseVersion } from "../core/version.ts";
import { type Signer, signManifest } from "../manifest/signature.ts";
import type { ChannelHead, LogAction, ManifestStore, StoredManifest } from "../manifest/store.ts";
import { type AnyMirror, artifactPath, isReleaseMirror } from "../mirror/mirror.ts";
import type { Build } from "./build_folder.ts";
import { catchUp } from "./catch_up.ts";
import { writeManifestFiles } from "./manifest_files.ts";
import { requireArtifacts } from "./require_artifacts.ts";
import { uploadBuild } from "./upload_build.ts";

/** What every move of a channel needs. */
export interface Publisher {
  readonly store: ManifestStore;
  /** Every manifest and artifact goes to all of these. */
  readonly mirrors: readonly AnyMirror[];
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

/** How far back the log is read, for a channel's last move and for what a candidate failed: over two years of signing again every day. */
const LOG_BACK = 1_000;

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
  checkSigners(publisher);
  await catchUp(publisher);
  const head = await publisher.store.head(channel);
  const current = head.pointer && await publisher.store.bySequence(head.pointer.sequence);
  await refuseOtherArtifacts(publisher.store, build);
  const located = { ...build, artifacts: await uploadBuild(publisher.mirrors, build, dir) };
  const isSame = current && sameArtifacts(current.manifest.signed, located) &&
    sameUrls(current, located);
  if (isSame && !options.nextKeys) {
    await writeManifestFiles(publisher, current);
    return { stored: current, changed: false };
  }
  const stored = await move(publisher, "publish", channel, located, head, options);
  if (!stored) throw conflict(build.version, channel);
  return { stored, changed: true };
}

/** Moves a channel to a version that was published before. */
export async function promote(
  publisher: Publisher,
  version: string,
  options: MoveOptions = {},
): Promise<Moved> {
  parseVersion(version);
  return await moveTo(publisher, "promote", options, () => version);
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
  return await moveTo(publisher, "rollback", options, async (head, current) => {
    const channel = readChannel(options.channel);
    // Signing a version again moves nothing: what counts is the move before.
    const last = (await publisher.store.log(LOG_BACK))
      .find((entry) => entry.channel === channel && entry.version !== entry.previous);
    if (version === undefined && last?.action === "rollback") {
      throw new BfaError(
        "usage",
        `Cannot tell where to roll back to: channel ${channel} was rolled back to ${last.version} already; name a version`,
      );
    }
    const target = version ?? current?.manifest.signed.previous;
    if (!current || !target) {
      throw new NotFoundError(
        `no version to roll back to: channel ${channel} has ${
          head.pointer ? "had only this one" : "none"
        }`,
      );
    }
    parseVersion(target);
    return target;
  });
}

/** Signs the channel's version again, with a new freshness window: "this is still the newest". */
export async function renew(publisher: Publisher, options: MoveOptions = {}): Promise<Moved> {
  return await moveTo(publisher, "renew", options, (head) => {
    if (!head.pointer) throw new NotFoundError("no version to renew: nothing was published yet");
    return head.pointer.version;
  });
}

async function moveTo(
  publisher: Publisher,
  action: LogAction,
  options: MoveOptions,
  choose: (
    head: ChannelHead,
    current: StoredManifest | undefined,
  ) => string | Promise<string>,
): Promise<Moved> {
  const { store } = publisher;
  const channel = readChannel(options.channel);
  checkSigners(publisher);
  await catchUp(publisher);
  for (let attempt = 1;; attempt++) {
    const head = await store.head(channel);
    const current = head.pointer ? await store.bySequence(head.pointer.sequence) : undefined;
    const version = await choose(head, current);
    const isSame = current && head.pointer?.version === version;
    if (isSame && action !== "renew" && !options.nextKeys) {
      await requireArtifacts(publisher.mirrors, current.manifest.signed);
      // An earlier move may have died between its commit and the mirrors.
      await writeManifestFiles(publisher, current);
      return { stored: current, changed: false };
    }
    const sequence = await store.sequenceOf(version);
    const described = sequence === undefined ? undefined : await store.bySequence(sequence);
    if (!described) {
      throw new NotFoundError(`no version ${version}`);
    }
    await requireArtifacts(publisher.mirrors, described.manifest.signed);
    if (action === "promote" && channel === "latest" && !options.reason) {
      await refuseFailed(store, described.manifest.signed);
    }
    const stored = await move(publisher, action, channel, described.manifest.signed, head, options);
    if (stored) return { stored, changed: true };
    if (attempt === ATTEMPTS) throw conflict(version, channel);
  }
}

/** A version that failed a gate goes to `latest` with a reason only, which stays in the log. */
async function refuseFailed(store: ManifestStore, { version, sequence, channel }: ManifestBody) {
  if (channel !== "candidate") return;
  const moves = await store.log(LOG_BACK);
  const failed = moves.find((entry) => entry.sequence === sequence)?.reason;
  if (!failed) return;
  throw new BfaError(
    "usage",
    `Cannot promote ${version}: it failed ${failed}; say why it is good all the same, with --reason`,
  );
}

/** Refuses to begin what could not be signed in the end. */
export function checkSigners({ signers }: Publisher): void {
  if (signers.length > 0) return;
  throw new BfaError(
    "usage",
    "Cannot sign: there is no signing key; make one with `bfa keys new`, or set BFA_SIGNING_KEY",
  );
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
  const { store, mirrors, signers, schedule, mirrorUrls, by, now } = publisher;
  // In this order: whoever describes the same version meanwhile takes this sequence, and we lose.
  const next = await store.lastSequence() + 1;
  await refuseOtherArtifacts(store, described);
  refuseUnreachable(publisher, described);
  const at = now();
  const freshness = freshnessWindow(at, schedule);
  const last = (await store.bySequence(next - 1))?.manifest.signed.publishedAt;
  const previous = head.pointer?.version ?? null;
  const body: ManifestBody = {
    manifestFormat: MANIFEST_FORMAT,
    dataset: DATASET,
    channel,
    version: described.version,
    sequence: next,
    dataThrough: parseVersion(described.version).dataThrough,
    publishedAt: notBefore(last, instant(at), freshness),
    freshness,
    schemaVersion: described.schemaVersion,
    rows: described.rows,
    symbols: described.symbols,
    ...(described.quarantined === undefined ? {} : { quarantined: described.quarantined }),
    ...(described.formats === undefined ? {} : { formats: described.formats }),
    previous: previous === described.version ? await previousOf(store, head) : previous,
    mirrors: mirrorUrls,
    ...(options.nextKeys ? { nextKeys: options.nextKeys } : {}),
    artifacts: described.artifacts,
  };
  const text = formatManifest(await signManifest(body, signers));
  const { length } = new TextEncoder().encode(text);
  if (length > MAX_MANIFEST_BYTES) {
    throw new BfaError(
      "limit",
      `Cannot publish ${body.version}: its manifest has ${length} bytes, ${MAX_MANIFEST_BYTES} is the most`,
    );
  }
  const stored = { text, manifest: parseManifest(text) };
  const { version, sequence, publishedAt } = stored.manifest.signed;
  const reason = options.reason ?? null;
  const id = crypto.randomUUID();
  const log = { id, sequence, action, channel, version, previous, at: publishedAt, by, reason };
  for (const mirror of mirrors) if (isReleaseMirror(mirror)) await mirror.prepare(body);
  if (!await store.commit({ stored, head, log })) return undefined;
  await writeManifestFiles(publisher, stored);
  return stored;
}

/**
 * Instants grow with sequences, also when a clock that was hours ahead was set right: `--as-of` finds its version by
 * both. One that was further ahead must not make copies fresh for longer than they are.
 */
function notBefore(
  last: string | undefined,
  at: string,
  { refreshAfter }: FreshnessWindow,
): string {
  return last !== undefined && at < last && last <= refreshAfter ? last : at;
}

/** A version that is signed again keeps the version before it. */
async function previousOf(store: ManifestStore, head: ChannelHead): Promise<string | null> {
  const current = await store.bySequence(head.pointer!.sequence);
  return current?.manifest.signed.previous ?? null;
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

/** Whether a manifest names the addresses that artifacts have now. */
function sameUrls({ manifest }: StoredManifest, { artifacts }: Build): boolean {
  const known = new Map(manifest.signed.artifacts.map((a) => [artifactPath(a), a.url]));
  return artifacts.every((a) => a.url === undefined || a.url === known.get(artifactPath(a)));
}

/** A release mirror can only show what has an address, there or on another public mirror. */
function refuseUnreachable(
  { mirrors, mirrorUrls }: Publisher,
  { version, artifacts }: Build | ManifestBody,
): void {
  const mirror = mirrors.find(isReleaseMirror);
  if (!mirror || mirrorUrls.length > 0 || artifacts.every(({ url }) => url !== undefined)) return;
  throw new BfaError(
    "not_found",
    `Cannot publish ${version} on ${mirror.name}: its artifacts are not there; publish its build with --mirror ${mirror.name} first`,
  );
}

function conflict(version: string, channel: string): BfaError {
  return new BfaError(
    "conflict",
    `Cannot move channel ${channel} to ${version}: another publisher moved it meanwhile`,
  );
}
