/** Pages of a simulated bucket, made beforehand and kept in a file: serving them takes hardly any CPU. @module */

import { httpClient } from "../../lib/net/client.ts";
import { visionLister } from "../../lib/source/vision.ts";
import { symbolOfPrefix } from "../../lib/core/vision_keys.ts";
import type { Bucket } from "../helpers/bucket.ts";

/**
 * Asks a bucket for every page of a whole collection, and answers from these bytes from then on. Other
 * requests are answered as before. The file has no name: it is gone with the process.
 */
export async function servePagesFromDisk(bucket: Bucket): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "bfa-bench-pages-" });
  const file = await Deno.open(path, { read: true, write: true });
  await Deno.remove(path);
  const pages = new Map<string, { offset: number; bytes: number }>();
  let end = 0;
  const http = httpClient({
    fetch: async (url, init) => {
      const body = await (await fetch(url, init)).bytes();
      pages.set(new URL(url).search, { offset: end, bytes: body.length });
      file.seekSync(end, Deno.SeekMode.Start);
      for (let done = 0; done < body.length;) done += file.writeSync(body.subarray(done));
      end += body.length;
      return new Response(body);
    },
  });
  const lister = visionLister(http, bucket.listUrl);
  for await (const prefix of lister.directories()) {
    const symbol = symbolOfPrefix(prefix);
    if (symbol === undefined) continue;
    for await (const _ of lister.files(symbol));
  }
  bucket.fault = ({ url }) => {
    const page = pages.get(url.search);
    if (!page) return undefined;
    const body = new Uint8Array(page.bytes);
    file.seekSync(page.offset, Deno.SeekMode.Start);
    for (let done = 0; done < body.length;) done += file.readSync(body.subarray(done))!;
    return new Response(body, { headers: { "content-type": "application/xml" } });
  };
}
