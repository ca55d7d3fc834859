import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError, type ErrorCode } from "../../lib/core/errors.ts";
import { renew, rollback } from "../../lib/jobs/publish.ts";
import { type FakeGithub, leaveStarter, problem } from "../helpers/github.ts";
import { on, unicorn } from "../helpers/github_faults.ts";
import { withGithub } from "../helpers/github_world.ts";
import { SMALL_LISTINGS } from "../helpers/publisher.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-04-01.1";

const UPLOAD = /^uploads POST/;
const limited = (status: number, headers: Record<string, string>, message = "") => () =>
  problem(status, message || "API rate limit exceeded for installation.", [], headers);
const reset = (seconds: number) => ({
  "x-ratelimit-remaining": "0",
  "x-ratelimit-reset": String(Date.parse("2024-04-01T12:00:00Z") / 1000 + seconds),
});

interface Row {
  name: string;
  set(github: FakeGithub): void;
  code: ErrorCode;
  says: string;
}

const ROWS: Row[] = [
  {
    name: "a wrong token",
    set: (github) => github.tokens.clear(),
    code: "usage",
    says: "GitHub does not accept the token in GITHUB_TOKEN; make a new one (401: Bad credentials)",
  },
  {
    name: "a token that may only read",
    set: (github) => github.tokens.forEach((rights) => rights.push = false),
    code: "usage",
    says: 'the token lacks the right; it needs "Contents: read and write" (403: Resource not',
  },
  {
    name: "a repository that is not there, or hidden",
    set: (github) => github.fault = on(/^api/, () => problem(404, "Not Found")),
    code: "not_found",
    says: "there is no such thing, or the token may not see it",
  },
  {
    name: "a right that is lacking",
    set: (github) =>
      github.fault = on(/POST/, () => problem(403, "Resource not accessible by integration")),
    code: "usage",
    says: "the token lacks the right",
  },
  {
    name: "a repository that was renamed",
    set: (github) =>
      github.fault = on(
        /^api/,
        () => new Response(null, { status: 301, headers: { location: "http://127.0.0.1:1/x" } }),
      ),
    code: "usage",
    says: "the repository was renamed; use its new name (301)",
  },
  {
    name: "the primary limit, for the rest of the hour",
    set: (github) => github.fault = on(/^api/, limited(403, reset(1800))),
    code: "limit",
    says:
      "GitHub's rate limit is reached until 2024-04-01 12:30 UTC; run the same command again then",
  },
  {
    name: "a secondary limit that does not end",
    set: (github) =>
      github.fault = on(
        UPLOAD,
        limited(403, {}, "You have exceeded a secondary rate limit. Please wait."),
      ),
    code: "limit",
    says: "GitHub's rate limit is reached until 2024-04-01 12:01 UTC",
  },
  {
    name: "a server that fails",
    set: (github) => github.fault = on(/^api/, unicorn),
    code: "network",
    says: "GitHub did not answer as it should; run the same command again (502)",
  },
  {
    name: "uploads that fail",
    set: (github) => github.fault = on(UPLOAD, unicorn),
    code: "network",
    says: "(502)",
  },
  {
    name: "an answer that is no JSON",
    set: (github) => github.fault = on(/GET \/releases\?/, () => new Response("<html>")),
    code: "network",
    says: "its answer was cut",
  },
  {
    name: "another page than the address says",
    set: (github) =>
      github.fault = on(
        /^api GET \/?$/,
        () =>
          Response.json({ html_url: "https://github.com/octo/data", permissions: { push: true } }),
      ),
    code: "usage",
    says: "its page is https://github.com/octo/data, not http://127.0.0.1",
  },
  {
    name: "wrong bytes, every time",
    set: (github) => {
      github.fault = on(UPLOAD, async (usual) => {
        const asset = await (await usual()).json();
        return Response.json({ ...asset, digest: `sha256:${"0".repeat(64)}` }, { status: 201 });
      });
    },
    code: "integrity",
    says: 'Cannot use "github:octo/data/',
  },
  {
    name: "a name that GitHub changes",
    set: (github) => {
      github.fault = on(
        UPLOAD,
        async (usual) =>
          Response.json({ ...await (await usual()).json(), name: "other" }, { status: 201 }),
      );
    },
    code: "integrity",
    says: "its SHA-256 is",
  },
];

for (const { name, set, code, says } of ROWS) {
  Deno.test(`${name}: ${code}, one line, and nothing half-published`, async () => {
    await withGithub(async (world) => {
      await world.publish(V1);
      set(world.github);
      const error = await assertRejects(
        () => world.publish(V2, { "parts/2024.parquet": "x" }),
        BfaError,
      );
      assertEquals(error.code, code, error.message);
      assertStringIncludes(error.message, says);
      assertEquals(error.message.split("\n").length, 1);
      assertEquals(await world.side.publisher.store.lastSequence(), 1);
      assertEquals(await world.shown(), { sequence: 1, version: V1 });

      world.github.fault = undefined;
      world.github.tokens.set("ghp_fake0Token1For2Tests3", { push: true });
      await world.publish(V2, { "parts/2024.parquet": "x" });
      assertEquals(await world.shown(), { sequence: 2, version: V2 });
      assertEquals(world.github.releases.filter(({ draft }) => draft), []);
    });
  });
}

