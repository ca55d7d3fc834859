/** What the API and the uploads host of a fake GitHub do with its one repository; see `github.ts`. @module */

import type { FakeGithub } from "./github.ts";
import {
  exists,
  type FakeRelease,
  keptName,
  page,
  problem,
  type Stored,
} from "./github_answers.ts";
import { redirect, REPO_PATH } from "./github_downloads.ts";

/** The date of the commit that tags are put on: `created_at` of every published release [docs]. */
const COMMITTED_AT = "2024-01-01T00:00:00Z";

/** Answers of two hosts. */
interface RepoAnswers {
  answerApi(request: Request, url: URL): Promise<Response>;
  answerUpload(request: Request, url: URL): Promise<Response>;
}

/**
 * Makes the answers.
 *
 * @param uploads The address of the uploads host.
 */
export function githubRepo(github: FakeGithub, uploads: () => string): RepoAnswers {
  const burned = new Set<string>(); // tags of immutable releases that were deleted
  let nextId = 1;

  /** What a request's token may do; `undefined` when it is not accepted. */
  function rightsOf(request: Request): { push: boolean; anonymous?: true } | undefined {
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
    return token === undefined ? { push: false, anonymous: true } : github.tokens.get(token);
  }

  async function answerApi(request: Request, url: URL): Promise<Response> {
    const rights = rightsOf(request);
    if (!request.headers.get("user-agent")) return problem(403, "Request forbidden"); // [docs]
    if (!rights) return problem(401, "Bad credentials");
    if (!url.pathname.startsWith(`/repos${REPO_PATH}`)) return problem(404, "Not Found");
    const path = url.pathname.slice(`/repos${REPO_PATH}`.length);
    const read = request.method === "GET";
    // Without the right to write, a public repository's answer is 403 [docs].
    if (!read && !rights.push) {
      return rights.anonymous
        ? problem(401, "Requires authentication")
        : problem(403, "Resource not accessible by personal access token");
    }
    const visible = github.releases.filter((release) => rights.push || !release.draft);
    const byId = (id: string) => visible.find((release) => release.id === Number(id));
    const json = async () => await request.json().catch(() => ({}));
    let match: RegExpExecArray | null;

    if (path === "" && read) {
      return Response.json({
        full_name: REPO_PATH.slice(1),
        html_url: github.web + REPO_PATH,
        ...(rights.anonymous ? {} : { permissions: { pull: true, push: rights.push } }),
      });
    }
    if (path === "/releases" && read) {
      // Newest `created_at` first: drafts have the date they were made, others that of their commit.
      const sorted = [...visible].sort((a, b) => {
        return a.createdAt === b.createdAt ? b.id - a.id : a.createdAt < b.createdAt ? 1 : -1;
      });
      return page(url, sorted.map(releaseJson), github.pageSize);
    }
    if (path === "/releases" && request.method === "POST") return create(await json());
    if (path === "/releases/latest" && read) {
      const release = github.latest && github.release(github.latest);
      return release ? Response.json(releaseJson(release)) : problem(404, "Not Found");
    }
    if ((match = /^\/releases\/tags\/([^/]+)$/.exec(path)) && read) {
      const release = github.release(match[1]!); // [drafts]
      return release ? Response.json(releaseJson(release)) : problem(404, "Not Found");
    }
    if ((match = /^\/releases\/(\d+)(\/assets)?$/.exec(path))) {
      const release = byId(match[1]!);
      if (!release) return problem(404, "Not Found");
      if (match[2]) {
        return page(
          url,
          release.assets.map((asset) => assetJson(release, asset)),
          github.pageSize,
        );
      }
      if (read) return Response.json(releaseJson(release));
      if (request.method === "PATCH") return update(release, await json());
      if (request.method === "DELETE") return remove(release);
    }
    if ((match = /^\/releases\/assets\/(\d+)$/.exec(path))) {
      const id = Number(match[1]);
      const release = visible.find(({ assets }) => assets.some((asset) => asset.id === id));
      const asset = release?.assets.find((asset) => asset.id === id);
      if (!release || !asset) return problem(404, "Not Found");
      if (read && request.headers.get("accept") === "application/octet-stream") {
        return redirect(github, asset); // [docs] "the API will either redirect … or stream it directly"
      }
      if (read) return Response.json(assetJson(release, asset));
      if (release.immutable) return problem(422, "Cannot delete asset from an immutable release.");
      if (request.method === "DELETE") {
        release.assets.splice(release.assets.indexOf(asset), 1);
        return new Response(null, { status: 204 });
      }
      if (request.method === "PATCH") {
        const { name } = await json();
        if (release.assets.some((other) => other !== asset && other.name === name)) return exists();
        asset.name = keptName(String(name ?? asset.name));
        return Response.json(assetJson(release, asset));
      }
    }
    return problem(404, "Not Found");
  }

  function create(json: Record<string, unknown>): Response {
    const tag = String(json.tag_name ?? "");
    if (!tag) return problem(422, "Validation Failed", [{ code: "missing_field" }]);
    const draft = json.draft === true;
    const refused = draft ? undefined : refuseTag(tag);
    if (refused) return refused;
    const release: FakeRelease = {
      id: nextId++,
      tag,
      name: String(json.name ?? ""),
      body: String(json.body ?? ""),
      draft: true,
      immutable: false,
      createdAt: stamp(),
      assets: [],
    };
    github.releases.push(release);
    if (!draft) publish(release, json.make_latest);
    return Response.json(releaseJson(release), { status: 201 });
  }

  function update(release: FakeRelease, json: Record<string, unknown>): Response {
    if (json.make_latest === "true" && release.draft && json.draft !== false) {
      return problem(422, "Validation Failed", [{
        message: "Latest release cannot be draft or prerelease.",
      }]);
    }
    if (release.draft && json.draft === false) {
      const refused = refuseTag(String(json.tag_name ?? release.tag));
      if (refused) return refused;
    }
    if (release.immutable && json.tag_name !== undefined && json.tag_name !== release.tag) {
      return problem(422, "Validation Failed", [{ code: "custom", field: "tag_name" }]);
    }
    // A draft whose tag is not given again loses it (jdx/communique#241, mongodb-js/mongosh#691).
    if (release.draft) release.tag = String(json.tag_name ?? `untagged-${release.id}`);
    if (typeof json.name === "string") release.name = json.name;
    if (typeof json.body === "string") release.body = json.body;
    if (release.draft && json.draft === false) publish(release, json.make_latest);
    // Also of an immutable release: only its assets and its tag are fixed (github/docs#45718).
    else if (json.make_latest === "true") github.latest = release.tag;
    return Response.json(releaseJson(release));
  }

  /** A published tag is taken; one of an immutable release stays so when that is deleted [immutable]. */
  function refuseTag(tag: string): Response | undefined {
    if (burned.has(tag)) {
      return problem(422, "Validation Failed", [
        { code: "custom", field: "tag_name", message: "tag_name was used by an immutable release" },
      ]);
    }
    if (!github.release(tag)) return undefined;
    return problem(422, "Validation Failed", [{ code: "already_exists", field: "tag_name" }]);
  }

  /** `make_latest`: "Defaults to `true` for newly published releases" [docs]. */
  function publish(release: FakeRelease, makeLatest: unknown): void {
    release.draft = false;
    release.createdAt = COMMITTED_AT;
    release.immutable = github.immutable;
    release.assets = release.assets.filter(({ state }) => state === "uploaded");
    if (makeLatest !== "false") github.latest = release.tag;
  }

  function remove(release: FakeRelease): Response {
    github.releases.splice(github.releases.indexOf(release), 1);
    if (release.immutable) burned.add(release.tag);
    if (github.latest === release.tag) github.latest = undefined;
    return new Response(null, { status: 204 });
  }

  async function answerUpload(request: Request, url: URL): Promise<Response> {
    const rights = rightsOf(request);
    if (!rights?.push) return problem(rights ? 404 : 401, rights ? "Not Found" : "Bad credentials");
    const id = Number(/\/releases\/(\d+)\/assets$/.exec(url.pathname)?.[1]);
    const release = github.releases.find((release) => release.id === id);
    if (!release || request.method !== "POST") return problem(404, "Not Found");
    // "Most libraries will set the required Content-Length header automatically" [docs].
    // An empty file is refused as well (svenstaro/upload-release-action#102).
    if (!Number(request.headers.get("content-length"))) return problem(400, "Bad Content-Length");
    if (!request.headers.get("content-type")) return problem(400, "Bad Content-Type");
    const name = keptName(url.searchParams.get("name") ?? "");
    if (!name) return problem(422, "Validation Failed", [{ code: "missing_field", field: "name" }]);
    if (release.immutable) return problem(422, "Cannot upload assets to an immutable release.");
    if (release.assets.some((asset) => asset.name === name)) return exists();
    if (release.assets.length >= 1000) return problem(422, "Validation Failed");
    // The name is taken from here on, whoever comes meanwhile.
    const type = request.headers.get("content-type")!;
    const bytes = new Uint8Array();
    const asset: Stored = { id: nextId++, name, state: "starter", bytes, digest: "", type };
    release.assets.push(asset);
    asset.bytes = await request.bytes();
    asset.digest = new Uint8Array(await crypto.subtle.digest("SHA-256", asset.bytes)).toHex();
    asset.state = "uploaded";
    return Response.json(assetJson(release, asset), { status: 201 });
  }

  function releaseJson(release: FakeRelease) {
    const { id, tag, name, body, draft, immutable, createdAt } = release;
    return {
      id,
      tag_name: tag,
      target_commitish: "main",
      name,
      body,
      draft,
      prerelease: false,
      immutable,
      created_at: createdAt,
      published_at: draft ? null : stamp(),
      url: `${github.api}/repos${REPO_PATH}/releases/${id}`,
      html_url: `${github.web}${REPO_PATH}/releases/tag/${draft ? `untagged-${id}` : tag}`,
      upload_url: `${uploads()}/repos${REPO_PATH}/releases/${id}/assets{?name,label}`,
      assets: release.assets.filter(({ state }) => state === "uploaded") // [starter]
        .map((asset) => assetJson(release, asset)),
    };
  }

  function assetJson(release: FakeRelease, asset: Stored) {
    const tag = release.draft ? `untagged-${release.id}` : release.tag;
    return {
      id: asset.id,
      name: asset.name,
      label: "",
      state: asset.state,
      content_type: asset.type,
      size: asset.bytes.length,
      ...(github.digests
        ? { digest: asset.state === "uploaded" ? `sha256:${asset.digest}` : null }
        : {}),
      url: `${github.api}/repos${REPO_PATH}/releases/assets/${asset.id}`,
      browser_download_url: `${github.web}${REPO_PATH}/releases/download/${tag}/${asset.name}`,
    };
  }

  const stamp = () => github.now.toISOString().replace(/\.\d+Z$/, "Z");
  return { answerApi, answerUpload };
}
