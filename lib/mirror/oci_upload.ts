/**
 * Uploading a blob: in one request, or in chunks when it is large.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { partsOf } from "../files/file_parts.ts";
import { CutUploadError } from "./mirror.ts";
import { type OciApi, OciError } from "./oci_api.ts";

/** What is longer is uploaded in chunks of this length, bytes. */
export const CHUNK_BYTES = 16 * 1024 * 1024;

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
  const chunks = partsOf(body, Math.max(CHUNK_BYTES, least));
  try {
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
    if (!isCut(error)) throw error;
    const why = `Cannot upload to ${api.name}: the connection broke; run the same command again`;
    throw new CutUploadError("network", why, { cause: error });
  } finally {
    await chunks.return(undefined); // lets go of the body
  }
}

/** Sends one chunk, and says where the next one goes. */
async function sendChunk(
  api: OciApi,
  location: string,
  body: Uint8Array<ArrayBuffer>,
  start: number,
): Promise<string> {
  const range = `${start}-${start + body.length - 1}`;
  const headers = { "content-type": "application/octet-stream", "content-range": range };
  const response = await api.request("PATCH", location, { headers, body, once: true });
  await response.body?.cancel();
  return locationOf(api, response);
}

/**
 * Whether an upload broke. Registries differ in what they make of half a chunk, and Debian's takes no
 * more after one: so a broken upload is not resumed but begun again.
 */
function isCut(error: unknown): error is BfaError {
  if (error instanceof OciError) {
    return error.status >= 500 || error.reasons.some((code) => code.startsWith("BLOB_UPLOAD_"));
  }
  return error instanceof BfaError && error.code === "network";
}

function locationOf(api: OciApi, response: Response): string {
  const location = response.headers.get("location");
  if (location !== null) return new URL(location, response.url).href;
  throw new BfaError("network", `Cannot upload to ${api.name}: it did not say where to`);
}