Deno.test("without a token: it says which variable to set", async () => {
  await withGithub(async (world) => {
    const publisher = world.publisher({ token: undefined });
    const error = await assertRejects(() => world.publish(V1, {}, { publisher }), BfaError);
    assertEquals([error.code, error.message], [
      "usage",
      "Cannot use github:octo/data: it needs a token: set GITHUB_TOKEN (401: Requires authentication)",
    ]);
  });
});

Deno.test("a token with a line end is refused without showing it", async () => {
  await withGithub(async (world) => {
    const error = await assertRejects(
      async () => await world.publish(V1, {}, { publisher: world.publisher({ token: "ghp_x\n" }) }),
      BfaError,
    );
    assertEquals(error.code, "usage");
    assert(!error.message.includes("ghp_x"));
  });
});

const WAITS: [name: string, fault: () => Response, waits: number[]][] = [
  ["Retry-After", limited(429, { "retry-after": "30" }), [30_000, 30_000]],
  ["X-RateLimit-Reset", limited(403, reset(90)), [90_000, 90_000]],
  ["nothing, with words", limited(403, {}, "You have exceeded a secondary rate limit."), [
    60_000,
    60_000,
  ]],
  ["nothing, with 429", limited(429, {}), [60_000, 60_000]],
];

for (const [name, fault, waits] of WAITS) {
  Deno.test(`a rate limit with ${name}: it waits as told, says so, and goes on`, async () => {
    await withGithub(async (world) => {
      const said: string[] = [];
      world.github.fault = on(UPLOAD, fault, 2);
      await world.publish(V1, {}, {
        publisher: world.publisher({ onWait: (line) => said.push(line) }),
      });
      assertEquals(world.waits, waits);
      assertEquals(said.length, 2);
      assertEquals(await world.shown(), { sequence: 1, version: V1 });
      assertEquals(world.github.releases.length, 2);
    });
  });
}

Deno.test("uploads: 502 that left a starter, 502 that went well, a cut connection: each lands once", async () => {
  for (const kind of ["starter", "landed", "lost"]) {
    await withGithub(async (world) => {
      const { github } = world;
      let left = 2;
      github.fault = (seen, usual) => {
        if (seen.host !== "uploads" || left-- <= 0) return undefined;
        return (async () => {
          if (kind === "landed") await usual();
          if (kind === "starter") leaveStarter(github.releases[0]!, await realName(usual, github));
          return unicorn();
        })();
      };
      await world.publish(V1, { "parts/2024.parquet": "x" });
      assertEquals(await world.shown(), { sequence: 1, version: V1 }, kind);
      assertEquals(github.release(V1)!.assets.map(({ state }) => state), ["uploaded", "uploaded"]);
    });
  }
});

/** Lets an upload land, takes it away, and says what it was called. */
async function realName(usual: () => Promise<Response>, github: FakeGithub): Promise<string> {
  const { name, id } = await (await usual()).json();
  const release = github.releases.find(({ assets }) => assets.some((asset) => asset.id === id))!;
  release.assets = release.assets.filter((asset) => asset.id !== id);
  return name;
}

Deno.test("a draft whose making was not answered is used, not made twice", async () => {
  await withGithub(async (world) => {
    world.github.fault = on(/^api POST \/releases$/, async (usual) => {
      await usual();
      return unicorn();
    }, 1);
    await world.publish(V1);
    assertEquals(world.github.releases.map(({ tag }) => tag), [V1, "manifest-1"]);
  });
});

