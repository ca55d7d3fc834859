/**
 * `bfa get PATH`.
 *
 * @module
 */

import { BfaError, type ErrorCode } from "../lib/core/errors.ts";
import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { CLIENT_OPTIONS } from "./options.ts";

/** What the service would answer. */
export const get: Command = {
  name: "get",
  summary: "What the service would answer to a path, byte for byte, from this machine's copy",
  about:
    "Questions, feeds and descriptions of the API. Manifests and files are the endpoint's own: use `bfa pull`.",
  args: [{
    name: "path",
    help: "For example /v1/snapshot/2024-01-15.csv; docs/http.md lists them",
  }],
  options: {
    accept: { value: "TYPE", help: "Media type to ask for, instead of a suffix" },
    ...CLIENT_OPTIONS,
  },
  examples: [
    "bfa get /v1/snapshot/2024-01-15.csv > day.csv",
    "bfa get '/v1/new-listings?from=2024-01-01&to=2024-01-31'",
  ],
  async run(inputs, tools) {
    const path = inputs.args[0]!;
    if (!path.startsWith("/")) {
      throw new BfaError("usage", `Cannot get ${JSON.stringify(path)}: a path starts with /`);
    }
    if (ENDPOINTS_OWN.test(path)) {
      throw new BfaError("usage", `Cannot get ${path} from a copy: ask the endpoint itself`);
    }
    if (/^(\/v1|\/v\/[^/]+)?\/query\b/.test(path)) {
      throw new BfaError("usage", "Cannot get SQL's answers: use `bfa sql`");
    }
    const { localAnswer } = await import("../routes/local.ts");
    const { seedSource } = await import("../lib/source/seed.ts");
    const accept = inputs.text("accept") ?? "*/*";
    const request = new Request(originOf(inputs.text("endpoint")) + path, { headers: { accept } });
    const dataset = await openDataset(inputs, tools);
    const response = await localAnswer(dataset, await seedSource(), request);
    if (!response.ok) {
      const { code, detail, title } = await response.json();
      throw new BfaError(code as ErrorCode, detail ?? title);
    }
    const type = response.headers.get("content-type") ?? "";
    if (tools.world.outIsTerminal && /arrow|parquet/.test(type)) {
      throw new BfaError("usage", `Cannot print ${type} on a terminal: send it to a file with >`);
    }
    for await (const chunk of response.body!) tools.world.out(chunk);
    await dataset.settled();
  },
};

/** Paths that a copy cannot answer. */
const ENDPOINTS_OWN =
  /^\/(v1\/(manifest|versions|artifacts)|v\/[^/]+\/files\/|(healthz|readyz|metrics|(manifest|datapackage|croissant)\.json)?($|\?)|(web|sql)\/)/;

/** What links of an answer begin with: where it would come from, if a service can be told by its endpoint. */
function originOf(endpoint: string | undefined): string {
  const url = endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url.origin : "http://localhost";
}
