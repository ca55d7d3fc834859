/**
 * Answers questions: finds the version, asks, cuts a page, encodes it, and keeps what is small.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import type { Source } from "../lib/core/answers.ts";
import { isSifting } from "../lib/core/sift.ts";
import { parseDay } from "../lib/core/day.ts";
import { BfaError } from "../lib/core/errors.ts";
import { encodeTable } from "../lib/formats/formats.ts";
import type { RowSource } from "../lib/jobs/row_source.ts";
import { json } from "../lib/formats/json.ts";
import type { AskedVersion, VersionSources } from "../lib/jobs/version_sources.ts";
import { type Entity, entity, respond, tagsOf, weight } from "./entity.ts";
import { preconditionFailed, unmet } from "./conditions.ts";
import { acceptsGzip, answerHeaders, pathAndQuery } from "./headers.ts";
import { gather, largeStream } from "./large.ts";
import {
  acceptedFormat,
  ANSWER_FORMATS,
  type AnswerFormat,
  notAcceptable,
  suffixOf,
} from "./negotiation.ts";
import { type Page, pageOf, readCursor } from "./paging.ts";
import { type Parameters, readParameters } from "./parameters.ts";
import { type Differ, type Question, takenByAll } from "./question.ts";
import type { Client } from "./route.ts";
import { countedStream } from "./sent_bytes.ts";
import { sifted } from "./sifting.ts";
import type { TurnAsked } from "./turns.ts";

/** Memory for encoded answers, bytes. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** What answers are made from. */
export interface AnswerOptions {
  readonly followed: { current(): AskedVersion | undefined };
  readonly versions: VersionSources;
  /** The numbers of a version, for who asks. */
  readonly rowsOf: (asked: AskedVersion, who: TurnAsked) => RowSource;
  readonly diff: Differ;
  /** Answers until a first version is there: the embedded listings. */
  readonly seed: Source;
  readonly channel: string;
  /** Where clients reach the service, without a slash at the end. */
  readonly publicUrl?: string | undefined;
  /** Deno Deploy's own cache is in front. Elsewhere nobody reads what it is told, and each header costs. */
  readonly cdn?: boolean;
}

/** Answers questions. */
export interface Answerer {
  /** What answers come from now. */
  source(): Source;
  /** The answer that is in memory, if it is. */
  kept(request: Request): Response | undefined;
  /** Any answer. `from.version` is the one that the path names, if it names one. */
  answer(
    request: Request,
    question: Question,
    path: Readonly<Record<string, string>>,
    from?: Client & { readonly version?: string | undefined },
  ): Promise<Response>;
}

