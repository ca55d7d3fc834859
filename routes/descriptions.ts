/**
 * The newest version as catalogues read it: its Data Package descriptor and its Croissant description.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import type { Source } from "../lib/core/answers.ts";
import { NotFoundError } from "../lib/core/errors.ts";
import type { ManifestBody } from "../lib/core/manifest.ts";
import { verifiedText } from "../lib/jobs/verified_artifact.ts";
import type { MirrorReader } from "../lib/mirror/mirror.ts";
import type { Address } from "./address.ts";
import { filesBase } from "./files.ts";
import { document } from "./document.ts";

/** How long they may be kept. */
const SECONDS = 60;

/** `GET /datapackage.json`: the version's own descriptor, its paths as whole addresses. It is read once a version. */
export function dataPackage(
  mirror: MirrorReader,
): (request: Request, signed: ManifestBody | undefined, address: Address) => Promise<Response> {
  const read = new LRUCache<string, string>({ max: 1 });
  return async (request, signed, address) => {
    const artifact = signed?.artifacts.find(({ name }) => name === "datapackage.json");
    if (!signed || !artifact) throw new NotFoundError("no descriptor was published yet");
    let text = read.get(artifact.sha256);
    if (text === undefined) {
      text = await verifiedText(mirror, artifact);
      read.set(artifact.sha256, text);
    }
    const descriptor = JSON.parse(text);
    const base = filesBase(address.url, signed.version);
    for (const resource of descriptor.resources) resource.path = base + resource.path;
    return document(request, JSON.stringify(descriptor, null, 2) + "\n", "", {
      ...address.headers(SECONDS),
      "content-type": "application/vnd.datapackage+json",
      "x-dataset-version": signed.version,
    });
  };
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
