/**
 * A mirror on any plain HTTP server, read only.
 *
 * @module
 */

import { BfaError, HttpError } from "../core/errors.ts";
import type { HttpClient } from "../net/client.ts";
import type { ByteRange, MirrorFile, MirrorReader } from "./mirror.ts";

/** A mirror at a base URL that ends with a slash. */
export function httpMirror(base: string, http: HttpClient): MirrorReader {
  async function get(path: string, range?: ByteRange): Promise<Response | undefined> {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (range) headers["range"] = `bytes=${range.start}-${range.end}`;
    const response = await http.get(base + path, { headers, accept: [404] });
    if (response.status !== 404) return response;
    await response.body?.cancel();
    return undefined;
  }

  return {
    async size(path: string): Promise<number | undefined> {
      // One byte instead of HEAD: some stores sign only GET, and leave the length out of HEAD.
      const response = await get(path, { start: 0, end: 0 });
      await response?.body?.cancel();
      return response && totalOf(response, base + path);
    },

    async open(path: string, range?: ByteRange): Promise<MirrorFile | undefined> {
      const response = await get(path, range);
      if (!response) return undefined;
      if (range && response.status !== 206) {
        await response.body?.cancel();
        throw new HttpError(base + path, response.status);
      }
      try {
        return { size: totalOf(response, base + path), body: response.body! };
      } catch (error) {
        await response.body?.cancel();
        throw error;
      }
    },
  };
}

function totalOf(response: Response, url: string): number {
  const total = response.status === 206
    ? /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]
    : response.headers.get("content-length");
  if (total === undefined || total === null) {
    throw new BfaError("network", `Cannot use ${url}: the server does not say how long it is`);
  }
  return Number(total);
}