/** Makes the answerer. */
export function answerer(
  { followed, versions, rowsOf, diff, seed, channel, publicUrl, cdn = false }: AnswerOptions,
): Answerer {
  const entities = new LRUCache<string, Entity>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (entity, key) => weight(entity) + 2 * key.length,
  });
  const declared = new Map<Question, Parameters>();
  let before: Source | undefined;

  /** What is current; answers from before it are forgotten. */
  function source(): Source {
    const current = followed.current()?.source ?? seed;
    // Not by its name: the embedded listings may bear that of a version that was published with others.
    if (current !== before) entities.clear();
    return before = current;
  }

  function parametersOf(question: Question): Parameters {
    let all = declared.get(question);
    if (!all) {
      all = question.inPath.extend(question.inQuery.shape).extend(
        takenByAll(question),
      ) as Parameters;
      declared.set(question, all);
    }
    return all;
  }

  /** The version to answer from; `undefined` for the embedded listings. */
  async function versionFor(
    version: string | undefined,
    asof: string | undefined,
  ): Promise<AskedVersion | undefined> {
    const current = followed.current(); // looked at once: it may switch at any moment
    if (asof !== undefined) return await versions.asOf(parseDay(asof), channel);
    const newest = current?.source ?? seed;
    return version === undefined || version === newest.version
      ? current
      : await versions.at(version);
  }

  return {
    source,

    kept(request) {
      source(); // drops what another version answered
      const hit = entities.get(keyOf(request));
      return hit && respond(request, hit);
    },

    async answer(request, question, path, { version, client } = {}) {
      const url = new URL(request.url);
      const suffix = suffixOf(request);
      const format = suffix ?? acceptedFormat(request.headers.get("accept"));
      if (format === undefined) throw notAcceptable();
      const given = { path, query: url.searchParams };
      const parameters = readParameters(parametersOf(question), given) as
        & Record<string, unknown>
        & { asof?: string; limit?: number; next?: string; where?: string[]; sort?: string[] };
      const { asof, limit, next, ...asked } = parameters;
      const cursor = next === undefined ? undefined : readCursor(next);
      if (asof !== undefined && (version !== undefined || cursor)) {
        throw new BfaError("usage", "Cannot use asof here: the version is given already");
      }
      if (cursor && version !== undefined && cursor.version !== version) {
        throw new BfaError("usage", 'Cannot use this "next" here: it leads on in another version');
      }

      const newest = source();
      const served = await versionFor(cursor?.version ?? version, asof);
      const from = served?.source ?? seed;
      const { signal } = request;
      const rows = served && rowsOf(served, { client, signal });
      const wanted = { offset: cursor?.offset ?? 0, limit, sifted: isSifting(asked) };
      const context = { source: from, served, versions, rows, diff, wanted, signal, client };
      const answer = sifted(await question.answer(context, asked), asked);
      const page = pageOf(answer, { version: from.version, ...wanted });

      const { mediaType, binary } = ANSWER_FORMATS[format];
      const asSeed = served ? [] : ["seed"]; // which may bear the name of a version with other listings
      const canonical = JSON.stringify(
        [question.id, format, asked, cursor?.offset, limit, ...asSeed],
      );
      const published = served?.stored.manifest.signed.publishedAt;
      const validators = {
        tags: tagsOf(from.version, canonical),
        publishedAt: published === undefined ? undefined : Date.parse(published),
      };
      const headers = answerHeaders({
        version: from.version,
        mediaType,
        negotiated: suffix === undefined,
        immutable: served !== undefined && (answer.immutable ?? version !== undefined),
        cdn,
        next: page.next && nextLink(url, page.next, publicUrl),
      });
      const { start, rest } = await gather(await encode(page, format, answer.lists), signal);
      const zips = !binary;
      if (rest) {
        const open = () => largeStream(rest, { start, client, holds: "memory" });
        return stream(request, headers, validators, zips, open);
      }
      const made = entity(start, validators, { headers, zips });
      // The version may have switched meanwhile: what the old one answered must not be kept as new.
      if (asof === undefined && newest === source()) entities.set(keyOf(request), made);
      return respond(request, made);
    },
  };
}

/** What an answer is kept under. A suffix decides the format alone; `Accept` is part of the key else. */
function keyOf(request: Request): string {
  const path = pathAndQuery(request);
  const accept = request.headers.get("accept");
  return accept === null || accept === "*/*" ? path : `${acceptedFormat(accept)} ${path}`;
}

/** From the root of whatever host was asked, unless the service is known to be elsewhere. */
function nextLink(url: URL, next: string, publicUrl = ""): string {
  const query = new URLSearchParams(url.searchParams);
  query.set("next", next);
  query.delete("asof"); // the cursor names the version
  return `<${publicUrl}${url.pathname}?${query}>; rel="next"`;
}

async function encode(
  { body, table }: Page,
  format: AnswerFormat,
  lists: readonly string[] = [],
): Promise<Iterable<Uint8Array<ArrayBuffer>>> {
  if (format === "json") return json(body, lists);
  if (!table) throw notAcceptable("json");
  return await encodeTable(table(), format);
}

/** Answers with what is too large to keep. */
function stream(
  request: Request,
  headers: Headers,
  validators: Pick<Entity, "tags" | "publishedAt">,
  zips: boolean,
  open: () => ReadableStream<Uint8Array<ArrayBuffer>>,
): Response {
  const gzip = zips && acceptsGzip(request);
  headers.set("etag", validators.tags[gzip ? 1 : 0]);
  const condition = unmet(request.headers, validators);
  if (condition === "failed") return preconditionFailed();
  if (condition) return new Response(null, { status: 304, headers });
  if (gzip) headers.set("content-encoding", "gzip");
  if (request.method === "HEAD") return new Response(null, { headers });
  const body = gzip ? open().pipeThrough(new CompressionStream("gzip")) : open();
  return new Response(countedStream(body), { headers });
}
