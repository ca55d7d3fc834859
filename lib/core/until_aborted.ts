/**
 * A question that its signal ends at once. What others may be waiting for too, such as a file that a copy is
 * downloading, goes on.
 *
 * Not `abortable()` of @std/async: that needs a newer platform than Node 20, where the library runs too.
 *
 * @module
 */

/** Does work; throws the signal's reason as soon as it aborts. */
export async function untilAborted<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (!signal) return await work();
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => stop = () => reject(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work(), stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
