/**
 * `GET /v1/artifacts/{sha256}/{name}` and `GET /v/{version}/files/{name}`: the files of every version, immutable, with
 * byte ranges.
 *
 * @module
 */

import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { isArtifactName, isSha256 } from "../lib/core/manifest.ts";
import { mediaTypeOf } from "../lib/mirror/file_headers.ts";
import type { ByteRange, MirrorFile, MirrorReader } from "../lib/mirror/mirror.ts";
import { preconditionFailed, unmet } from "./conditions.ts";
import { CORS, IMMUTABLE, SECURITY } from "./headers.ts";
import { LARGE_BYTES, largeStream } from "./large.ts";
import { problem } from "./problem.ts";

/** A file that never changes under its name. */
export interface ServedFile {
  readonly name: string;
  readonly bytes: number;
  /** What its tag is made of: a digest of its bytes, or of what they are made from. */
  readonly digest: string;
  /** Opens it, or a range of it. */
  open(range?: ByteRange): Promise<MirrorFile | undefined>;
}

/** Serves one artifact. `client` tells clients apart, where they are known. */
export async function artifactAnswer(
  request: Request,
  mirror: MirrorReader,
  sha256: string,
  name: string,
  client?: string,
): Promise<Response> {
  const path = `${sha256}/${name}`;
  const known = isSha256(sha256) && isArtifactName(name);
  const size = known ? await mirror.size(path) : undefined;
  if (size === undefined) throw gone();
  const open = (range?: ByteRange) => mirror.open(path, range);
  return await fileAnswer(request, { name, bytes: size, digest: sha256, open }, client);
}

function gone(): NotFoundError {
  return new NotFoundError("no such artifact; `/v1/manifest` lists them");
}

/** Serves one file; `client` as above. */
export async function fileAnswer(
  request: Request,
  served: ServedFile,
  client?: string,
): Promise<Response> {
  const { name, bytes: size, digest } = served;
  const etag = `"${digest}"`;
  const headers = new Headers({
    ...CORS,
    ...SECURITY,
    "accept-ranges": "bytes",
    "cache-control": IMMUTABLE,
    "deno-cdn-cache-control": IMMUTABLE,
    // Bytes named by their digest outlive the program that serves them: kept over deployments.
    "deno-cache-id": `bfa-${digest}`,
    etag,
  });
  const condition = unmet(request.headers, { tags: [etag] });
  if (condition === "failed") return preconditionFailed();
  if (condition) return new Response(null, { status: 304, headers });
  headers.set("content-type", mediaTypeOf(name));
  const range = readRange(request, etag, size);
  if (range === "unsatisfiable") {
    return problem(new NotFoundError(`no such range: the artifact has ${size} bytes`), {
      status: 416,
      headers: { "content-range": `bytes */${size}`, "accept-ranges": "bytes" },
    });
  }
  const length = range ? range.end - range.start + 1 : size;
  headers.set("content-length", String(length));
  if (range) headers.set("content-range", `bytes ${range.start}-${range.end}/${size}`);
  const status = range ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status, headers });

  const file = await served.open(range);
  if (!file) throw gone();
  // A client that reads slowly must not keep a file open for ever, nor thousands of them many.
  const body = length > LARGE_BYTES
    ? largeStream(file.body[Symbol.asyncIterator](), { client, holds: "file" })
    : await whole(file, length);
  return new Response(body, { status, headers });
}

/** A part of a file that is small enough to be held: the file is closed before the client takes anything. */
async function whole({ body }: MirrorFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await new Response(body).bytes();
  if (bytes.length === length) return bytes;
  throw new BfaError("network", `Cannot read a file: ${bytes.length} of ${length} bytes came`);
}

/**
 * The single range a request asks for (RFC 9110 §14). Several ranges, other units and a range whose
 * `If-Range` does not match are answered with the whole file, as the standard allows.
 */
function readRange(
  request: Request,
  etag: string,
  size: number,
): ByteRange | undefined | "unsatisfiable" {
  const header = request.headers.get("range");
  if (header === null || request.method !== "GET") return undefined;
  const condition = request.headers.get("if-range");
  if (condition !== null && condition.trim() !== etag) return undefined;
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header);
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
