/**
 * The places that versions are distributed from, smallest first: what each gives, by its own pages, and what comes next.
 *
 * @module
 */

import type { Signal } from "./signals.ts";

/** A kind of place. */
export interface Platform {
  readonly name: string;
  /** What its addresses match, as a whole and without their scheme; those that cannot be told by it have none. */
  readonly host?: string;
  /** What it gives, in words. */
  readonly gives: string;
  /** When it is no longer enough. */
  readonly until: string;
  /** Where its limits are published, and when they were read. */
  readonly source?: { readonly url: string; readonly read: string };
  /** The limits that can be watched. */
  readonly signals: readonly Signal[];
}

/** The next step of the ladder, told by the name of a platform. */
const PAGES_NEXT =
  "GitHub Releases, which have no limit on traffic or on the size of a release: `bfa publish --mirror github:OWNER/REPO`";
const DEPLOY_NEXT =
  "put the files on a mirror (`--mirror-url`), S3 and CloudFront in front (deploy/cloudfront.yaml), or pay for a larger plan";

/** The ladder: seed, static mirror, service, bucket with a CDN, instances of one's own. */
export const PLATFORMS: readonly Platform[] = [
  {
    name: "the listings in the program",
    gives: "every question about listings, no network, as old as the release",
    until: "you want new days, or numbers",
    signals: [],
  },
  {
    name: "GitHub Pages",
    host: "[^/]+\\.github\\.io",
    gives: "files over HTTP: 1 GB in all, 100 GB of traffic a month (a soft limit)",
    until: "versions fill 1 GB, or GitHub writes to you about traffic, which only it counts",
    source: {
      url: "https://docs.github.com/en/pages/getting-started-with-github-pages/github-pages-limits",
      read: "2026-11-22, in the repository of GitHub's documentation",
    },
    signals: [{
      name: "stored",
      about: "all versions on the place, about: the newest, and what each adds",
      measure: { kind: "stored" },
      unit: "bytes",
      limit: {
        most: 1e9,
        alarm: "grow",
        why: "GitHub Pages: published sites may be no larger than 1 GB",
        next: PAGES_NEXT,
      },
    }],
  },
  {
    name: "GitHub Releases",
    host: "github:.+",
    gives: "files under 2 GiB each; no limit on the size of a release, nor on traffic",
    until:
      "readers want files by their path, as Parquet readers do, or a network lets nobody out to GitHub",
    source: {
      url:
        "https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases#storage-and-bandwidth-quotas",
      read: "2026-11-22, in the repository of GitHub's documentation",
    },
    signals: [{
      name: "largest file",
      about: "the largest file of the newest version",
      measure: { kind: "largest" },
      unit: "bytes",
      limit: {
        most: 2 * 2 ** 30,
        alarm: "grow",
        why: "GitHub Releases: each file must be under 2 GiB",
        next: "a bucket: `bfa mirror sync --from github:OWNER/REPO --to s3://BUCKET/PREFIX`",
      },
    }],
  },
  {
    name: "Deno Deploy, free",
    host: "[^/]+\\.deno\\.(net|dev)(:[0-9]+)?",
    gives: "the service: 1 million requests and 20 GB of traffic a month",
    until: "a month like this goes over either",
    source: { url: "https://deno.com/deploy/pricing", read: "2026-05-05, at second hand" },
    signals: [
      {
        name: "requests a month",
        about: "at this rate",
        measure: {
          kind: "month",
          of: ["bfa_http_requests_total", "bfa_http_answers_from_memory_total"],
        },
        limit: {
          most: 1e6,
          alarm: "grow",
          alert: "BfaDeployRequests",
          why: "Deno Deploy, free: 1 million requests a month",
          next: DEPLOY_NEXT,
        },
      },
      {
        name: "sent a month",
        about: "at this rate",
        measure: { kind: "month", of: ["bfa_http_sent_bytes_total"] },
        unit: "bytes",
        limit: {
          most: 20e9,
          alarm: "grow",
          alert: "BfaDeployTraffic",
          why: "Deno Deploy, free: 20 GB of traffic a month",
          next: DEPLOY_NEXT,
        },
      },
    ],
  },
  {
    name: "S3 and CloudFront",
    gives: "any number of readers; the first 1 TB and 10 million requests a month cost nothing",
    until: "questions (not files) must be answered inside your network, or SQL for many people",
    source: {
      url: "https://aws.amazon.com/cloudfront/pricing/",
      read: "2026-09-05, at second hand",
    },
    signals: [],
  },
  {
    name: "instances of your own",
    gives: "as many as you start (docs/kubernetes.md); all the signals of a service",
    until: "one of them says `grow`: start another",
    signals: [],
  },
];

/** The platform of a place such as `https://a.github.io/b/` or `github:a/b`. */
export function platformOf(place: string): Platform | undefined {
  const host = place.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const target = /^https?:/.test(place) ? host : place;
  return PLATFORMS.find((known) =>
    known.host !== undefined && new RegExp(`^(?:${known.host})$`).test(target)
  );
}
