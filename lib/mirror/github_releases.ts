/**
 * Releases of one GitHub repository: drafts, assets, and publishing a draft. Each step may be repeated:
 * what an interrupted one left behind is used, or removed.
 *
 * @module
 */

import { IntegrityError } from "../core/errors.ts";
import { hashStream } from "../files/file_facts.ts";
import { type GithubApi, GithubError } from "./github_api.ts";

/** A release as the API describes it; only what is used. */
export interface Release {
  readonly id: number;
  readonly tag_name: string;
  readonly name: string | null;
  readonly body: string | null;
  readonly draft: boolean;
  readonly created_at: string;
  /** A URI template: `https://uploads.github.com/…/assets{?name,label}`. */
  readonly upload_url: string;
  /** Complete ones only: what was cut is in the list of assets alone. */
  readonly assets: readonly Asset[];
}

/** A file of a release. */
export interface Asset {
  readonly id: number;
  readonly name: string;
  /** `uploaded`, or `starter` for one that was cut. */
  readonly state: string;
  readonly size: number;
  /** `sha256:…`; older servers leave it out. */
  readonly digest?: string | null;
}

/** A file to put into a release. */
export interface ReleaseFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly mediaType: string;
  /** Its bytes: GitHub wants the length before an upload, and takes no chunks. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/** What a release says of itself. */
export interface ReleaseText {
  readonly name: string;
  readonly body: string;
}

/** Releases of a repository. Missing is `undefined`; everything else throws. */
export interface GithubReleases {
  /** The address of the repository's page. */
  page(): Promise<string>;
  /** The published release of a tag. */
  published(tag: string): Promise<Release | undefined>;
  /** The tag of the latest release. */
  latestTag(): Promise<string | undefined>;
  /** Drafts, newest first: where they should be, or (`everywhere`) on every page of the list. */
  drafts(everywhere?: boolean): Promise<Release[]>;
  createDraft(tag: string, text: ReleaseText): Promise<Release>;
  /** Every asset, cut ones too. */
  assets(release: Release): Promise<Asset[]>;
  /** Whether an asset is a file, whole. */
  holds(asset: Asset, file: Pick<ReleaseFile, "bytes" | "sha256">): Promise<boolean>;
  /**
   * Brings a file into a release, unless it is there; what was cut before is replaced.
   *
   * @param known The release's assets, where they are known.
   */
  upload(release: Release, file: ReleaseFile, known?: readonly Asset[]): Promise<void>;
  /** The bytes of an asset, through the API. */
  download(asset: Asset): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  update(release: Release, change: Record<string, unknown>): Promise<Release>;
  removeAsset(asset: Asset): Promise<void>;
  remove(release: Release): Promise<void>;
}

const PAGE = "per_page=100";

/** How often an upload is begun again. */
const UPLOAD_TRIES = 4;

/** Releases through the API. */
export function githubReleases(api: GithubApi): GithubReleases {
  async function get<T>(path: string, answers: readonly number[] = []): Promise<T | undefined> {
    const response = await api.request("GET", path, { answers });
    if (response.ok) return await readJson<T>(response);
    await response.body?.cancel();
    return undefined;
  }

  async function readJson<T>(response: Response): Promise<T> {
    try {
      return await response.json() as T;
    } catch (cause) {
      const message = `Cannot use ${api.place}: its answer was cut; run the same command again`;
      throw new GithubError("network", message, 0, [], { cause });
    }
  }

  async function* pages<T>(path: string): AsyncGenerator<T[]> {
    for (let next: string | undefined = path; next !== undefined;) {
      const response: Response = await api.request("GET", next);
      next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      yield await readJson<T[]>(response);
    }
  }

  /** Deleting what is gone is done. */
  async function erase(path: string): Promise<void> {
    const response = await api.request("DELETE", path, { answers: [404] });
    await response.body?.cancel();
  }

  const releases: GithubReleases = {
    page: async () => (await get<{ html_url: string }>(""))!.html_url,

    published: (tag) => get<Release>(`/releases/tags/${tag}`, [404]),

    latestTag: async () => (await get<Release>("/releases/latest", [404]))?.tag_name,

    async drafts(everywhere = false) {
      const found: Release[] = [];
      // Newest `created_at` first: for a draft that is when it was made, for a published one the date
      // of its commit. So drafts come first, and a page without any is taken for the end of them.
      for await (const page of pages<Release>(`/releases?${PAGE}`)) {
        const drafts = page.filter(({ draft }) => draft);
        found.push(...drafts);
        if (drafts.length === 0 && !everywhere) break;
      }
      return found;
    },

    async createDraft(tag, text) {
      for (let attempt = 1;; attempt++) {
        try {
          const json = { tag_name: tag, ...text, draft: true };
          return await readJson(await api.request("POST", "/releases", { json }));
        } catch (error) {
          if (!(error instanceof GithubError) || !error.unsure || attempt === UPLOAD_TRIES) {
            throw error;
          }
          // It may have been made all the same.
          await api.pause(attempt);
          const made = (await releases.drafts()).find(({ tag_name }) => tag_name === tag);
          if (made) return made;
        }
      }
    },

    assets: async ({ id }) =>
      (await Array.fromAsync(pages<Asset>(`/releases/${id}/assets?${PAGE}`))).flat(),

    async holds(asset, { bytes, sha256 }) {
      if (asset.state !== "uploaded" || asset.size !== bytes) return false;
      if (asset.digest) return asset.digest === `sha256:${sha256}`;
      return (await hashStream(await releases.download(asset))).sha256 === sha256;
    },

    async upload(release, file, known) {
      const url = new URL(release.upload_url.replace(/\{.*$/, ""));
      url.searchParams.set("name", file.name);
      let landed: Asset | undefined;
      for (let attempt = 1;; attempt++) {
        const assets = attempt === 1 && known ? known : await releases.assets(release);
        const there = assets.find(({ name }) => name === file.name);
        if (there && await releases.holds(there, file)) return;
        if (there) {
          landed = there.state === "uploaded" ? there : landed;
          await releases.removeAsset(there);
        }
        if (attempt > UPLOAD_TRIES) break;
        try {
          const request = { bytes: await file.read(), mediaType: file.mediaType };
          const asset = await readJson<Asset>(await api.request("POST", url.href, request));
          if (asset.name === file.name && await releases.holds(asset, file)) return;
          landed = asset;
          await releases.removeAsset(asset);
        } catch (error) {
          const again = error instanceof GithubError &&
            (error.unsure || error.reasons.includes("already_exists"));
          if (!again || attempt === UPLOAD_TRIES) throw error;
        }
        await api.pause(attempt);
      }
      const actual = landed?.digest?.replace("sha256:", "") ?? "that of another file";
      throw new IntegrityError(`${api.place}/${file.name}`, file.sha256, actual);
    },

    async download({ id }) {
      const accept = "application/octet-stream";
      const answers = [302];
      const response = await api.request("GET", `/releases/assets/${id}`, { accept, answers });
      const location = response.headers.get("location");
      if (response.status !== 302 || location === null) return response.body!;
      await response.body?.cancel();
      // A signed address: it wants no token, and must not get one.
      const signed = await fetch(location);
      if (signed.ok && signed.body) return signed.body;
      await signed.body?.cancel();
      throw new GithubError("network", `Cannot read an asset of ${api.place} back`, signed.status);
    },

    update: async ({ id }, json) =>
      await readJson(await api.request("PATCH", `/releases/${id}`, { json })),

    removeAsset: ({ id }) => erase(`/releases/assets/${id}`),
    remove: ({ id }) => erase(`/releases/${id}`),
  };
  return releases;
}
