/**
 * Letting others have their turn in the middle of long work.
 *
 * @module
 */

/** Resolves after whatever waits already, such as requests that came meanwhile. */
export function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
