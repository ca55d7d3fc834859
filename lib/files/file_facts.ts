/**
 * Facts about a file that a manifest states: length, digest, Parquet footer.
 *
 * @module
 */

/** The length and SHA-256 of a file, read in chunks. */
export async function hashFile(path: string): Promise<{ bytes: number; sha256: string }> {
  return await hashStream((await Deno.open(path)).readable);
}

/** The length and SHA-256 of a stream. */
export async function hashStream(
  stream: ReadableStream<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  // Loaded here: Web Crypto cannot hash in steps, and most questions hash no stream.
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** The SHA-256 of bytes at hand. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** The length of a Parquet file's footer, with its 8-byte tail: what one tail request must fetch. */
export async function parquetFooterBytes(path: string): Promise<number> {
  using file = await Deno.open(path);
  await file.seek(-8, Deno.SeekMode.End);
  const tail = new Uint8Array(8);
  await file.read(tail);
  return new DataView(tail.buffer).getUint32(0, true) + 8;
}