Deno.test("two publishers of one version: KV decides, the loser says conflict, both drafts come out right", async () => {
  await withGithub(async (world) => {
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    // They meet when each has its draft and is about to upload.
    world.github.fault = (seen, usual) => {
      if (seen.host !== "uploads" || waiting >= 2) return undefined;
      if (++waiting === 2) both.resolve();
      return both.promise.then(usual);
    };
    const results = await Promise.allSettled([
      world.publish(V1, {}, { listings: SMALL_LISTINGS.slice(0, 1) }),
      world.publish(V2, {}, { listings: SMALL_LISTINGS.slice(0, 2) }),
    ]);
    assertEquals(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const [lost] = results.filter((result) => result.status === "rejected");
    assertEquals((lost!.reason as BfaError).code, "conflict");
    const winner = results[0]!.status === "fulfilled" ? V1 : V2;
    assertEquals(await world.shown(), { sequence: 1, version: winner });
    assertEquals(world.github.release(winner === V1 ? V2 : V1), undefined);
    await world.publish("2024-04-02.1", {}, { listings: SMALL_LISTINGS });
    assertEquals(await world.shown(), { sequence: 2, version: "2024-04-02.1" });
  });
});

Deno.test("a slower publisher never leaves the pointer behind", async () => {
  await withGithub(async (world) => {
    await world.publish(V1);
    let overtaken = false;
    // Between its commit and what it shows, it is overtaken by a whole publish.
    world.github.fault = (seen, usual) => {
      if (overtaken || seen.method !== "PATCH") return undefined;
      overtaken = true;
      return world.publish("2024-04-02.1", {}, { listings: SMALL_LISTINGS.slice(2) }).then(usual);
    };
    await world.publish(V2, {}, { listings: SMALL_LISTINGS.slice(1) });
    assertEquals(overtaken, true);
    assertEquals(await world.shown(), { sequence: 3, version: "2024-04-02.1" });
    assertEquals(world.github.latest, "manifest-3");
  });
});

Deno.test("another release that became the latest: the next run points readers back", async () => {
  await withGithub(async (world) => {
    await world.publish(V1);
    world.github.latest = V1;
    assertEquals(await world.shown(), undefined);
    await world.publish(V1);
    assertEquals(await world.shown(), { sequence: 1, version: V1 });
  });
});

Deno.test("an immutable release that lacks a file, a tag that is used up: one clear line", async () => {
  await withGithub(async (world) => {
    const { github } = world;
    github.immutable = true;
    await world.publish(V1);
    github.release(V1)!.assets.length = 0;
    const lacking = await assertRejects(() => world.publish(V1), BfaError);
    assertEquals(lacking.code, "conflict");
    assertStringIncludes(lacking.message, "Cannot upload assets to an immutable release.");
    const { id } = github.release(V1)!;
    const authorization = "Bearer ghp_fake0Token1For2Tests3";
    await fetch(`${github.api}/repos/octo/data/releases/${id}`, {
      method: "DELETE",
      headers: { authorization },
    });
    const used = await assertRejects(() => world.publish(V1), BfaError);
    assertEquals(used.code, "conflict");
    assertStringIncludes(used.message, "tag_name was used by an immutable release");
    await world.publish(V2);
    assertEquals(await world.shown(), { sequence: 2, version: V2 });
  });
});

Deno.test("a publisher without the build cannot show on GitHub what is not there", async () => {
  await withGithub(async (world) => {
    await world.side.publishListings(V1, SMALL_LISTINGS); // to the folder alone
    const error = await assertRejects(() => renew(world.publisher()), BfaError);
    assertEquals(error.code, "not_found");
    assertStringIncludes(error.message, "publish its build with --mirror github:octo/data first");
    assertEquals(await world.side.publisher.store.lastSequence(), 1);
    const both = {
      ...world.publisher(),
      mirrors: [...world.side.publisher.mirrors, world.mirror()],
    };
    await world.publish(V1, {}, { publisher: both });
    assertEquals(await world.shown(), { sequence: 2, version: V1 });
  });
});

Deno.test("moves by who may not write are refused before anything moves", async () => {
  await withGithub(async (world) => {
    await world.publish(V1);
    world.github.tokens.forEach((rights) => rights.push = false);
    const error = await assertRejects(() => renew(world.publisher()), BfaError);
    assertEquals([error.code, await world.side.publisher.store.lastSequence()], ["usage", 1]);
  });
});

Deno.test("a version that was deleted cannot be promoted, and does not stop the next one", async () => {
  await withGithub(async (world) => {
    const { github } = world;
    const lose = (tag: string) =>
      github.releases.splice(github.releases.findIndex((release) => release.tag === tag), 1);
    await world.publish(V1);
    await world.publish(V2, {}, { listings: SMALL_LISTINGS.slice(1) });
    lose(V1);
    const error = await assertRejects(() => rollback(world.publisher(), undefined), BfaError);
    assertEquals([error.code, await world.side.publisher.store.lastSequence()], ["not_found", 2]);
    assertStringIncludes(error.message, `release ${V1} has lost listings.json; publish the build`);

    // The draft of a committed version is deleted before it was shown.
    github.fault = on(/PATCH/, () => problem(403, "no"));
    const listings = SMALL_LISTINGS.slice(2);
    await assertRejects(() => world.publish("2024-04-02.1", {}, { listings }), BfaError);
    github.fault = undefined;
    assertEquals(await world.side.publisher.store.lastSequence(), 3);
    lose("2024-04-02.1");
    const gone = await assertRejects(() => renew(world.publisher()), BfaError);
    assertEquals(gone.code, "not_found");
    assertEquals(await world.shown(), { sequence: 2, version: V2 });
    await world.publish("2024-04-03.1", {}, { listings: SMALL_LISTINGS.slice(3) });
    assertEquals(await world.shown(), { sequence: 4, version: "2024-04-03.1" });
  });
});
