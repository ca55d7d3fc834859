/** Where a GitHub's downloads come from: its pages, and the host behind them; see `github.ts`. @module */

import type { FakeGithub } from "./github.ts";
import type { Stored } from "./github_answers.ts";

/** The path of the one repository. */
export const REPO_PATH = "/octo/data";

/** The pages: downloads are redirected, those of the latest release twice. */
export function answerWeb(github: FakeGithub, url: URL): Response {
  const path = url.pathname.slice(REPO_PATH.length);
  const latest = /^\/releases\/latest\/download\/([^/]+)$/.exec(path);
  if (latest) {
    const release = github.latest && github.release(github.latest);
    if (!release) return new Response("Not Found", { status: 404 });
    const location = `${github.web}${REPO_PATH}/releases/download/${release.tag}/${latest[1]}`;
    return new Response(null, {
      status: 302,
      headers: { location, "cache-control": "no-cache" },
    });
  }
  const asset = /^\/releases\/download\/([^/]+)\/([^/]+)$/.exec(path);
  const release = asset && github.release(asset[1]!);
  const found = release?.assets.find(({ name }) => name === asset![2]);
  return found ? redirect(github, found) : new Response("Not Found", { status: 404 });
}

/** A signed address on the other host, good for some minutes. */
export function redirect(github: FakeGithub, asset: Stored): Response {
  const location =
    `http://${github.downloadHost}/github-production-release-asset/${asset.id}?sig=s3cr3t`;
  return new Response(null, { status: 302, headers: { location, "cache-control": "no-cache" } });
}

/** Storage as it is behind that host: ranges, an ETag that is no digest, a token is an error. */
export function answerCdn(github: FakeGithub, request: Request, url: URL): Response {
  if (request.headers.has("authorization")) {
    return new Response("two signatures", { status: 400 });
  }
  const id = Number(url.pathname.split("/").at(-1));
  const asset = github.releases.flatMap(({ assets }) => assets).find((asset) => asset.id === id);
  if (!asset) return new Response("BlobNotFound", { status: 404 });
  const headers: Record<string, string> = {
    etag: `"0x${id.toString(16)}"`,
    "accept-ranges": "bytes",
  };
  if (request.headers.get("if-none-match") === headers.etag) {
    return new Response(null, { status: 304, headers });
  }
  const { length } = asset.bytes;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const condition = request.headers.get("if-range");
  if (!range || (condition !== null && condition !== headers.etag)) {
    return new Response(asset.bytes, { headers });
  }
  const start = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) : length - 1, length - 1);
  if (start >= length) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${length}` } });
  }
  headers["content-range"] = `bytes ${start}-${end}/${length}`;
  return new Response(asset.bytes.slice(start, end + 1), { status: 206, headers });
}
