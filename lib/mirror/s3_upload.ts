/**
 * An upload in parts: nothing is there before all of it is, and what fails is taken back.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { S3Api } from "./s3_api.ts";

/** Where an upload goes. */
export interface PartsUpload {
  readonly api: S3Api;
  readonly key: string;
  readonly headers: Record<string, string>;
}

/** Sends the request that makes an object of the parts, on a condition. */
export type FinishUpload = (condition: Record<string, string>) => Promise<Response>;

/**
 * Uploads parts and makes one object of them. When anything fails, the upload is aborted: the parts
 * cost nothing any more.
 *
 * @param finish Given the SHA-256 of all, decides how the object is made; `false` when it was there.
 */
export async function uploadParts(
  { api, key, headers }: PartsUpload,
  parts: AsyncIterable<Uint8Array<ArrayBuffer>>,
  finish: (sha256: string, send: FinishUpload) => Promise<boolean>,
): Promise<void> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  const begun = await api.request("POST", key, { headers, query: { uploads: "" } });
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(await api.text(begun))?.[1];
  if (!uploadId) {
    throw new BfaError("network", `Cannot upload to ${api.name}: it did not begin an upload`);
  }
  try {
    const tags: string[] = [];
    for await (const body of parts) {
      hash.update(body);
      const query = { partNumber: String(tags.length + 1), uploadId };
      const response = await api.request("PUT", key, { body, query });
      await response.body?.cancel();
      tags.push(response.headers.get("etag") ?? "");
    }
    const list = tags.map((tag, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escape(tag)}</ETag></Part>`
    );
    const body = new TextEncoder().encode(
      `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`,
    );
    const made = await finish(hash.digest("hex"), (condition) =>
      api.request("POST", key, {
        body,
        query: { uploadId },
        headers: { "content-type": "application/xml", ...condition },
        answers: [409, 412],
      }));
    if (!made) await abort();
  } catch (error) {
    await abort();
    throw error;
  }

  async function abort(): Promise<void> {
    try {
      const options = { query: { uploadId: uploadId! }, answers: [404] };
      await (await api.request("DELETE", key, options)).body?.cancel();
    } catch {
      // the reason for the abort matters more; the bucket's lifecycle rule removes the parts
    }
  }
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
