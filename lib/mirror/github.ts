/**
 * GitHub Releases as a mirror (docs/decisions/012-github-releases.md). A version's new artifacts are
 * assets of one release, a manifest with the moving files those of another; each is a draft until it is
 * complete, and one request shows it. The newest manifest's release is the repository's latest, which
 * is what clients read: nothing that is shown ever changes.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { assetName, githubAssetUrl, type GithubRepo, manifestTag } from "../core/github_names.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import { versionParts } from "../core/version.ts";
import { hashStream } from "../files/file_facts.ts";
import { GithubError } from "./github_api.ts";
import type { Asset, GithubReleases, Release, ReleaseFile } from "./github_releases.ts";
import {
  type Committed,
  LATEST_PATH,
  type MirrorReader,
  type ReleaseMirror,
  VERSIONS_PATH,
} from "./mirror.ts";

/** What the mirror is made of. */
export interface GithubMirrorOptions {
  readonly repo: GithubRepo;
  /** Base URL of downloads, without a slash at the end. */
  readonly web: string;
  readonly releases: GithubReleases;
  /** Reads what the repository shows. */
  readonly reader: MirrorReader;
  /** Where an earlier manifest says that `<sha256>/<name>` is. */
  readonly urlOf: (path: string) => Promise<string | undefined>;
  readonly now: () => Date;
}

/** A draft, and what was in it when it was found or made. */
interface Draft {
  readonly release: Release;
  readonly assets: readonly Asset[];
}

/** A left-over draft is removed when it is so old that nobody can be working on it, ms. */
const ABANDONED_MS = 24 * 3_600_000;

