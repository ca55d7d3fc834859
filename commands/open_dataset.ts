/**
 * Opening the dataset that the client options describe.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Dataset } from "../lib/jobs/dataset.ts";
import type { Notice } from "../lib/jobs/notice.ts";
import { openUnchecked } from "../lib/jobs/open.ts";
import type { Inputs } from "./command.ts";
import { readDuration } from "./options.ts";
import { counted, formatInstant } from "./output.ts";
import type { Tools, World } from "./tools.ts";

/** Opens the dataset: what the user should know goes to stderr, one line each. */
export async function openDataset(inputs: Inputs, tools: Tools): Promise<Dataset> {
  const { world } = tools;
  const quiet = inputs.flag("quiet");
  const asOf = inputs.text("as-of");
  if (asOf !== undefined && inputs.text("at") !== undefined) {
    throw new BfaError(
      "usage",
      "Cannot use --as-of with --at: each names a version; leave out one",
    );
  }
  const newest = await openUnchecked({
    endpoint: inputs.text("endpoint"),
    channel: inputs.text("channel"),
    version: inputs.text("at"),
    offline: inputs.flag("offline"),
    copy: inputs.flag("no-copy") ? "none" : undefined,
    acceptExpired: inputs.flag("accept-expired"),
    cacheDir: placeOf(inputs, tools),
    maxAge: readDuration(inputs, "max-age"),
    trustedKeys: inputs.texts("trusted-keys"),
    downloadHosts: inputs.texts("download-hosts"),
    registryLogin: async (host) =>
      await (await import("../lib/jobs/registry_login.ts")).registryLogin(host, world),
    now: world.now,
    onNotice: (notice) => {
      if (!quiet) world.err(`${noticeLine(notice)}\n`);
    },
    onProgress: quiet || inputs.flag("no-progress") ? undefined : await progress(world),
  });
  const dataset = asOf === undefined ? newest : await newest.asOf(asOf);
  if (inputs.flag("refresh-cache")) await dataset.refresh();
  return dataset;
}

/** Where the copy is kept; on a machine that tells no place, nowhere, if nothing is to be kept. */
function placeOf(inputs: Inputs, tools: Tools): string | null {
  const keeps = inputs.text("endpoint") !== undefined && !inputs.flag("no-copy");
  try {
    return tools.cacheDir(inputs);
  } catch (error) {
    if (keeps) throw error;
    return null;
  }
}

/** A progress bar; only a terminal gets one. */
async function progress(world: World) {
  if (!world.errIsTerminal) return undefined;
  const { progressBar, wantsProgress } = await import("./progress.ts");
  return wantsProgress(world) ? progressBar(world) : undefined;
}

/** What the user should know although nothing failed, as a line. */
function noticeLine(notice: Notice): string {
  switch (notice.kind) {
    case "seed":
      return `bfa: no endpoint and no copy: answering from the built-in listings, data through ${notice.dataThrough} (${
        notice.ageDays < 0
          ? "this clock says that it is earlier: set the clock"
          : `${counted(notice.ageDays, "day")} old`
      }); set BFA_ENDPOINT for newer data`;
    case "pinned":
      return `bfa: first contact with ${notice.endpoint}: trusting its key ${
        notice.keys.join(", ")
      } from now on`;
    case "behind":
      return `bfa: ${notice.freshness}: ${notice.version} may be behind (next one expected ${
        formatInstant(notice.since)
      }); ${notice.reason}${
        notice.retryAt ? `; asking again after ${formatInstant(notice.retryAt)}` : ""
      }`;
    case "publisher-late":
      return `bfa: stale: ${notice.version} is the newest there is; the publisher is late (a newer one was expected on ${
        formatInstant(notice.since)
      })`;
    case "expired":
      return `bfa: expired: the signature of ${notice.version} has ended (a newer version was expected on ${
        formatInstant(notice.since)
      }); answering all the same, as asked`;
    case "clock":
      return `bfa: this clock says ${
        formatInstant(notice.now)
      }, but ${notice.version} was signed on ${
        formatInstant(notice.publishedAt)
      }: set the clock, or nothing tells when this copy is old`;
    case "waiting":
      return notice.reason === undefined
        ? `bfa: no answer from ${notice.origin} yet; waiting`
        : `bfa: ${notice.reason}; trying again`;
    case "not-kept":
      return `bfa: this copy is not kept: ${notice.reason}`;
  }
}
