/**
 * The JSON documents that are no answers to questions, as schemas; see bodies.ts.
 *
 * @module
 */

import { z } from "zod";
import type { Day } from "../lib/core/day.ts";
import type { Manifest } from "../lib/core/manifest.ts";
import type { VersionList } from "../lib/jobs/version_list.ts";

const instant = z.iso.datetime();
const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const dataThrough = z.iso.date() as unknown as z.ZodType<Day>;
const version = z.string();
const sequence = z.int().positive();

/** @see Manifest */
export const manifestBody: z.ZodType<Manifest> = z.strictObject({
  signed: z.strictObject({
    manifestFormat: z.literal(1),
    dataset: z.string(),
    channel: z.string(),
    version,
    sequence,
    dataThrough,
    publishedAt: instant,
    freshness: z.strictObject({
      refreshAfter: instant,
      staleAfter: instant,
      expiresAt: instant,
    }),
    schemaVersion: sequence,
    rows: count,
    symbols: count,
    quarantined: count.exactOptional(),
    formats: z.strictObject({
      duckdbStorage: z.string(),
      parquet: z.strictObject({ codecs: z.array(z.string()), encodings: z.array(z.string()) }),
    }).exactOptional(),
    previous: version.nullable(),
    mirrors: z.array(z.string()),
    nextKeys: z.array(z.string()).exactOptional(),
    artifacts: z.array(z.strictObject({
      name: z.string(),
      role: z.string(),
      mediaType: z.string(),
      bytes: count,
      sha256,
      url: z.string().exactOptional(),
      dataThrough: dataThrough.exactOptional(),
      parquet: z.strictObject({
        rows: count,
        footerBytes: count,
        index: z.string().exactOptional(),
      }).exactOptional(),
    })),
  }),
  signatures: z.array(
    z.strictObject({ keyId: z.string(), alg: z.literal("Ed25519"), sig: z.string() }),
  ),
});

/** @see VersionList */
export const versionsBody: z.ZodType<VersionList> = z.strictObject({
  count,
  channels: z.record(z.string(), z.strictObject({ sequence, version })),
  versions: z.array(z.strictObject({
    version,
    sequence,
    dataThrough,
    publishedAt: instant,
    rows: count,
    symbols: count,
    bytes: count,
    wholeFilesThrough: z.iso.date().exactOptional(),
  })),
});

/** The body of `/healthz`. */
export const healthBody = z.strictObject({ status: z.literal("ok") });

/** The body of `/readyz`, when it is. */
export const readyBody = z.strictObject({ status: z.literal("ready"), version });
