/** Faults of a GitHub. @module */

import type { GithubFault } from "./github.ts";

/** A fault of the requests that match `METHOD path`, `times` times. */
export function on(
  pattern: RegExp,
  fault: (usual: () => Promise<Response>) => Response | Promise<Response>,
  times = Infinity,
): GithubFault {
  return (seen, usual) => {
    if (!pattern.test(`${seen.host} ${seen.method} ${seen.path}`) || times-- <= 0) return undefined;
    return fault(usual);
  };
}

/** GitHub's page for its own failures. */
export const unicorn = () => new Response("<html>Unicorn!</html>", { status: 502 });
