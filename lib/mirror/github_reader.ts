/**
 * Reading what the releases of a GitHub repository show: plain downloads, which need no token.
 *
 * @module
 */

import {
  githubAssetUrl,
  githubEndpoint,
  type GithubRepo,
  manifestTag,
} from "../core/github_names.ts";
import type { HttpClient } from "../net/client.ts";
import { httpMirror } from "./http.ts";
import { LATEST_PATH, type MirrorReader, VERSIONS_PATH } from "./mirror.ts";

/** What is read, and how. */
export interface GithubReaderOptions {
  readonly repo: GithubRepo;
  /** Base URL of downloads, without a slash at the end. */
  readonly web: string;
  readonly http: HttpClient;
  /** Where a manifest says that `<sha256>/<name>` is. */
  readonly urlOf: (path: string) => Promise<string | undefined>;
}

/** A reader of a repository's releases. */
export function githubReader({ repo, web, http, urlOf }: GithubReaderOptions): MirrorReader {
  const plain = httpMirror("", http);

  async function addressOf(path: string): Promise<string | undefined> {
    if (path === LATEST_PATH || path === VERSIONS_PATH) return githubEndpoint(repo, web) + path;
    const sequence = /^manifests\/(\d+)\.json$/.exec(path)?.[1];
    if (!sequence) return await urlOf(path);
    return githubAssetUrl(repo, manifestTag(Number(sequence)), `${sequence}.json`, web);
  }

  return {
    name: `github:${repo.owner}/${repo.name}`,
    async size(path) {
      const url = await addressOf(path);
      return url === undefined ? undefined : await plain.size(url);
    },
    async open(path, range) {
      const url = await addressOf(path);
      return url === undefined ? undefined : await plain.open(url, range);
    },
  };
}
