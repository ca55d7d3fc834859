/**
 * Where an OCI mirror is, `oci://HOST/REPOSITORY`, and how its files are named there:
 *
 * | file | in the registry |
 * | --- | --- |
 * | `<sha256>/<name>` | blob `sha256:<sha256>` |
 * | `manifests/<sequence>.json` | tag `manifest-<sequence>`, file `manifest.json` |
 * | `manifest.json` | tag `latest`, file `manifest.json`; all artifacts of its version are there too |
 * | `versions.json` | tag `versions`, file `versions.json` |
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { digestInPath } from "./file_headers.ts";
import { LATEST_PATH, VERSIONS_PATH } from "./mirror.ts";

/** A repository of a registry. */
export interface OciPlace {
  /** `ghcr.io`, `127.0.0.1:5000`. */
  readonly host: string;
  /** `owner/data`. */
  readonly repository: string;
  /** The API's address for this repository: `https://HOST/v2/REPOSITORY`. */
  readonly base: string;
}

/** Where a file is in a registry. */
export type OciFile =
  | { readonly digest: string }
  | { readonly tag: string; readonly title: string };

// The distribution specification's own pattern for names.
const NAME = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const PLACE = new RegExp(
  String
    .raw`^oci://([A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9a-f:]+\](?::\d{1,5})?)/(${NAME}(?:/${NAME})*)/?$`,
);

/**
 * Reads `oci://HOST/REPOSITORY`.
 *
 * @throws {BfaError} `usage` when it is not of that form.
 */
export function parseOciPlace(text: string): OciPlace {
  const match = PLACE.exec(text);
  if (!match || match[2]!.length > 200) {
    throw new BfaError(
      "usage",
      `Cannot use ${JSON.stringify(text.slice(0, 150))}: write oci://HOST/REPOSITORY`,
    );
  }
  const [, host, repository] = match as unknown as [string, string, string];
  // As docker does: a registry on this machine has no certificate.
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/.test(host);
  // The API of Docker Hub is not at the name that everybody writes.
  const api = host === "docker.io" ? "registry-1.docker.io" : host;
  return { host, repository, base: `${local ? "http" : "https"}://${api}/v2/${repository}` };
}

/** The tag of a manifest by its sequence. */
export function sequenceTag(sequence: number): string {
  return `manifest-${sequence}`;
}

/** The tag of the newest manifest of channel `latest`. */
export const LATEST_TAG = "latest";

/** The tag of the list of versions. */
export const VERSIONS_TAG = "versions";

/** Where the file of a path is; `undefined` when no mirror has such a path. */
export function ociFileOf(path: string): OciFile | undefined {
  const sha256 = digestInPath(path);
  if (sha256) return { digest: `sha256:${sha256}` };
  if (path === LATEST_PATH) return { tag: LATEST_TAG, title: LATEST_PATH };
  if (path === VERSIONS_PATH) return { tag: VERSIONS_TAG, title: VERSIONS_PATH };
  const sequence = /^manifests\/(\d{1,15})\.json$/.exec(path)?.[1];
  return sequence ? { tag: sequenceTag(Number(sequence)), title: LATEST_PATH } : undefined;
}
