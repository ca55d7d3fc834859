/**
 * What a program must know to read a version's files. It is pinned, and stands in the manifest: a new release of a
 * library that writes them must not shut out older readers unnoticed.
 *
 * @module
 */

/** What the files of a version use of their formats. */
export interface FileFormats {
  /** The storage version of the database: DuckDB opens it from this release on. */
  readonly duckdbStorage: string;
  /** What the Parquet files use. */
  readonly parquet: {
    /** Compression codecs. */
    readonly codecs: readonly string[];
    /** Encodings of values, as Parquet's specification calls them. */
    readonly encodings: readonly string[];
  };
}

/** What builds use now. */
export const FILE_FORMATS: FileFormats = {
  duckdbStorage: "v1.0.0",
  parquet: {
    codecs: ["ZSTD"],
    encodings: ["DELTA_BINARY_PACKED", "PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY"],
  },
};
