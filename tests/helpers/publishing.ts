/** Publishing with a publisher that misbehaves, or that is one of several. @module */

import type { Listing } from "../../lib/core/listing.ts";
import { type Moved, publish, type Publisher } from "../../lib/jobs/publish.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { buildListings, SMALL_LISTINGS, type TestPublisher } from "./publisher.ts";

/** Publishes listings with another publisher than the world's own. */
export async function publishWith(
  world: TestPublisher,
  publisher: Publisher,
  version: string,
  listings: readonly Listing[] = SMALL_LISTINGS,
): Promise<Moved> {
  const dir = `${world.dir}/builds/${crypto.randomUUID()}`;
  return await publish(publisher, await buildListings(dir, version, listings), dir);
}

/** A mirror that does something before it takes its first file with a name that matches. */
export function beforePut(mirror: Mirror, name: RegExp, work: () => Promise<unknown>): Mirror {
  let done = false;
  return {
    ...mirror,
    async put(path, body) {
      if (!done && name.test(path)) {
        done = true;
        await work();
      }
      await mirror.put(path, body);
    },
  };
}
