/**
 * The documents that describe files in a registry: OCI image manifests of artifacts, as ORAS makes and
 * reads them.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { ManifestBody } from "../core/manifest.ts";

/** A blob, and which file it is. */
export interface OciLayer {
  readonly mediaType: string;
  /** `sha256:…`. */
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The media type of these documents. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** What the tag of a version or of a manifest holds. */
const VERSION_TYPE = "application/vnd.bfa.version.v1";

/** What the tag of the list of versions holds. */
const VERSIONS_TYPE = "application/vnd.bfa.versions.v1";

/** The empty configuration of the image specification: `{}`. */
export const EMPTY_CONFIG: OciLayer = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
  size: 2,
};

const TITLE = "org.opencontainers.image.title";

/** A file as a layer: `oras pull` writes it under this name. */
export function layerOf(
  title: string,
  file: { sha256: string; bytes: number; mediaType: string },
): OciLayer {
  return {
    mediaType: file.mediaType,
    digest: `sha256:${file.sha256}`,
    size: file.bytes,
    annotations: { [TITLE]: title },
  };
}

/** The document of a signed manifest: itself, and the artifacts it describes where `whole`. */
export function versionDocument(signed: ManifestBody, own: OciLayer, whole: boolean): string {
  const artifacts = signed.artifacts.map((artifact) => layerOf(artifact.name, artifact));
  return formatDocument(VERSION_TYPE, whole ? [own, ...artifacts] : [own], {
    "org.opencontainers.image.created": signed.publishedAt,
    "org.opencontainers.image.version": signed.version,
    "org.opencontainers.image.title": signed.dataset,
    "bfa.channel": signed.channel,
    "bfa.sequence": String(signed.sequence),
  });
}

/** The document of a list of versions. */
export function versionsDocument(own: OciLayer): string {
  return formatDocument(VERSIONS_TYPE, [own], {});
}

/** The layer with a title; `undefined` when the document has none. */
export function layerNamed(text: string, title: string): OciLayer | undefined {
  try {
    const { layers } = JSON.parse(text) as { layers: OciLayer[] };
    const layer = layers.find(({ annotations }) => annotations?.[TITLE] === title);
    if (!layer || /^sha256:[0-9a-f]{64}$/.test(layer.digest)) return layer;
  } catch {
    // an index, or no JSON at all
  }
  throw new BfaError("integrity", `Cannot find ${title}: what is tagged is no artifact of bfa`);
}

function formatDocument(
  artifactType: string,
  layers: readonly OciLayer[],
  annotations: Readonly<Record<string, string>>,
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: EMPTY_CONFIG,
    layers,
    annotations,
  });
}
