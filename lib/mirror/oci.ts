/**
 * A mirror in a repository of an OCI registry, over the distribution API. Artifacts are blobs, whose
 * digests are their own names there too; a version is a tag that ORAS can pull.
 *
 * @module
 */

import { parseManifest } from "../core/parse_manifest.ts";
import { digestOf } from "../files/file_facts.ts";
import { digestInPath } from "./file_headers.ts";
import { LATEST_PATH, type Mirror, VERSIONS_PATH } from "./mirror.ts";
import { type OciApi, OciError } from "./oci_api.ts";
import {
  EMPTY_CONFIG,
  layerOf,
  OCI_MANIFEST,
  type OciLayer,
  versionDocument,
  versionsDocument,
} from "./oci_documents.ts";
import { LATEST_TAG, sequenceTag, VERSIONS_TAG } from "./oci_place.ts";
import { ociReader } from "./oci_reader.ts";
import { uploadBlob } from "./oci_upload.ts";

/** A mirror in a repository. */
export function ociMirror(api: OciApi): Mirror {
  const reader = ociReader(api);

  async function has(digest: string): Promise<boolean> {
    const response = await api.request("HEAD", `/blobs/${digest}`, { answers: [404] });
    await response.body?.cancel();
    return response.ok;
  }

  async function tagged(tag: string): Promise<boolean> {
    const headers = { accept: OCI_MANIFEST };
    const response = await api.request("HEAD", `/manifests/${tag}`, { headers, answers: [404] });
    await response.body?.cancel();
    return response.ok;
  }

  async function putBlob(digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!await has(digest)) await uploadBlob(api, digest, new Blob([bytes]).stream());
  }

  /** Brings a text in as a blob, and describes it. */
  async function layerFor(title: string, text: string): Promise<OciLayer> {
    const bytes = new TextEncoder().encode(text);
    const digest = (await digestOf(bytes)).toHex();
    await putBlob(`sha256:${digest}`, bytes);
    return layerOf(title, { sha256: digest, bytes: bytes.length, mediaType: "application/json" });
  }

  async function tag(name: string, document: string): Promise<void> {
    await putBlob(EMPTY_CONFIG.digest, new TextEncoder().encode("{}"));
    const headers = { "content-type": OCI_MANIFEST };
    const body = new TextEncoder().encode(document);
    const response = await api.request("PUT", `/manifests/${name}`, { headers, body });
    await response.body?.cancel();
  }

  /** The tag of a version, made once: with the first manifest that describes it. */
  async function tagVersion(version: string, document: string): Promise<void> {
    if (await tagged(version)) return;
    try {
      await tag(version, document);
    } catch (error) {
      // A manifest of before this mirror was used: its artifacts never came here.
      if (!(error instanceof OciError && error.reasons.includes("MANIFEST_BLOB_UNKNOWN"))) {
        throw error;
      }
    }
  }

  return {
    name: api.name,
    size: reader.size,
    open: reader.open,

    async digest(path) {
      // A registry takes no blob of another digest than the one it is stored under.
      const digest = digestInPath(path);
      if (digest === undefined) return undefined;
      return await has(`sha256:${digest}`) ? digest : null;
    },

    async put(path, body) {
      const digest = digestInPath(path);
      if (digest) return await uploadBlob(api, `sha256:${digest}`, body);
      const text = await new Response(body).text();
      if (path === VERSIONS_PATH) {
        return await tag(VERSIONS_TAG, versionsDocument(await layerFor(VERSIONS_PATH, text)));
      }
      const { signed } = parseManifest(text);
      const own = await layerFor(LATEST_PATH, text);
      const whole = versionDocument(signed, own, true);
      if (path === LATEST_PATH) return await tag(LATEST_TAG, whole);
      await tag(sequenceTag(signed.sequence), versionDocument(signed, own, false));
      await tagVersion(signed.version, whole);
    },
  };
}
