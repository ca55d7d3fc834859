/** One artifact of about 1 MB, and a server that has it. @module */

import type { Artifact } from "../../lib/core/manifest.ts";
import { type RawReply, type RawRequest, type RawServer, serveFile } from "./fault_server.ts";
import { someBytes, withoutBackoff } from "./fault_world.ts";

export const FILE: Uint8Array<ArrayBuffer> = someBytes(1_000_003, 1);
export const SIZE = 1_000_003;

/** As long as {@linkcode FILE}, and different in every byte. */
export const WRONG: Uint8Array<ArrayBuffer> = FILE.map((byte) => byte ^ 1);

const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", FILE)).toHex();

/** The ETag that a good mirror gives {@linkcode FILE}. */
export const ETAG = `"${sha256}"`;

/** What the manifest says of {@linkcode FILE}. */
export const ARTIFACT: Artifact = {
  name: "big.bin",
  role: "test",
  mediaType: "application/octet-stream",
  bytes: SIZE,
  sha256,
};

/** Where a request begins, as it says. */
export function start({ headers }: RawRequest): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.get("range") ?? "bytes=0-")![1]);
}

/** Runs a test with a server that has the file, and an empty folder; nobody waits between tries. */
export async function withFile(
  fault: (request: RawRequest) => Partial<RawReply> | undefined,
  test: (server: RawServer, dir: string) => Promise<void>,
): Promise<void> {
  const server = serveFile(FILE, ETAG, fault);
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  try {
    await withoutBackoff(() => test(server, dir));
  } finally {
    await server.close();
    await Deno.remove(dir, { recursive: true });
  }
}
