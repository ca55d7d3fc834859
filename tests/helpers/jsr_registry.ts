/**
 * A JSR registry of our own on 127.0.0.1: what `deno publish` sends is what `deno run jsr:…` gets. It keeps everything in
 * memory, asks for a token, and refuses what jsr.io refuses and a dry run does not see.
 *
 * @module
 */

/** A registry that runs. */
export interface JsrRegistry extends AsyncDisposable {
  /** For `JSR_URL`. */
  readonly url: string;
  /** What publishers must send. */
  readonly token: string;
  /** Paths of files that were asked for, in order. */
  readonly asked: readonly string[];
  /** The files of a published version. */
  files(version: string): string[];
}

interface Version {
  readonly exports: Record<string, string>;
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

const API = "/api/scopes/:scope/packages/:name";
const MAX_BYTES = 20 * 1024 * 1024;

/** Starts an empty registry. */
export function jsrRegistry(): JsrRegistry {
  const token = crypto.randomUUID();
  const packages = new Map<string, Map<string, Version>>();
  const asked: string[] = [];

  async function publish(request: Request, { scope, name, version }: Record<string, string>) {
    if (request.headers.get("authorization") !== `Bearer ${token}`) {
      return refuse(401, "invalidBearerToken", "the token is not right");
    }
    const versions = packages.get(`@${scope}/${name}`) ?? new Map<string, Version>();
    const id = { id: `${scope}.${name}.${version}`, status: "success", error: null };
    if (versions.has(version!)) {
      return Response.json({ code: "duplicateVersionPublish", message: "", task: id }, {
        status: 409,
      });
    }
    const tar = request.body!.pipeThrough(new DecompressionStream("gzip"));
    const files = untar(await new Response(tar).bytes());
    for (const [path, bytes] of files) {
      const code = /\.[mc]?[jt]sx?$/.test(path) ? new TextDecoder().decode(bytes) : "";
      if (/with\s*\{\s*type:\s*"(text|bytes)"/.test(code)) {
        return refuse(400, "invalidImportAttribute", `${path} imports text or bytes`);
      }
      if (bytes.length > MAX_BYTES) return refuse(400, "fileTooLarge", path);
    }
    const config = new URL(request.url).searchParams.get("config") ?? "/deno.json";
    const about = JSON.parse(new TextDecoder().decode(files.get(config)));
    if (about.name !== `@${scope}/${name}` || about.version !== version) {
      return refuse(400, "configFileNameMismatch", about.name);
    }
    const exports = typeof about.exports === "string" ? { ".": about.exports } : about.exports;
    packages.set(`@${scope}/${name}`, versions.set(version!, { exports, files }));
    return Response.json(id);
  }

  async function served(path: string): Promise<Response> {
    const [, scope, name, rest = ""] = /^\/(@[^/]+)\/([^/]+)\/(.*)$/.exec(path) ?? [];
    const versions = packages.get(`${scope}/${name}`);
    if (!versions) return refuse(404, "packageNotFound", path);
    if (rest === "meta.json") {
      // Deno refuses packages that are younger than a day.
      const createdAt = new Date(Date.now() - 7 * 86_400_000).toISOString();
      const all = Object.fromEntries([...versions.keys()].map((key) => [key, { createdAt }]));
      return Response.json({ scope, name, latest: [...versions.keys()].at(-1), versions: all });
    }
    const meta = /^([^/]+)_meta\.json$/.exec(rest);
    const version = versions.get(meta?.[1] ?? rest.split("/", 1)[0]!);
    if (!version) return refuse(404, "packageVersionNotFound", path);
    if (meta) {
      const manifest: Record<string, { size: number; checksum: string }> = {};
      for (const [file, bytes] of version.files) {
        manifest[file] = { size: bytes.length, checksum: `sha256-${await sha256(bytes)}` };
      }
      return Response.json({ manifest, exports: version.exports });
    }
    const file = rest.slice(rest.indexOf("/"));
    const bytes = version.files.get(file);
    if (!bytes) return refuse(404, "fileNotFound", path);
    const type = file.endsWith(".json")
      ? "application/json"
      : file.endsWith(".ts")
      ? "application/typescript"
      : "text/plain";
    return new Response(bytes, { headers: { "content-type": type } });
  }

  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const version = new URLPattern({ pathname: `${API}/versions/:version` }).exec(request.url);
    if (version && request.method === "POST") {
      return await publish(request, version.pathname.groups as Record<string, string>);
    }
    if (version) {
      const { scope, name, version: asked } = version.pathname.groups;
      const there = packages.get(`@${scope}/${name}`)?.has(asked!);
      return there ? Response.json({}) : refuse(404, "packageVersionNotFound", pathname);
    }
    if (pathname.startsWith("/api/publish_status/")) {
      return Response.json({ id: pathname, status: "success", error: null });
    }
    if (new URLPattern({ pathname: API }).test(request.url)) return Response.json({}); // it exists
    asked.push(pathname);
    return await served(decodeURIComponent(pathname));
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    token,
    asked,
    files: (version) =>
      [...packages.values()].flatMap((all) => [...all.get(version)?.files.keys() ?? []]).sort(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The files of a tar archive; `L` records carry long names. */
function untar(tar: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split("\0")[0]!;
  let longName: string | undefined;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const header = tar.subarray(at, at + 512);
    const size = parseInt(text(header.subarray(124, 136)).trim() || "0", 8);
    const body = tar.slice(at + 512, at + 512 + size);
    const kind = String.fromCharCode(header[156]!);
    const name = longName ?? text(header.subarray(0, 100));
    longName = kind === "L" ? text(body) : undefined;
    if (kind === "0" || kind === "\0") files.set(`/${name.replace(/^\.?\//, "")}`, body);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function refuse(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status });
}
