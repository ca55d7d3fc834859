/**
 * The Data Package v2 descriptor of a version: `datapackage.json`.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import { type Artifact, DATASET } from "../core/manifest.ts";
import { type Column, DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../core/schema.ts";
import type { Build } from "./build.ts";

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
    $schema: "https://datapackage.org/profiles/2.0/datapackage.json",
    name: DATASET,
    title: "Binance USDⓈ-M futures: daily availability",
    description:
      "Which Binance USDⓈ-M futures existed, and really traded, on each day; without survivorship bias.",
    version: build.version,
    licenses: [{ name: "MIT", path: "https://opensource.org/license/mit", title: "MIT License" }],
    sources: [{ title: "Binance Vision", path: "https://data.binance.vision/" }],
    resources: build.artifacts.map((artifact) => ({
      name: artifact.name.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
      path: artifact.name,
      mediatype: artifact.mediaType,
      bytes: artifact.bytes,
      hash: `sha256:${artifact.sha256}`,
      ...(artifact.dataThrough === undefined ? {} : reaching(artifact.dataThrough)),
      ...(artifact.role === "quarantine" ? { rows: build.quarantined, ...QUARANTINE } : {}),
      ...(artifact.parquet
        ? { type: "table", format: "parquet", schema: tableSchema(columnsOf(artifact)) }
        : {}),
    })),
  };
}

const QUARANTINE = {
  description:
    "What was set aside: keys that cannot be a day's file, files of implausible size, numbers that cannot be trusted",
  format: "json",
};

/** What a reader of a file that does not go as far as the version must know. */
function reaching(dataThrough: Day): Record<string, unknown> {
  return {
    dataThrough,
    description: `Days up to ${dataThrough}; those after it are in parts/ and recent/`,
  };
}

function columnsOf({ role }: Artifact): readonly Column[] {
  return role.endsWith("volume-rankings") ? VOLUME_RANKINGS : DAILY_AVAILABILITY;
}

function tableSchema(columns: readonly Column[]): Record<string, unknown> {
  return {
    fields: columns.map((column) => ({
      name: column.name,
      type: FIELD_TYPES[column.type],
      description: column.description,
      ...(column.required ? { constraints: { required: true } } : {}),
    })),
    primaryKey: ["date", "symbol"],
  };
}
