/**
 * The newest version as catalogues read it: its Data Package descriptor and its Croissant description.
 *
 * @module
 */

import type { Source } from "../lib/core/answers.ts";
import { NotFoundError } from "../lib/core/errors.ts";
import type { ManifestBody } from "../lib/core/manifest.ts";
import { artifactPath, type MirrorReader } from "../lib/mirror/mirror.ts";
import type { Address } from "./address.ts";
import { filesBase } from "./files.ts";
import { document } from "./document.ts";

/** How long they may be kept. */
const SECONDS = 60;

/** `GET /datapackage.json`: the version's own descriptor, its paths as whole addresses. */
export async function dataPackageAnswer(
  request: Request,
  mirror: MirrorReader,
  signed: ManifestBody | undefined,
  address: Address,
): Promise<Response> {
  const artifact = signed?.artifacts.find(({ name }) => name === "datapackage.json");
  const file = artifact && await mirror.open(artifactPath(artifact));
  if (!file) throw new NotFoundError("no descriptor was published yet");
  const descriptor = await new Response(file.body).json();
  const base = filesBase(address.url, signed!.version);
  for (const resource of descriptor.resources) resource.path = base + resource.path;
  return document(request, JSON.stringify(descriptor, null, 2) + "\n", "", {
    ...address.headers(SECONDS),
    "content-type": "application/vnd.datapackage+json",
    "x-dataset-version": signed!.version,
  });
}

/** A page with what search engines read of the dataset; as it is, before anything is published. */
export async function describedPage(
  page: string,
  source: Source,
  signed: ManifestBody | undefined,
  address: Address,
): Promise<string> {
  if (!signed) return page;
  const { datasetJsonLd } = await import("./croissant.ts");
  const { withJsonLd } = await import("./reference.ts");
  return withJsonLd(page, datasetJsonLd(address.url, source, signed));
}

/** `GET /croissant.json` */
export async function croissantAnswer(
  request: Request,
  source: Source,
  signed: ManifestBody | undefined,
  address: Address,
): Promise<Response> {
  if (!signed) throw new NotFoundError("no version was published yet");
  const { croissant } = await import("./croissant.ts");
  const text = JSON.stringify(croissant(address.url, source, signed), null, 2);
  return document(request, `${text}\n`, "", {
    ...address.headers(SECONDS),
    "content-type": "application/ld+json",
    "x-dataset-version": signed.version,
  });
}
