/**
 * Reading files out of a registry: for mirrors, and for clients that were given `oci://…` as endpoint.
 *
 * @module
 */

import { BfaError, HttpError } from "../core/errors.ts";
import { limitedText } from "../net/body.ts";
import type { HttpClient, RequestOptions } from "../net/client.ts";
import { answeredFile, answeredSize, rangeHeader } from "./answered_file.ts";
import type { MirrorReader } from "./mirror.ts";
import type { OciApi, OciRequest } from "./oci_api.ts";
import { layerNamed, OCI_MANIFEST } from "./oci_documents.ts";
import { ociFileOf, type OciPlace, parseOciPlace } from "./oci_place.ts";

/** The largest document that is read, bytes: the most that registries must take. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

type Limits = Pick<RequestOptions, "signal" | "tries">;

/** Reads files of a repository. */
export function ociReader(api: OciApi): MirrorReader {
  const nameOf = (path: string) => `${path} on ${api.name}`;
  return {
    name: api.name,

    async size(path) {
      const digest = await blobOf(api, path);
      if (digest === undefined) return undefined;
      const response = await api.request("HEAD", `/blobs/${digest}`, { answers: [404] });
      await response.body?.cancel();
      return response.status === 404 ? undefined : answeredSize(response, nameOf(path));
    },

    async open(path, range) {
      const digest = await blobOf(api, path);
      if (digest === undefined) return undefined;
      const response = await fetchBlob(api, digest, { headers: rangeHeader(range) });
      if (response.status !== 404) return await answeredFile(response, nameOf(path), range);
      await response.body?.cancel();
      return undefined;
    },
  };
}

/**
 * Answers requests for addresses under `oci://HOST/REPOSITORY/` as a plain mirror would, so that whoever
 * reads those reads a registry too.
 *
 * @param open Makes a client for a repository; asked once for each.
 */
export function registryClient(open: (place: OciPlace) => Promise<OciApi>): HttpClient {
  const apis = new Map<string, Promise<OciApi>>();
  return {
    async get(url, { headers = {}, accept = [], ...limits } = {}) {
      const { root, path } = splitAddress(url);
      const api = apis.get(root) ?? open(parseOciPlace(root));
      apis.set(root, api);
      const response = await answer(await api, path, headers, limits);
      if (response.ok || accept.includes(response.status)) return response;
      await response.body?.cancel();
      throw new HttpError(url, response.status);
    },
  };
}

/** A file as a plain mirror would answer, with its digest for an ETag: whoever keeps the blobs has another. */
async function answer(
  api: OciApi,
  path: string,
  { range, "if-none-match": known }: Record<string, string>,
  limits: Limits,
): Promise<Response> {
  const digest = await blobOf(api, path, limits);
  if (digest === undefined) return new Response(null, { status: 404 });
  const etag = `"${digest}"`;
  if (known === etag) return new Response(null, { status: 304, headers: { etag } });
  const options = { headers: range ? { range } : {}, answers: [416], ...limits };
  const { status, headers, body } = await fetchBlob(api, digest, options);
  const own = new Headers(headers);
  if (status < 300) own.set("etag", etag);
  return new Response(body, { status, headers: own });
}

/** Which blob a file is; for all but artifacts its tag says so. */
async function blobOf(api: OciApi, path: string, limits: Limits = {}): Promise<string | undefined> {
  const file = ociFileOf(path);
  if (!file || "digest" in file) return file?.digest;
  const headers = { accept: OCI_MANIFEST };
  const options = { headers, answers: [404], ...limits };
  const response = await api.request("GET", `/manifests/${file.tag}`, options);
  if (response.status === 404) {
    await response.body?.cancel();
    return undefined;
  }
  const text = await limitedText(response.body, MAX_DOCUMENT_BYTES, `${file.tag} on ${api.name}`);
  return layerNamed(text, file.title)?.digest;
}

/** Asks for a blob; one that is not there is an answer too. */
async function fetchBlob(
  api: OciApi,
  digest: string,
  { headers, answers = [], ...limits }: OciRequest,
): Promise<Response> {
  return await api.request("GET", `/blobs/${digest}`, {
    headers: { ...headers, "accept-encoding": "identity" },
    answers: [404, ...answers],
    ...limits,
  });
}

/** The repository, and the path of a file there. */
function splitAddress(url: string): { root: string; path: string } {
  const match =
    /^(oci:\/\/.+?)\/(manifest\.json|versions\.json|manifests\/\d+\.json|[0-9a-f]{64}\/.+|v1\/.+)$/
      .exec(url);
  if (match) return { root: match[1]!, path: match[2]! };
  throw new BfaError("usage", `Cannot use ${url}: write oci://HOST/REPOSITORY`);
}
