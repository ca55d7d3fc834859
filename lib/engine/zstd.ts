/**
 * Compresses the pages of the Parquet files that are written in JavaScript.
 *
 * @module
 */

import { constants, zstdCompressSync } from "node:zlib";

/** A compressor for `ParquetWriter`, of some zstd level. */
export function zstd(level: number) {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return {
    ZSTD(bytes: Uint8Array): Uint8Array {
      // A page is a few KB: told its size, zstd sets up small tables, which is most of its work here.
      const options = { params, pledgedSrcSize: bytes.length };
      return zstdCompressSync(bytes, options);
    },
  };
}
