/**
 * The dataset as schema.org's `Dataset`, for search engines, and as Croissant, which adds what tools for machine
 * learning need to read its files.
 *
 * @module
 */

import { ABOUT } from "../lib/core/about.ts";
import type { Source } from "../lib/core/answers.ts";
import type { Artifact, ManifestBody } from "../lib/core/manifest.ts";
import { type Column, DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../lib/core/schema.ts";
import { filesBase } from "./files.ts";

type Json = Record<string, unknown>;

/** The standard context of Croissant 1.0, letter for letter: readers warn of any other. */
const CONTEXT: Json = {
  "@language": "en",
  "@vocab": "https://schema.org/",
  citeAs: "cr:citeAs",
  column: "cr:column",
  conformsTo: "dct:conformsTo",
  cr: "http://mlcommons.org/croissant/",
  rai: "http://mlcommons.org/croissant/RAI/",
  data: { "@id": "cr:data", "@type": "@json" },
  dataType: { "@id": "cr:dataType", "@type": "@vocab" },
  dct: "http://purl.org/dc/terms/",
  equivalentProperty: "cr:equivalentProperty",
  examples: { "@id": "cr:examples", "@type": "@json" },
  extract: "cr:extract",
  field: "cr:field",
  fileProperty: "cr:fileProperty",
  fileObject: "cr:fileObject",
  fileSet: "cr:fileSet",
  format: "cr:format",
  includes: "cr:includes",
  isLiveDataset: "cr:isLiveDataset",
  jsonPath: "cr:jsonPath",
  key: "cr:key",
  md5: "cr:md5",
  parentField: "cr:parentField",
  path: "cr:path",
  recordSet: "cr:recordSet",
  references: "cr:references",
  regex: "cr:regex",
  repeated: "cr:repeated",
  replace: "cr:replace",
  samplingRate: "cr:samplingRate",
  sc: "https://schema.org/",
  separator: "cr:separator",
  source: "cr:source",
  subField: "cr:subField",
  transform: "cr:transform",
};

/** The tables that have a file of their own. */
const RECORD_SETS: Readonly<Record<string, { name: string; columns: readonly Column[] }>> = {
  "availability.parquet": { name: "daily_availability", columns: DAILY_AVAILABILITY },
  "volume-rankings.parquet": { name: "volume_rankings", columns: VOLUME_RANKINGS },
};

const DATA_TYPES: Readonly<Record<Column["type"], string>> = {
  DATE: "sc:Date",
  VARCHAR: "sc:Text",
  BOOLEAN: "sc:Boolean",
  BIGINT: "cr:Int64",
  DOUBLE: "cr:Float64",
  TIMESTAMP: "sc:DateTime",
};

/** A published version as schema.org's `Dataset`, for a service at an address. */
export function datasetJsonLd(origin: string, source: Source, signed: ManifestBody): Json {
  return { "@context": "https://schema.org/", ...facts(origin, source, signed) };
}

function facts(origin: string, { version, index }: Source, signed: ManifestBody): Json {
  const { title, description, keywords, license, source, maker } = ABOUT;
  return {
    "@type": "Dataset",
    name: title,
    description,
    url: `${origin}/`,
    version,
    keywords,
    license: license.path,
    creator: { "@type": "Organization", name: maker },
    isBasedOn: source.path,
    isAccessibleForFree: true,
    temporalCoverage: `${index.firstDay}/${index.dataThrough}`,
    measurementTechnique:
      "Listing of the daily kline archives of the source, one file per contract and day",
    variableMeasured: DAILY_AVAILABILITY.map(({ name, description }) => ({
      "@type": "PropertyValue",
      name,
      description,
    })),
    datePublished: signed.publishedAt.slice(0, 10),
    distribution: signed.artifacts.map((artifact) => download(origin, version, artifact)),
  };
}

function download(origin: string, version: string, artifact: Artifact): Json {
  return {
    "@type": "DataDownload",
    name: artifact.name,
    contentUrl: filesBase(origin, version) + artifact.name,
    contentSize: `${artifact.bytes} B`,
    encodingFormat: artifact.mediaType,
    sha256: artifact.sha256,
  };
}

/** A published version as Croissant 1.0. */
export function croissant(origin: string, source: Source, signed: ManifestBody): Json {
  const { "@type": _, distribution, ...about } = facts(origin, source, signed);
  return {
    "@context": CONTEXT,
    "@type": "sc:Dataset",
    conformsTo: "http://mlcommons.org/croissant/1.0",
    ...about,
    isLiveDataset: true,
    distribution: (distribution as Json[]).map((file) => ({
      ...file,
      "@type": "cr:FileObject",
      "@id": file["name"],
      encodingFormat: croissantType(file["encodingFormat"] as string),
    })),
    recordSet: signed.artifacts.flatMap(({ name }) => RECORD_SETS[name] ? [recordSet(name)] : []),
  };
}

/** Croissant's readers know Parquet by an older name. */
function croissantType(mediaType: string): string {
  return mediaType === "application/vnd.apache.parquet" ? "application/x-parquet" : mediaType;
}

function recordSet(file: string): Json {
  const { name, columns } = RECORD_SETS[file]!;
  return {
    "@type": "cr:RecordSet",
    "@id": name,
    name,
    key: [{ "@id": `${name}/date` }, { "@id": `${name}/symbol` }],
    field: columns.map((column) => ({
      "@type": "cr:Field",
      "@id": `${name}/${column.name}`,
      name: column.name,
      description: column.description,
      dataType: DATA_TYPES[column.type],
      source: { fileObject: { "@id": file }, extract: { column: column.name } },
    })),
  };
}
