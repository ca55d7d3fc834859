/**
 * The digest of a file where it landed.
 *
 * @module
 */

import { hashStream } from "../files/file_facts.ts";
import type { Mirror } from "../mirror/mirror.ts";

/** The SHA-256 of a file: as the mirror's server computed it, or else of what is read back. */
export async function digestOn(mirror: Mirror, path: string): Promise<string | undefined> {
  const stated = await mirror.digest?.(path);
  if (stated !== undefined) return stated ?? undefined;
  const file = await mirror.open(path);
  return file && (await hashStream(file.body)).sha256;
}
