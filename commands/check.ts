/**
 * `bfa check`: the gates, on a version that was built.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { withObservations } from "../lib/engine/observation_store.ts";
import { checkFolder, type GateResult } from "../lib/jobs/check.ts";
import type { CollectReport } from "../lib/jobs/collect.ts";
import { listingsOnAny } from "../lib/jobs/load_listings.ts";
import { failedGates } from "../lib/jobs/daily_report.ts";
import { currentManifest } from "../lib/manifest/store.ts";
import type { Command } from "./command.ts";
import { observationsFile, OUTPUT_OPTIONS, PUBLISHER_OPTIONS } from "./options.ts";
import { counted, print } from "./output.ts";
import type { PublisherSide } from "./tools.ts";

/** Runs the gates. */
export const check: Command = {
  name: "check",
  summary: "Run the gates on a build, against what `latest` names and the last collection",
  about: "Nothing is published. A failed gate ends with exit code 8.",
  args: [{
    name: "dir",
    help: "The folder of a build; that of channel candidate when left out",
    optional: true,
  }],
  options: { ...OUTPUT_OPTIONS, ...PUBLISHER_OPTIONS },
  examples: ["bfa check", "bfa check .bfa/builds/2026-08-08.1 --json"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async (side) => {
      const latest = await currentManifest(side.store, "latest");
      const { version, gates } = await checkFolder(inputs.args[0] ?? await candidateDir(side), {
        previous: latest?.manifest.signed,
        before: await listingsOnAny(side.publisher.mirrors, latest?.manifest.signed),
        collected: await lastCollection(observationsFile(inputs)),
        now: tools.world.now(),
      });
      const failed = gates.filter(({ ok }) => !ok).length;
      await print<GateResult>(
        {
          answer: { version, passed: failed === 0, gates },
          rows: gates,
          columns: [
            { name: "gate", type: "VARCHAR", cell: (row) => row.gate },
            { name: "result", type: "VARCHAR", cell: (row) => row.ok ? "ok" : "failed" },
            { name: "value", type: "VARCHAR", cell: (row) => row.value },
            { name: "bound", type: "VARCHAR", cell: (row) => row.bound },
          ],
          footer: `${counted(gates.length, "gate")}, ${failed} failed · ${version}`,
        },
        inputs,
        tools.world,
      );
      if (failed > 0) throw new BfaError("limit", `${version} failed ${failedGates(gates)}`);
    }),
};

/** Where the daily job built the version that waits in channel candidate. */
async function candidateDir({ store, dataDir }: PublisherSide): Promise<string> {
  const { pointer } = await store.head("candidate");
  if (pointer) return `${dataDir}/builds/${pointer.version}`;
  throw new BfaError("not_found", "no version in channel candidate; name the folder of a build");
}

async function lastCollection(observations: string): Promise<CollectReport | undefined> {
  try {
    await Deno.stat(observations);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return await withObservations(observations, (store) => store.lastReport()) as
    | CollectReport
    | undefined;
}
