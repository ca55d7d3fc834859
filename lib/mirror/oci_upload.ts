/**
 * Uploading a blob: in one request, or when it is large in chunks, which go on where a broken
 * connection ended.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { partsOf } from "../files/file_parts.ts";
import { type OciApi, OciError } from "./oci_api.ts";

/** What is longer is uploaded in chunks of this length, bytes. */
export const CHUNK_BYTES = 16 * 1024 * 1024;

/** How often a chunk is begun again. */
const CHUNK_TRIES = 5;

/**
 * Uploads a blob. The registry refuses bytes of another digest; what fails is taken back.
 *
 * @param digest `sha256:…`.
 */
export async function uploadBlob(
  api: OciApi,
  digest: string,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  const begun = await api.request("POST", "/blobs/uploads/", {
    headers: { "content-length": "0" },
  });
  await begun.body?.cancel();
  const least = Number(begun.headers.get("oci-chunk-min-length") ?? 0);
  let location = locationOf(api, begun);
  try {
    const chunks = partsOf(body, Math.max(CHUNK_BYTES, least));
    let chunk = (await chunks.next()).value!;
    let sent = 0;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      location = await sendChunk(api, location, chunk, sent);
      sent += chunk.length;
      chunk = next.value;
    }
    if (sent > 0) {
      location = await sendChunk(api, location, chunk, sent);
      chunk = new Uint8Array();
    }
    const url = new URL(location);
    url.searchParams.set("digest", digest);
    const done = await api.request("PUT", url.href, {
      headers: { "content-type": "application/octet-stream" },
      body: chunk,
      once: true,
    });
    await done.body?.cancel();
  } catch (error) {
    await api.request("DELETE", location, { answers: [404] })
      .then((response) => response.body?.cancel())
      .catch(() => {}); // registries remove what was left on their own, later
    throw error;
  }
}

/** Sends one chunk, or what the registry lacks of it, and says where the next one goes. */
async function sendChunk(
  api: OciApi,
  location: string,
  chunk: Uint8Array<ArrayBuffer>,
  start: number,
): Promise<string> {
  let had = 0;
  for (let attempt = 1;; attempt++) {
    try {
      const body = chunk.subarray(had);
      const response = await api.request("PATCH", location, {
        headers: {
          "content-type": "application/octet-stream",
          "content-range": `${start + had}-${start + chunk.length - 1}`,
        },
        body,
        once: true,
      });
      await response.body?.cancel();
      return locationOf(api, response);
    } catch (error) {
      // Whether it arrived, the registry knows.
      const unsure = error instanceof BfaError && error.code === "network" &&
        !(error instanceof OciError && error.status < 500 && error.status !== 416);
      if (!unsure || attempt >= CHUNK_TRIES) throw error;
      const status = await api.request("GET", location);
      await status.body?.cancel();
      const end = /-(\d+)$/.exec(status.headers.get("range") ?? "")?.[1];
      // `0-0` says that there is nothing, or one byte: nobody sends one byte.
      const bytes = end === undefined || end === "0" ? 0 : Number(end) + 1;
      location = locationOf(api, status);
      had = bytes - start;
      if (had === chunk.length) return location;
      if (had < 0 || had > chunk.length) throw error;
    }
  }
}

function locationOf(api: OciApi, response: Response): string {
  const location = response.headers.get("location");
  if (location !== null) return new URL(location, response.url).href;
  throw new BfaError("network", `Cannot upload to ${api.name}: it did not say where to`);
}
