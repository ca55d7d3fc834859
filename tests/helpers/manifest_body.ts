/** A small body that is as it should be, for tests that change one thing. @module */

import { parseDay } from "../../lib/core/day.ts";
import type { ManifestBody } from "../../lib/core/manifest.ts";

/** SHA-256 of the empty text. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** A body; `changes` replace whole members. */
export function manifestBody(changes: Partial<ManifestBody> = {}): ManifestBody {
  return {
    manifestFormat: 1,
    dataset: "binance-um-daily-availability",
    channel: "latest",
    version: "2026-11-20.1",
    sequence: 412,
    dataThrough: parseDay("2026-11-20"),
    publishedAt: "2026-11-21T12:04:11Z",
    freshness: {
      refreshAfter: "2026-11-22T12:00:00Z",
      staleAfter: "2026-11-22T18:00:00Z",
      expiresAt: "2026-12-05T12:04:11Z",
    },
    schemaVersion: 1,
    rows: 690113,
    symbols: 1056,
    previous: "2026-11-19.1",
    mirrors: ["https://mirror.example/bfa/"],
    artifacts: [
      {
        name: "listings.json",
        role: "listings",
        mediaType: "application/json",
        bytes: 0,
        sha256: EMPTY_SHA256,
      },
      {
        name: "parts/2024.parquet",
        role: "part",
        mediaType: "application/vnd.apache.parquet",
        bytes: 4096,
        sha256: EMPTY_SHA256,
        url: "https://elsewhere.example/2024.parquet",
        parquet: { rows: 100, footerBytes: 1100 },
      },
    ],
    ...changes,
  };
}
