/**
 * To a registry. Blobs go first and tags last: an upload that is cut moves no tag.
 *
 * @module
 */

import { BfaError } from "../../lib/core/errors.ts";
import { ProgramFailed, runProgram } from "../run_program.ts";

/** Refuses what is not `REGISTRY/NAME`, before anything is made. */
export function checkName(name: string): void {
  if (/^[\w.-]+(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+$/.test(name)) return;
  throw new BfaError(
    "usage",
    `Cannot push to ${JSON.stringify(name)}: give REGISTRY/NAME, such as ghcr.io/owner/bfa`,
  );
}

/** Pushes every tag of a layout to `REGISTRY/NAME`. */
export async function push(layout: string, name: string, tags: readonly string[]): Promise<void> {
  const [host = ""] = name.split("/");
  // As Docker does: a registry on this machine needs no TLS.
  const plain = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host);
  for (const tag of tags) {
    try {
      await runProgram("skopeo", [
        "copy",
        "--all",
        "--quiet",
        "--retry-times=2",
        ...(plain ? ["--dest-tls-verify=false"] : []),
        `oci:${layout}:${tag}`,
        `docker://${name}:${tag}`,
      ]);
    } catch (error) {
      throw error instanceof ProgramFailed ? pushError(host, `${name}:${tag}`, error) : error;
    }
  }
}

const CAUSES: readonly [said: RegExp, why: (host: string) => string][] = [
  [
    /unauthorized|denied|authentication required|\b40[13]\b/i,
    (host) => `the registry refuses the credentials; run \`skopeo login ${host}\``,
  ],
  [
    /connection refused|no such host|timeout|timed out|unreachable/i,
    (host) => `${host} does not answer; look at the name and the network`,
  ],
];

function pushError(host: string, to: string, error: ProgramFailed): BfaError {
  const why = CAUSES.find(([said]) => said.test(error.stderr))?.[1](host) ??
    `skopeo says: ${error.said}`;
  return new BfaError("unavailable", `Cannot push ${to}: ${why}`, { cause: error });
}
