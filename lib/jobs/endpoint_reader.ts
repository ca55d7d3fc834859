/**
 * Reads an endpoint as if it were a plain mirror, whatever its layout: the service has its files at
 * other paths.
 *
 * @module
 */

import { SERVICE_LAYOUT, STATIC_LAYOUT } from "../manifest/endpoint.ts";
import { httpMirror } from "../mirror/http.ts";
import { LATEST_PATH, type MirrorReader, VERSIONS_PATH } from "../mirror/mirror.ts";
import type { HttpClient } from "../net/client.ts";

/** A reader of the service or plain mirror at a base URL that ends with a slash. */
export function endpointReader(base: string, http: HttpClient): MirrorReader {
  const plain = httpMirror(base, http);
  let asked: Promise<typeof SERVICE_LAYOUT> | undefined;

  /** Which of the two it is: one request, once. */
  async function ask(): Promise<typeof SERVICE_LAYOUT> {
    const response = await http.get(base + LATEST_PATH, { accept: [403, 404] });
    await response.body?.cancel();
    return response.headers.has("x-dataset-version") ? SERVICE_LAYOUT : STATIC_LAYOUT;
  }

  async function there(path: string): Promise<string> {
    const layout = await (asked ??= ask());
    if (path === LATEST_PATH) return layout.manifest("latest");
    if (path === VERSIONS_PATH) return layout.versions;
    const sequence = /^manifests\/(\d+)\.json$/.exec(path)?.[1];
    return sequence ? layout.manifestBySequence(Number(sequence)) : layout.artifacts + path;
  }

  return {
    name: base,
    size: async (path) => await plain.size(await there(path)),
    open: async (path, range) => await plain.open(await there(path), range),
  };
}
