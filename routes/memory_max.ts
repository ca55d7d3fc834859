/**
 * How much memory there is.
 *
 * @module
 */

import process from "node:process";

/** Bytes that this process and its children may take: the container's limit where there is one, else the machine's. */
export function memoryMax(): number {
  const { total } = Deno.systemMemoryInfo();
  // Deno 2.5 does not tell the container's; without a container it is beyond what machines have.
  const own = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0;
  return own > 0 && own < total ? own : total;
}
