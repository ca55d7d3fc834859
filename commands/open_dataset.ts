/**
 * Opening the dataset that the client options describe.
 *
 * @module
 */

import type { Dataset } from "../lib/jobs/dataset.ts";
import { open } from "../lib/jobs/open.ts";
import type { Inputs } from "./command.ts";
import { noticeLine } from "./notices.ts";
import { readDuration } from "./options.ts";
import type { Tools, World } from "./tools.ts";

/** Opens the dataset: what the user should know goes to stderr, one line each. */
export async function openDataset(inputs: Inputs, tools: Tools): Promise<Dataset> {
  const { world } = tools;
  const quiet = inputs.flag("quiet");
  const dataset = await open({
    endpoint: inputs.text("endpoint"),
    channel: inputs.text("channel"),
    version: inputs.text("at"),
    offline: inputs.flag("offline"),
    copy: inputs.flag("no-copy") ? "none" : undefined,
    acceptExpired: inputs.flag("accept-expired"),
    cacheDir: tools.cacheDir(inputs),
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
  const asOf = inputs.text("as-of");
  return asOf === undefined ? dataset : await dataset.asOf(asOf);
}

/** A progress bar; only a terminal gets one. */
async function progress(world: World) {
  if (!world.errIsTerminal) return undefined;
  const { progressBar, wantsProgress } = await import("./progress.ts");
  return wantsProgress(world) ? progressBar(world) : undefined;
}
