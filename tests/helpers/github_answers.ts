/** What a GitHub keeps of releases, and how its API words its answers; see `github.ts`. @module */

/** An asset as it is kept. */
export interface Stored {
  id: number;
  name: string;
  state: "uploaded" | "starter";
  bytes: Uint8Array<ArrayBuffer>;
  digest: string;
  type: string;
}

/** A release as it is kept. */
export interface FakeRelease {
  id: number;
  tag: string;
  name: string;
  body: string;
  draft: boolean;
  immutable: boolean;
  createdAt: string;
  assets: Stored[];
}

/** Pages with `Link: <…>; rel="next"` [docs]. */
export function page(url: URL, entries: unknown[], pageSize: number): Response {
  const size = Math.min(Number(url.searchParams.get("per_page") ?? 30), 100, pageSize);
  const number = Number(url.searchParams.get("page") ?? 1);
  const headers = new Headers();
  if (number * size < entries.length) {
    const next = new URL(url);
    next.searchParams.set("page", String(number + 1));
    headers.set("link", `<${next}>; rel="next"`);
  }
  return Response.json(entries.slice((number - 1) * size, number * size), { headers });
}

/** An upload that was cut: the asset is there, empty, in state `starter` [docs]. */
export function leaveStarter(release: FakeRelease, name: string): void {
  const empty = new Uint8Array();
  release.assets.push({
    id: 900_000 + release.id,
    name,
    state: "starter",
    bytes: empty,
    digest: "",
    type: "",
  });
}

/** An error as the API words it. */
export function problem(
  status: number,
  message: string,
  errors: Record<string, string>[] = [],
  headers: Record<string, string> = {},
): Response {
  const body = { message, errors, documentation_url: "https://docs.github.com/rest" };
  return Response.json(body, { status, headers });
}

/** What an upload under a name that is taken answers. */
export function exists(): Response {
  const error = { resource: "ReleaseAsset", code: "already_exists", field: "name" };
  return problem(422, "Validation Failed", [error]);
}

/** What GitHub makes of a name [rename]. */
export function keptName(name: string): string {
  return name.replace(/[^\w.-]+/g, ".").replace(/\.{2,}/g, ".").replace(/^\.|\.$/g, "");
}
