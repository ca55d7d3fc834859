/**
 * Waiting for work, but not for ever.
 *
 * @module
 */

/**
 * What work comes to or, when it takes longer, what `late` returns or throws. The work goes on all the same; what
 * becomes of it then, nobody is told.
 *
 * @param ms How long it may take.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { inTime } from "./in_time.ts";
 * assertEquals(await inTime(Promise.resolve("done"), 1_000, () => "late"), "done");
 * assertEquals(await inTime(new Promise(() => {}), 1, () => "late"), "late");
 * ```
 */
export async function inTime<T, Late>(
  work: Promise<T>,
  ms: number,
  late: () => Late,
): Promise<T | Late> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  try {
    return await Promise.race([work, end.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
