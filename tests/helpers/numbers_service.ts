/** The service over a test publisher that has published numbers. @module */

import { MANY_LISTINGS, publishNumbers } from "./numbers.ts";
import { type TestService, type TestServiceOptions, VERSION, withService } from "./service.ts";

/** Runs a test with a service that answers from numbers of {@linkcode MANY_LISTINGS}. */
export async function withNumbers(
  test: (running: TestService) => Promise<void>,
  { version = VERSION, ...options }: TestServiceOptions & { version?: string } = {},
): Promise<void> {
  await withService(async (running) => {
    const switched = new Promise<void>((resolve) => running.followed.onChange(() => resolve()));
    await publishNumbers(running.world, version, MANY_LISTINGS);
    await switched;
    await test(running);
  }, { listings: [], ...options });
}