/** A mirror in the releases of a repository. */
export function githubMirror(options: GithubMirrorOptions): ReleaseMirror {
  const { repo, web, releases, urlOf, now } = options;
  const { name } = options.reader;
  /** Published releases and drafts of versions, as far as this process has met them. */
  const published = new Map<string, Promise<Release | undefined>>();
  const drafts = new Map<string, Draft>();
  /** Addresses where this process has seen the right bytes. */
  const verified = new Set<string>();
  let checked: Promise<void> | undefined;

  /** Before anything is written: addresses are made from the repository's, so that must be right. */
  async function check(): Promise<void> {
    const page = await releases.page();
    const expected = `${web}/${repo.owner}/${repo.name}`;
    if (page.toLowerCase() === expected.toLowerCase()) return;
    throw new BfaError("usage", `Cannot use ${name}: its page is ${page}, not ${expected}`);
  }

  // What failed is asked again: a service that signs lives long.
  const ready = () => {
    checked ??= check().catch((error) => {
      checked = undefined;
      throw error;
    });
    return checked;
  };

  function publishedOnce(tag: string): Promise<Release | undefined> {
    const known = published.get(tag) ?? releases.published(tag).catch((error) => {
      published.delete(tag);
      throw error;
    });
    published.set(tag, known);
    return known;
  }

  /** Whether a published release has an artifact, whole. */
  async function shows(tag: string, artifact: Artifact): Promise<boolean> {
    const url = githubAssetUrl(repo, tag, assetName(artifact), web);
    if (verified.has(url)) return true;
    const release = await publishedOnce(tag);
    const asset = release?.assets.find((asset) => asset.name === assetName(artifact));
    if (!asset || !await releases.holds(asset, artifact)) return false;
    verified.add(url);
    return true;
  }

  /** What a manifest names here must be here: shown, or in a draft that will be. */
  async function refuseLost({ version, artifacts }: ManifestBody): Promise<void> {
    for (const artifact of artifacts) {
      const tag = tagOf(artifact, artifact.url);
      if (tag === undefined || await shows(tag, artifact)) continue;
      const waiting = await releases.drafts(true);
      if (waiting.some(({ tag_name }) => tag_name === tag)) continue;
      throw new BfaError(
        "not_found",
        `Cannot publish ${version} on ${name}: release ${tag} has lost ${artifact.name}; publish the build again`,
      );
    }
  }

  /** The tag of the release that has an artifact, by its url; `undefined` when that is elsewhere. */
  function tagOf(artifact: Artifact, url: string | undefined): string | undefined {
    const tag = url?.split("/").at(-2);
    const ours = tag && githubAssetUrl(repo, tag, assetName(artifact), web) === url;
    return ours ? tag : undefined;
  }

  /** A draft to fill: one that was left over, or a new one. */
  async function draftOf(tag: string): Promise<Draft> {
    const known = drafts.get(tag);
    if (known) return known;
    const left = (await releases.drafts()).find(({ tag_name }) => tag_name === tag);
    const release = left ?? await releases.createDraft(tag, { name: tag, body: "" });
    const draft = { release, assets: left ? await releases.assets(left) : [] };
    drafts.set(tag, draft);
    return draft;
  }

  /** Shows the artifacts of a version that is committed. */
  async function showVersion(signed: ManifestBody, newest: boolean): Promise<void> {
    const { version } = signed;
    const own = signed.artifacts.filter((artifact) => tagOf(artifact, artifact.url) === version);
    if (own.length === 0 || await releases.published(version)) return;
    const known = drafts.get(version);
    const found = known ? [known.release] : await releases.drafts(true);
    for (const draft of found) {
      if (draft.tag_name !== version || !await complete(draft, own)) continue;
      return await show(draft, {
        body:
          `Data through ${signed.dataThrough}: ${signed.symbols} symbols, ${signed.rows} rows. ` +
          `Files are named by their SHA-256; bfa finds them through its manifest.`,
        make_latest: "false",
      });
    }
    // What comes after a version that was lost must not wait for it for ever.
    if (!newest) return;
    throw new BfaError(
      "integrity",
      `Cannot show ${version} on ${name}: its draft is gone; publish the build again`,
    );
  }

  /** Whether a draft has all of a version's own artifacts; what else it has is removed. */
  async function complete(draft: Release, own: readonly Artifact[]): Promise<boolean> {
    const assets = new Map((await releases.assets(draft)).map((asset) => [asset.name, asset]));
    for (const artifact of own) {
      const asset = assets.get(assetName(artifact));
      if (!asset || !await releases.holds(asset, artifact)) return false;
      assets.delete(asset.name);
    }
    for (const stray of assets.values()) await releases.removeAsset(stray);
    return true;
  }

  async function show(draft: Release, change: Record<string, unknown>): Promise<void> {
    try {
      // Without its tag, a draft would get one of GitHub's making.
      await releases.update(draft, { tag_name: draft.tag_name, draft: false, ...change });
    } catch (error) {
      // Another publisher that repairs the same was faster: the tag is taken.
      const shown = error instanceof GithubError && error.status === 422 &&
        await releases.published(draft.tag_name);
      if (!shown) throw error;
      await releases.remove(draft);
    }
    drafts.delete(draft.tag_name);
    published.delete(draft.tag_name);
  }

  async function showManifest(
    { signed, text }: Committed,
    moving: Record<string, string>,
    newest: boolean,
  ): Promise<void> {
    const tag = manifestTag(signed.sequence);
    const own = await textFile(`${signed.sequence}.json`, text);
    const shown = await releases.published(tag);
    if (shown) {
      const asset = shown.assets.find((asset) => asset.name === own.name);
      if (!asset || !await releases.holds(asset, own)) {
        throw new BfaError(
          "conflict",
          `Cannot show manifest ${signed.sequence} on ${name}: it shows another one under that number`,
        );
      }
      if (newest && await releases.latestTag() !== tag) {
        await releases.update(shown, { make_latest: "true" });
      }
      return;
    }
    const title = `${signed.channel} is ${signed.version} (sequence ${signed.sequence})`;
    const { release, assets } = await draftOf(tag);
    const files = [own];
    for (const [name, text] of Object.entries(moving)) files.push(await textFile(name, text));
    for (const asset of assets) {
      if (!files.some((file) => file.name === asset.name)) await releases.removeAsset(asset);
    }
    for (const file of files) await releases.upload(release, file, assets);
    await show(release, {
      name: title,
      body: `Signed at ${signed.publishedAt}. Read it with \`bfa --endpoint ${name}\`.`,
      make_latest: String(newest),
    });
  }

  /** Drafts that nobody will finish: of versions that were never committed, or shown by another. */
  async function removeAbandoned(): Promise<void> {
    for (const draft of await releases.drafts()) {
      const ours = versionParts(draft.tag_name) || /^manifest-\d+$/.test(draft.tag_name);
      const ageMs = now().getTime() - Date.parse(draft.created_at);
      if (ours && ageMs > ABANDONED_MS) await releases.remove(draft);
    }
  }

  return {
    name,

    size: options.reader.size,
    open: options.reader.open,

    async upload(version, artifact, read) {
      await ready();
      const asset = assetName(artifact);
      const known = tagOf(artifact, await urlOf(`${artifact.sha256}/${artifact.name}`));
      for (const tag of new Set([known ?? version, version])) {
        if (await shows(tag, artifact)) return githubAssetUrl(repo, tag, asset, web);
      }
      const there = await publishedOnce(version);
      const { release, assets } = there
        ? { release: there, assets: there.assets }
        : await draftOf(version);
      const { bytes, sha256, mediaType } = artifact;
      await releases.upload(release, { name: asset, bytes, sha256, mediaType, read }, assets);
      const url = githubAssetUrl(repo, version, asset, web);
      verified.add(url);
      return url;
    },

    async prepare(signed) {
      await ready();
      await refuseLost(signed);
      const tag = manifestTag(signed.sequence);
      if (!drafts.has(tag) && !await releases.published(tag)) await draftOf(tag);
    },

    async announce(committed, moving) {
      await ready();
      await showVersion(committed.signed, moving !== undefined);
      const files = moving && {
        ...(moving.latest === undefined ? {} : { [LATEST_PATH]: moving.latest }),
        [VERSIONS_PATH]: moving.versions,
      };
      await showManifest(committed, files ?? {}, moving !== undefined);
      if (moving) await removeAbandoned();
    },
  };
}

/** A text as a file of a release. */
async function textFile(name: string, text: string): Promise<ReleaseFile> {
  const bytes = new TextEncoder().encode(text);
  const facts = await hashStream(new Blob([bytes]).stream());
  return { name, ...facts, mediaType: "application/json", read: () => Promise.resolve(bytes) };
}
