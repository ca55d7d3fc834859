/**
 * Releases of one GitHub repository: drafts, assets, and publishing a draft. Each step may be repeated:
 * what an interrupted one left behind is used, or removed.
 *
 * @module
 */

import { IntegrityError } from "../core/errors.ts";
import { hashStream } from "../files/file_facts.ts";
import { withoutStall } from "../net/body.ts";
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
  async function get(path: string): Promise<Release | undefined> {
    const response = await api.request("GET", path, { answers: [404] });
    if (response.ok) return await readJson(response, isRelease);
    await response.body?.cancel();
    return undefined;
  }

  /** Reads an answer, which has what is never left out of one of its kind. */
  async function readJson<T>(response: Response, isWhole: (value: T) => boolean): Promise<T> {
    let cause: unknown;
    try {
      const value = await response.json();
      if (value && isWhole(value)) return value;
    } catch (error) {
      cause = error;
    }
    const message = `Cannot use ${api.place}: its answer was cut; run the same command again`;
    throw new GithubError("network", message, 0, [], { cause });
  }

  async function* pages<T>(path: string): AsyncGenerator<T[]> {
    for (let next: string | undefined = path; next !== undefined;) {
      const response: Response = await api.request("GET", next);
      next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      yield await readJson<T[]>(response, Array.isArray);
    }
  }

  /** Deleting what is gone is done. */
  async function erase(path: string): Promise<void> {
    const response = await api.request("DELETE", path, { answers: [404] });
    await response.body?.cancel();
  }

  const releases: GithubReleases = {
    async page() {
      const response = await api.request("GET", "");
      const isPage = (value: { html_url?: unknown }) => typeof value.html_url === "string";
      return (await readJson<{ html_url: string }>(response, isPage)).html_url;
    },

    published: (tag) => get(`/releases/tags/${tag}`),

    latestTag: async () => (await get("/releases/latest"))?.tag_name,

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
          return await readJson(await api.request("POST", "/releases", { json }), isRelease);
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
      let leftOver = true; // what is there, and not whole, is of an upload that ended
      for (let attempt = 1;; attempt++) {
        const assets = attempt === 1 && known ? known : await releases.assets(release);
        const there = assets.find(({ name }) => name === file.name);
        if (there && await releases.holds(there, file)) return;
        if (there?.state === "starter" && !leftOver && attempt < UPLOAD_TRIES) {
          await api.pause(attempt); // another publisher's, perhaps
          continue;
        }
        if (there) {
          landed = there.state === "uploaded" ? there : landed;
          await releases.removeAsset(there);
        }
        if (attempt > UPLOAD_TRIES) break;
        try {
          const request = { bytes: await file.read(), mediaType: file.mediaType };
          const asset = await readJson(await api.request("POST", url.href, request), isAsset);
          if (asset.name === file.name && await releases.holds(asset, file)) return;
          landed = asset;
          await releases.removeAsset(asset);
        } catch (error) {
          if (!(error instanceof GithubError) || attempt === UPLOAD_TRIES) throw error;
          const taken = error.reasons.includes("already_exists");
          if (!taken && !error.unsure) throw error;
          leftOver = !taken;
        }
        await api.pause(attempt);
      }
      const actual = landed?.digest?.replace("sha256:", "") ?? "that of another file";
      throw new IntegrityError(`${api.place}/${file.name}`, file.sha256, actual);
    },

    async download({ id, name }) {
      const accept = "application/octet-stream";
      const answers = [302];
      const response = await api.request("GET", `/releases/assets/${id}`, { accept, answers });
      const location = response.headers.get("location");
      const what = `${name} of ${api.place}`;
      if (response.status !== 302 || location === null) return withoutStall(response.body!, what);
      await response.body?.cancel();
      return withoutStall((await api.fetchSigned(location)).body!, what);
    },

    update: async ({ id }, json) =>
      await readJson(await api.request("PATCH", `/releases/${id}`, { json }), isRelease),

    removeAsset: ({ id }) => erase(`/releases/assets/${id}`),
    remove: ({ id }) => erase(`/releases/${id}`),
  };
  return releases;
}

function isRelease({ id, tag_name, upload_url, assets }: Release): boolean {
  return typeof id === "number" && typeof tag_name === "string" && URL.canParse(upload_url) &&
    Array.isArray(assets);
}

function isAsset({ id, name, state }: Asset): boolean {
  return typeof id === "number" && typeof name === "string" && typeof state === "string";
}
