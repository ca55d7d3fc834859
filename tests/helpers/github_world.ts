/** A publisher whose only mirror is a GitHub, and clients that read it with no service. @module */

import { artifactUrls } from "../../lib/jobs/artifact_urls.ts";
import type { Moved, MoveOptions, Publisher } from "../../lib/jobs/publish.ts";
import { publish } from "../../lib/jobs/publish.ts";
import { type Artifact, formatManifest } from "../../lib/core/manifest.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { hashFile } from "../../lib/files/file_facts.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { githubMirror } from "../../lib/mirror/github.ts";
import { githubReader } from "../../lib/mirror/github_reader.ts";
import { githubApi, type GithubApiOptions } from "../../lib/mirror/github_api.ts";
import { githubReleases } from "../../lib/mirror/github_releases.ts";
import type { ReleaseMirror } from "../../lib/mirror/mirror.ts";
import { httpClient } from "../../lib/net/client.ts";
import { type FakeGithub, fakeGithub, TOKEN } from "./github.ts";
import { buildListings, SMALL_LISTINGS, type TestPublisher, withPublisher } from "./publisher.ts";

/** The repository of {@linkcode fakeGithub}. */
export const REPO = { owner: "octo", name: "data" };

type UrlOf = ReturnType<typeof artifactUrls>;

/** A publisher on GitHub. */
export interface GithubWorld {
  readonly side: TestPublisher;
  readonly github: FakeGithub;
  /** How long was waited between requests, in ms; nothing really waits. */
  readonly waits: number[];
  readonly endpoint: string;
  /** A mirror as a new process would make it. */
  mirror(options?: Partial<GithubApiOptions>, urlOf?: UrlOf): ReleaseMirror;
  /** A publisher as a new process would make it. */
  publisher(options?: Partial<GithubApiOptions>, urlOf?: UrlOf): Publisher;
  /** Publishes listings, and more files, as a version: `{ "parts/2024.parquet": "bytes" }`. */
  publish(
    version: string,
    files?: Record<string, string>,
    options?: MoveOptions & { listings?: readonly Listing[]; publisher?: Publisher },
  ): Promise<Moved>;
  /** A new client, with nothing kept. */
  client(options?: { version?: string }): Promise<Dataset>;
  /** Fails unless what readers find is whole: pointer, history, and every artifact by its bytes. */
  shown(): Promise<{ sequence: number; version: string } | undefined>;
}

/** Runs a test with a publisher on GitHub. */
export async function withGithub(test: (world: GithubWorld) => Promise<void>): Promise<void> {
  await withPublisher(async (side) => {
    const github = fakeGithub();
    const http = httpClient({
      downloadHosts: [github.downloadHost],
      retry: { tries: 2, baseMs: 0, mostMs: 0 },
    });
    const waits: number[] = [];
    const wait = (ms: number) => Promise.resolve(void waits.push(ms));
    const now = () => github.now;
    const web = github.web;
    const world: GithubWorld = {
      side,
      github,
      waits,
      endpoint: `${web}/octo/data/releases/latest/download/`,
      mirror(options, urlOf = artifactUrls(side.publisher.store)) {
        const usual = { repo: REPO, api: github.api, token: TOKEN, wait, now, random: () => 0.5 };
        const releases = githubReleases(githubApi({ ...usual, ...options }));
        const reader = githubReader({ repo: REPO, web, http, urlOf });
        return githubMirror({ repo: REPO, web, releases, reader, urlOf, now });
      },
      publisher: (...args) => ({ ...side.publisher, mirrors: [world.mirror(...args)] }),
      async publish(version, files = {}, options = {}) {
        const { listings = SMALL_LISTINGS, publisher = world.publisher(), ...move } = options;
        const dir = `${side.dir}/builds/${crypto.randomUUID()}`;
        const built = await buildListings(dir, version, listings);
        const artifacts: Artifact[] = [...built.artifacts];
        for (const [name, text] of Object.entries(files)) {
          await Deno.mkdir(`${dir}/parts`, { recursive: true });
          await Deno.writeTextFile(`${dir}/${name}`, text);
          const facts = await hashFile(`${dir}/${name}`);
          artifacts.push({ name, role: "part", mediaType: "application/x-test", ...facts });
        }
        return await publish(publisher, { ...built, artifacts }, dir, move);
      },
      client: (options) =>
        open({
          endpoint: world.endpoint,
          cacheDir: null,
          now: () => side.clock,
          downloadHosts: [github.downloadHost],
          ...options,
        }),
      shown: () => shown(github),
    };
    try {
      await test(world);
    } finally {
      await github.close();
    }
  });
}

async function shown(
  github: FakeGithub,
): Promise<{ sequence: number; version: string } | undefined> {
  const { fault } = github;
  github.fault = undefined;
  try {
    const text = await textAt(`${github.web}/octo/data/releases/latest/download/manifest.json`);
    if (text === undefined) return undefined;
    const { signed } = parseManifest(text);
    const { sequence, version } = signed;
    if (text !== formatManifest(JSON.parse(text))) throw new Error("manifest.json is torn");
    const kept = `${github.web}/octo/data/releases/download/manifest-${sequence}/${sequence}.json`;
    if (await textAt(kept) !== text) throw new Error(`manifest ${sequence} is not in the history`);
    for (const { name, url, bytes, sha256 } of signed.artifacts) {
      const response = await fetch(url!);
      const body = await response.bytes();
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
      if (!response.ok || body.length !== bytes || digest !== sha256) {
        throw new Error(`${name} of ${version} is not at ${url} (${response.status})`);
      }
    }
    return { sequence, version };
  } finally {
    github.fault = fault;
  }
}

async function textAt(url: string): Promise<string | undefined> {
  const response = await fetch(url);
  const text = await response.text();
  return response.ok ? text : undefined;
}
