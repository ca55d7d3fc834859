/**
 * GitHub's releases on 127.0.0.1: the REST API, the uploads host, the pages that redirect downloads, and
 * the host that serves them. What each behaviour is taken from stands beside it:
 *
 * - [docs] docs.github.com, REST API: releases, release assets, rate limits, pagination.
 * - [immutable] docs.github.com, "Immutable releases", and what uploads then answer
 *   (softprops/action-gh-release#653, github-community-projects/ospo-reusable-workflows#83).
 * - [drafts] drafts are not found by tag (hub4j/github-api#1983) and several may share one (cli/cli#9367).
 * - [rename] characters other than letters, digits, `.`, `_` and `-` become one dot (travis-ci/dpl#821).
 * - [starter] cut uploads are in a release's list of assets, not in the release (itchio/gothub#1).
 *
 * @module
 */

import type { FakeRelease } from "./github_answers.ts";
import { answerCdn, answerWeb, REPO_PATH } from "./github_downloads.ts";
import { githubRepo } from "./github_repo.ts";

export { leaveStarter, problem } from "./github_answers.ts";

/** One request as a server saw it. */
export interface GithubSeen {
  readonly host: "api" | "uploads" | "web" | "cdn";
  readonly method: string;
  /** Path and query; the repository's prefix is left out, digests are `…`. */
  readonly path: string;
  readonly headers: Headers;
  /** Bytes of body received. */
  bytes: number;
  status: number;
}

/** Answers instead of GitHub; `undefined` lets it answer. `usual` lets it do the work first. */
export type GithubFault = (
  seen: GithubSeen,
  usual: () => Promise<Response>,
) => Response | Promise<Response> | undefined;

/** A running GitHub with one repository, `octo/data`. */
export interface FakeGithub {
  /** Base URL of the API, without a slash at the end. */
  readonly api: string;
  /** Base URL of downloads, without a slash at the end. */
  readonly web: string;
  /** The host that downloads are redirected to. */
  readonly downloadHost: string;
  readonly seen: GithubSeen[];
  readonly releases: FakeRelease[];
  /** The tag of the latest release. */
  latest: string | undefined;
  /** Accepted tokens, and whether each may write. */
  readonly tokens: Map<string, { push: boolean }>;
  /** The repository's setting "Enable release immutability". */
  immutable: boolean;
  /** Whether assets have a `digest`: github.com since 2025, older servers do not. */
  digests: boolean;
  /** Entries on a page at most, whatever `per_page` asks for. */
  pageSize: number;
  now: Date;
  fault: GithubFault | undefined;
  /** The requests since the last call, as `host METHOD path status`. */
  take(): string[];
  /** Bytes received by uploads so far. */
  uploaded(): number;
  release(tag: string): FakeRelease | undefined;
  close(): Promise<void>;
}

/** The token that may write. */
export const TOKEN = "ghp_fake0Token1For2Tests3";

/** Starts a GitHub. */
export function fakeGithub(): FakeGithub {
  let taken = 0;

  const serve = (
    host: GithubSeen["host"],
    answer: (request: Request, url: URL) => Promise<Response>,
  ) =>
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
      const url = new URL(request.url);
      const path = (url.pathname + url.search).replace(`/repos${REPO_PATH}`, "").replace(
        REPO_PATH,
        "",
      )
        .replace(/[0-9a-f]{64}/, "…");
      const { method, headers } = request;
      const seen: GithubSeen = { host, method, path, headers, bytes: 0, status: 0 };
      github.seen.push(seen);
      let done: Promise<Response> | undefined;
      const usual = () =>
        done ??= request.bytes().then((bytes) => {
          seen.bytes = bytes.length;
          const again = new Request(request.url, {
            method,
            headers,
            ...(bytes.length ? { body: bytes } : {}),
          });
          return answer(again, url);
        });
      const response = await (github.fault?.(seen, usual) ?? usual());
      if (!done) await request.body?.cancel().catch(() => {});
      seen.status = response.status;
      return response;
    });

  const api = serve("api", (request, url) => repo.answerApi(request, url));
  const uploads = serve("uploads", (request, url) => repo.answerUpload(request, url));
  const web = serve("web", (_request, url) => Promise.resolve(answerWeb(github, url)));
  const cdn = serve("cdn", (request, url) => Promise.resolve(answerCdn(github, request, url)));
  const base = (server: Deno.HttpServer<Deno.NetAddr>) => `http://127.0.0.1:${server.addr.port}`;

  const github: FakeGithub = {
    api: base(api),
    web: base(web),
    downloadHost: `127.0.0.1:${cdn.addr.port}`,
    seen: [],
    releases: [],
    latest: undefined,
    tokens: new Map([[TOKEN, { push: true }]]),
    immutable: false,
    digests: true,
    pageSize: 100,
    now: new Date("2024-04-01T12:00:00Z"),
    fault: undefined,
    take() {
      const since = github.seen.slice(taken);
      taken = github.seen.length;
      return since.map(({ host, method, path, status }) => `${host} ${method} ${path} ${status}`);
    },
    uploaded: () =>
      github.seen.reduce((sum, { host, bytes }) => host === "uploads" ? sum + bytes : sum, 0),
    release: (tag) => github.releases.find((release) => release.tag === tag && !release.draft),
    async close() {
      await Promise.all([api, uploads, web, cdn].map((server) => server.shutdown()));
    },
  };

  const repo = githubRepo(github, () => base(uploads));
  return github;
}
