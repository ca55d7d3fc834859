/** Publishing to places that refuse it: one line, an exit code, and nothing is published. @module */

import { assertEquals } from "@std/assert";
import { NEW } from "./fault_world.ts";
import { bfa } from "./cli.ts";
import { buildListings, SMALL_LISTINGS } from "./publisher.ts";

/** A place, and what is said of it. */
export interface Refusal {
  readonly what: string;
  readonly env?: Record<string, string>;
  /** Another place than the usual one. */
  readonly place?: string;
  readonly now?: string;
  readonly exit: number;
  readonly says: string;
}

/** Publishes to each place. `left` tells what is on the server afterwards, which must be nothing. */
export async function assertRefusals(
  t: Deno.TestContext,
  refusals: readonly Refusal[],
  usual: { place: string; env: Record<string, string>; left(): Promise<string[]> },
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-refused-" });
  try {
    const own = { BFA_DATA_DIR: `${dir}/data`, HOME: dir };
    await bfa(["keys", "new"], { env: own });
    const build = await buildListings(`${dir}/build`, NEW, SMALL_LISTINGS);
    await Deno.writeTextFile(`${dir}/build/build.json`, JSON.stringify(build));
    for (const { what, env, place = usual.place, now, exit, says } of refusals) {
      await t.step(what, async () => {
        const called = await bfa(["publish", `${dir}/build`, "--mirror", place], {
          env: { ...own, ...usual.env, ...env },
          now: new Date(now ?? Date.now()),
        });
        assertEquals([called.code, called.out, called.err], [exit, "", `bfa: ${says}\n`]);
        assertEquals(await usual.left(), []);
        assertEquals((await bfa(["log"], { env: own })).out, "");
      });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
