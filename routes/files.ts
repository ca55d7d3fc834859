/**
 * `GET /v/{version}/files/{name}`: the files of a version by their names, for readers that are given an address.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { NotFoundError } from "../lib/core/errors.ts";
import { artifactNamed } from "../lib/core/manifest.ts";
import type { SqlService } from "../lib/jobs/sql_service.ts";
import type { AskedVersion } from "../lib/jobs/version_sources.ts";
import { directoryMirror } from "../lib/mirror/directory.ts";
import type { ByteRange, MirrorReader } from "../lib/mirror/mirror.ts";
import { artifactAnswer, fileAnswer } from "./artifacts.ts";

/** The database as DuckDB opens it. It is no artifact: those hold it compressed. */
const DATABASE = "availability.duckdb";

/** Where files come from. */
export interface FilesOptions {
  readonly mirror: MirrorReader;
  /** Any version. */
  at(version: string): Promise<AskedVersion>;
  /** Has the newest version's database unpacked. */
  readonly sql?: SqlService | undefined;
  /** Tells clients apart, where they are known. */
  readonly client?: string | undefined;
}

/** Where a version's files are on a service. */
export function filesBase(origin: string, version: string): string {
  return `${origin}/v/${version}/files/`;
}

/** Serves one file of a version. */
export async function versionFile(
  request: Request,
  { mirror, at, sql, client }: FilesOptions,
  { version, name }: { readonly version: string; readonly name: string },
): Promise<Response> {
  const { signed } = (await at(version)).stored.manifest;
  const answer = name === DATABASE
    ? await databaseAnswer(request, version, sql, client)
    : await artifactAnswer(request, mirror, artifactNamed(signed, name).sha256, name, client);
  answer.headers.set("x-dataset-version", version);
  return answer;
}

async function databaseAnswer(
  request: Request,
  version: string,
  sql: SqlService | undefined,
  client: string | undefined,
): Promise<Response> {
  await sql?.ready();
  const database = sql?.database();
  if (database?.version !== version) {
    const there = database ? `that of ${database.version}` : "none";
    throw new NotFoundError(
      `no ${DATABASE} of ${version} here: unpacked is ${there}; unpack ${DATABASE}.gz`,
    );
  }
  const [folder, file] = [directoryMirror(dirname(database.path)), basename(database.path)];
  const bytes = await folder.size(file) ?? 0;
  const open = (range?: ByteRange) => folder.open(file, range);
  const digest = `${database.digest}-unpacked`;
  return await fileAnswer(request, { name: DATABASE, bytes, digest, open }, client);
}
