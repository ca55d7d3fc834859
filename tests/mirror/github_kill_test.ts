import { assert, assertEquals } from "@std/assert";
import { catchUp } from "../../lib/jobs/catch_up.ts";
import type { Publisher } from "../../lib/jobs/publish.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { artifactUrls } from "../../lib/jobs/artifact_urls.ts";
import type { Fetch } from "../../lib/net/client.ts";
import { leaveStarter } from "../helpers/github.ts";
import { type GithubWorld, withGithub } from "../helpers/github_world.ts";
import { SMALL_LISTINGS } from "../helpers/publisher.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-04-01.1";
const V3 = "2024-04-01.2";
const FILES = { "parts/2023.parquet": "closed", "parts/2024-03.parquet": "march" };

/** How many requests the second version takes. */
const REQUESTS = 19;

/** When a process dies: before a request arrives, in the middle of an upload, or before the answer does. */
type Moment = "before" | "cut" | "after";

/** A `fetch` that ends its process at its k-th request. */
function dyingAt(world: GithubWorld, k: number, moment: Moment): Fetch & { sent: number } {
  const dying: Fetch & { sent: number } = Object.assign(
    async (url: string, init: RequestInit) => {
      if (++dying.sent > k) throw new Error("killed");
      if (dying.sent < k) return await fetch(url, init);
      if (moment === "cut") cutUpload(world, url, init);
      if (moment === "after") await (await fetch(url, init)).body?.cancel();
      throw new Error("killed");
    },
    { sent: 0 },
  );
  return dying;
}

function cutUpload({ github }: GithubWorld, url: string, init: RequestInit): void {
  const { pathname, searchParams } = new URL(url);
  const id = Number(/\/releases\/(\d+)\/assets$/.exec(pathname)?.[1]);
  const release = github.releases.find((release) => release.id === id);
  if (init.method === "POST" && release) leaveStarter(release, searchParams.get("name")!);
}

/** What is published after a kill, by whom. */
const NEXT: [name: string, version: string, run: (world: GithubWorld) => Promise<Publisher>][] = [
  ["the same version", V2, (world) => Promise.resolve(world.publisher())],
  ["another version", V3, (world) => Promise.resolve(world.publisher())],
  ["the same version, from a KV as it was before", V2, restored],
];

/** A publisher whose KV was lost after the first version. */
async function restored(world: GithubWorld): Promise<Publisher> {
  const store = kvManifestStore(await Deno.openKv(":memory:"));
  const first = (await world.side.publisher.store.bySequence(1))!;
  const [log] = (await world.side.publisher.store.log(99)).slice(-1);
  const head = { pointer: null, versionstamp: null };
  assert(await store.commit({ stored: first, head, log: log! }));
  return { ...world.publisher({}, artifactUrls(store)), store };
}

/**
 * Kills a publisher of {@linkcode V2} at its k-th request, looks at what is shown, and lets the next one
 * publish.
 *
 * @returns Whether there was a k-th request.
 */
async function killAt(
  k: number,
  moment: Moment,
  [, version, run]: typeof NEXT[number],
): Promise<boolean> {
  const at = `killed ${moment} request ${k}`;
  let killed = true;
  await withGithub(async (world) => {
    const { github } = world;
    const { store } = world.side.publisher;
    github.immutable = true;
    await world.publish(V1, FILES);
    const fetch = dyingAt(world, k, moment);
    const files = { ...FILES, "parts/2024-03.parquet": "march, complete" };
    const listings = SMALL_LISTINGS.slice(1);
    const dying = world.publisher({ fetch });
    await world.publish(V2, files, { listings, publisher: dying }).catch((error) => {
      assertEquals(error.code, "network", at);
    });
    killed = fetch.sent >= k;
    const seen = await world.shown();
    const committed = await store.lastSequence();
    assert(seen!.sequence <= committed, at);
    assertEquals(seen, { sequence: seen!.sequence, version: [V1, V2][seen!.sequence - 1]! }, at);

    const publisher = await run(world);
    await world.publish(version, files, { listings, publisher });
    const last = await publisher.store.lastSequence();
    assertEquals(await world.shown(), { sequence: last, version }, at);
    assertEquals(last, version === V3 && committed === 2 ? 3 : 2, at);
    // Only a draft of a version that nobody committed is left, for a day.
    const drafts = github.releases.filter(({ draft }) => draft).map(({ tag }) => tag);
    assertEquals(drafts.filter((tag) => tag !== V2 || version === V2), [], at);
    const tags = github.releases.map(({ tag }) => tag);
    assertEquals(new Set(tags).size, tags.length, at);
    assertEquals(await catchUp(publisher), [], at);
    if (publisher.store !== store) publisher.store.close();
  });
  return killed;
}

for (const next of NEXT) {
  for (const moment of ["before", "cut", "after"] as const) {
    Deno.test(`killed ${moment} each request: never a wrong pointer; then ${next[0]} completes`, async () => {
      let k = 1;
      while (await killAt(k, moment, next)) k++;
      assertEquals(k - 1, REQUESTS);
    });
  }
}
