import { assert, assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { problem } from "../helpers/github.ts";
import { on } from "../helpers/github_faults.ts";
import { withGithub } from "../helpers/github_world.ts";
import { SMALL_LISTINGS } from "../helpers/publisher.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-04-01.1";

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

Deno.test("two publishers of one build share a draft, or have two: it comes out whole, and once", async () => {
  for (const shared of [false, true]) {
    await withGithub(async (world) => {
      const both = Promise.withResolvers<void>();
      let waiting = 0;
      // They meet before each makes its draft, or in the upload into one that was left over.
      const meeting = shared ? /^uploads POST .*2024/ : /^api POST/;
      if (shared) {
        world.github.fault = on(/^uploads/, () => problem(400, "cut"));
        await assertRejects(() => world.publish(V1, { "parts/2024.parquet": "x" }), BfaError);
      }
      world.github.fault = (seen, usual) => {
        if (!meeting.test(`${seen.host} ${seen.method} ${seen.path}`) || waiting >= 2) {
          return undefined;
        }
        if (++waiting === 2) both.resolve();
        return both.promise.then(usual);
      };
      const results = await Promise.allSettled(
        [1, 2].map(() => world.publish(V1, { "parts/2024.parquet": "x" })),
      );
      assertEquals(waiting, 2);
      // One has lost; whether the other was done then, or was disturbed, the same command ends it.
      assert(results.some((result) => result.status === "rejected"), String(shared));
      await world.publish(V1, { "parts/2024.parquet": "x" });
      assertEquals(await world.shown(), { sequence: 1, version: V1 });
      const shown = world.github.releases.filter(({ draft }) => !draft);
      assertEquals(shown.map(({ tag, assets }) => [tag, assets.length]).sort(), [
        [V1, 2],
        ["manifest-1", 3],
      ]);
      world.github.now = new Date("2024-04-02T12:00:01Z");
      await world.publish(V2, {}, { listings: SMALL_LISTINGS.slice(1) });
      assertEquals(world.github.releases.filter(({ draft }) => draft), []); // the loser's is gone
    });
  }
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
