/**
 * The Data Package v2 descriptor of a version: `datapackage.json`.
 *
 * @module
 */

import { ABOUT } from "../core/about.ts";
import type { Day } from "../core/day.ts";
import { type Artifact, DATASET } from "../core/manifest.ts";
import { type Column, DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../core/schema.ts";
import type { Build } from "./build_folder.ts";

const PROFILES = "https://datapackage.org/profiles/2.0";

/** Table Schema types of our column types. */
const FIELD_TYPES: Readonly<Record<Column["type"], string>> = {
  DATE: "date",
  VARCHAR: "string",
  BOOLEAN: "boolean",
  BIGINT: "integer",
  DOUBLE: "number",
  TIMESTAMP: "datetime",
};

/** Describes the artifacts of a build (all but this descriptor itself). */
export function dataPackage(build: Build): Record<string, unknown> {
  return {
    $schema: `${PROFILES}/datapackage.json`,
    name: DATASET,
    title: ABOUT.title,
    description: ABOUT.description,
    version: build.version,
    keywords: ABOUT.keywords,
    licenses: [ABOUT.license],
    sources: [ABOUT.source],
    contributors: [{ title: ABOUT.maker, roles: ["wrangler", "publisher"] }],
    resources: build.artifacts.map((artifact) => ({
      name: resourceName(artifact.name),
      path: artifact.name,
      mediatype: artifact.mediaType,
      bytes: artifact.bytes,
      hash: `sha256:${artifact.sha256}`,
      ...(artifact.dataThrough === undefined ? {} : reaching(artifact.dataThrough)),
      ...(artifact.role === "quarantine" ? { rows: build.quarantined, ...QUARANTINE } : {}),
      ...(artifact.role === "blocks" ? BLOCKS : {}),
      ...(artifact.parquet
        ? { type: "table", format: "parquet", schema: tableSchema(artifact) }
        : { format: formatOf(artifact.name) }),
    })),
  };
}

const QUARANTINE = {
  description:
    "What was set aside: keys that cannot be a day's file, files of implausible size, numbers that cannot be trusted",
};

const BLOCKS = {
  description:
    "Where the rows of a day or a symbol are in the Parquet files, for reading them by ranges; no rows of its own",
};

/** What a reader of a file that does not go as far as the version must know. */
function reaching(dataThrough: Day): Record<string, unknown> {
  return {
    dataThrough,
    description: `Days up to ${dataThrough}; those after it are in parts/ and recent/`,
  };
}

function resourceName(file: string): string {
  return file.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

/** `json`; `duckdb` for a compressed database. */
function formatOf(file: string): string {
  return file.replace(/\.gz$/, "").split(".").at(-1)!;
}

function tableSchema({ role }: Artifact): Record<string, unknown> {
  const ranks = role.endsWith("volume-rankings");
  const rows = ["date", "symbol"];
  const reference = { resource: resourceName("availability.parquet"), fields: rows };
  return {
    $schema: `${PROFILES}/tableschema.json`,
    fields: (ranks ? VOLUME_RANKINGS : DAILY_AVAILABILITY).map(field),
    primaryKey: rows,
    ...(role === "volume-rankings" ? { foreignKeys: [{ fields: rows, reference }] } : {}),
  };
}

function field({ name, type, description, required, values }: Column): Record<string, unknown> {
  const constraints = {
    ...(required ? { required } : {}),
    ...(values ? { enum: values } : {}),
  };
  return {
    name,
    type: FIELD_TYPES[type],
    description,
    ...(Object.keys(constraints).length ? { constraints } : {}),
  };
}
