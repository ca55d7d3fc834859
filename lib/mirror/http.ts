/**
 * A mirror on any plain HTTP server, read only.
 *
 * @module
 */

import type { HttpClient } from "../net/client.ts";
import { answeredFile, answeredSize, rangeHeader } from "./answered_file.ts";
import type { ByteRange, MirrorFile, MirrorReader } from "./mirror.ts";

/** A mirror at a base URL that ends with a slash. */
export function httpMirror(base: string, http: HttpClient): MirrorReader {
  async function get(path: string, range?: ByteRange): Promise<Response | undefined> {
    const headers = { "accept-encoding": "identity", ...rangeHeader(range) };
    const response = await http.get(base + path, { headers, accept: [404] });
    if (response.status !== 404) return response;
    await response.body?.cancel();
    return undefined;
  }

  return {
    name: base,

    async size(path: string): Promise<number | undefined> {
      // One byte instead of HEAD: some stores sign only GET, and leave the length out of HEAD.
      const response = await get(path, { start: 0, end: 0 });
      await response?.body?.cancel();
      return response && answeredSize(response, base + path);
    },

    async open(path: string, range?: ByteRange): Promise<MirrorFile | undefined> {
      const response = await get(path, range);
      return response && await answeredFile(response, base + path, range);
    },
  };
}
