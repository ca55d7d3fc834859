/**
 * `bfa doctor`.
 *
 * @module
 */

import { asBfaError, BfaError, type ErrorCode } from "../lib/core/errors.ts";
import type { HttpClient } from "../lib/net/client.ts";
import type { Command, Inputs } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { formatBytes, formatDuration, print } from "./output.ts";
import type { Tools, World } from "./tools.ts";

/** What a check found: good, or what is wrong and what to do about it. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  /** Stable code of what is wrong. */
  readonly code: ErrorCode | null;
}

type Check = (inputs: Inputs, tools: Tools) => Promise<string>;

/** The oldest Deno that the service's own platform runs. */
const OLDEST_DENO = [2, 5] as const;

/** Every artifact of a version, twice. */
const ENOUGH_BYTES = 256 * 1024 * 1024;

/** Freshness is counted in hours: minutes do no harm. */
const MOST_SKEW_MS = 5 * 60_000;

const CHECKS: Readonly<Record<string, Check>> = { deno, cache, disk, endpoint, manifest, duckdb };

/** Looks for what keeps bfa from working. */
export const doctor: Command = {
  name: "doctor",
  summary: "Look for what keeps bfa from working, and say what to do",
  about: "Exits with the code of the worst that was found.",
  args: [],
  options: {
    ...OUTPUT_OPTIONS,
    endpoint: CLIENT_OPTIONS.endpoint!,
    channel: CLIENT_OPTIONS.channel!,
    offline: CLIENT_OPTIONS.offline!,
    "trusted-keys": CLIENT_OPTIONS["trusted-keys"]!,
    "cache-dir": CLIENT_OPTIONS["cache-dir"]!,
  },
  examples: ["bfa doctor", "bfa doctor --json"],
  async run(inputs, tools) {
    const findings: Finding[] = [];
    for (const [check, look] of Object.entries(CHECKS)) {
      try {
        findings.push({ check, ok: true, found: await look(inputs, tools), code: null });
      } catch (error) {
        const { message, code } = asBfaError(error, "unavailable", `check ${check}`);
        findings.push({ check, ok: false, found: message, code });
      }
    }
    await print(
      {
        answer: { ok: findings.every(({ ok }) => ok), checks: findings },
        rows: findings,
        columns: [
          { name: "check", type: "VARCHAR", cell: (row) => row.check },
          { name: "state", type: "VARCHAR", cell: (row) => row.ok ? "ok" : "wrong" },
          { name: "found", type: "VARCHAR", cell: (row) => row.found },
        ],
      },
      inputs,
      tools.world,
    );
    const worst = await worstOf(findings);
    if (worst) throw worst;
  },
};

/** The failure with the highest exit code. */
async function worstOf(findings: readonly Finding[]): Promise<BfaError | undefined> {
  const { EXIT_CODES } = await import("./failure.ts");
  const wrong = findings.flatMap(({ check, code }) => code ? [{ check, code }] : []);
  const worst = wrong.toSorted((a, b) => EXIT_CODES[b.code] - EXIT_CODES[a.code])[0];
  const checks = wrong.map(({ check }) => check).join(", ");
  return worst && new BfaError(worst.code, `not all is well: ${checks}`);
}

function deno(): Promise<string> {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  if (major < OLDEST_DENO[0] || (major === OLDEST_DENO[0] && minor < OLDEST_DENO[1])) {
    const oldest = OLDEST_DENO.join(".");
    throw new BfaError(
      "usage",
      `Deno ${Deno.version.deno} is too old: update it to ${oldest} or later`,
    );
  }
  return Promise.resolve(`Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, ${Deno.build.target}`);
}

async function cache(inputs: Inputs, tools: Tools): Promise<string> {
  const { writeAtomically } = await import("../lib/files/atomic_file.ts");
  const dir = tools.cacheDir(inputs);
  const probe = `${dir}/doctor-${crypto.randomUUID()}`;
  try {
    await writeAtomically(probe, "can this be written?\n");
  } catch (error) {
    const { message } = asBfaError(error, "storage", `write ${dir}`);
    throw new BfaError("storage", `${message}; choose another place with BFA_CACHE_DIR`);
  }
  await Deno.remove(probe);
  return `${dir} can be written`;
}

async function disk(inputs: Inputs, tools: Tools): Promise<string> {
  const { statfs } = await import("node:fs/promises");
  const { folderOf } = await import("../lib/files/atomic_file.ts");
  let place = tools.cacheDir(inputs);
  while (!await Deno.stat(place).then(() => true, () => false) && place !== folderOf(place)) {
    place = folderOf(place);
  }
  const { bavail, bsize } = await statfs(place);
  const free = Number(bavail) * Number(bsize);
  if (free >= ENOUGH_BYTES) return `${formatBytes(free)} free`;
  throw new BfaError(
    "storage",
    `only ${
      formatBytes(free)
    } free: make room (\`bfa cache prune\`), or move it with BFA_CACHE_DIR`,
  );
}

/** Whether anybody answers, and how far apart the clocks are. */
async function endpoint(inputs: Inputs, { world }: Tools): Promise<string> {
  const given = inputs.text("endpoint");
  if (given === undefined) return "none is set: the built-in listings or the last copy answer";
  if (inputs.flag("offline")) return `${given} (offline: not asked)`;
  const { parseEndpoint } = await import("../lib/manifest/endpoint_address.ts");
  const base = await parseEndpoint(given);
  const http = await clientFor(base, world);
  const url = `${base}manifest.json`;
  let response: Response;
  try {
    response = await http.get(url, { tries: 1, accept: [404] });
  } catch (error) {
    const { message } = asBfaError(error, "network", `reach ${base}`);
    throw new BfaError("network", `${message}; look at the address and the network`);
  }
  await response.body?.cancel();
  const theirs = Date.parse(response.headers.get("date") ?? "");
  const skewMs = theirs - world.now().getTime();
  if (Math.abs(skewMs) > MOST_SKEW_MS) {
    throw new BfaError(
      "usage",
      `${base} answers, but this clock is ${formatDuration(skewMs)} ${
        skewMs > 0 ? "behind" : "ahead of"
      } its: set the clock, or freshness is wrong`,
    );
  }
  return `${base} answers${Number.isNaN(skewMs) ? "" : "; the clocks agree"}`;
}

async function clientFor(base: string, world: World): Promise<HttpClient> {
  if (base.startsWith("oci:")) {
    const { openRegistries } = await import("../lib/jobs/open_registry.ts");
    const { registryLogin } = await import("../lib/jobs/registry_login.ts");
    return openRegistries({ registryLogin: (host) => registryLogin(host, world) });
  }
  const { httpClient } = await import("../lib/net/client.ts");
  return httpClient({ firstByteMs: 5_000 });
}

/** Signature, trust and sequence, as a refresh looks at them. */
async function manifest(inputs: Inputs, tools: Tools): Promise<string> {
  const dataset = await openDataset(inputs, tools);
  const known = await dataset.status();
  if (known.endpoint === null) return "none: the built-in listings need no signature";
  if (inputs.flag("offline")) return `${known.version ?? "no copy"} (offline: not asked)`;
  await dataset.refresh();
  const { version, freshness, keys, dataThrough, wholeFilesThrough } = await dataset.status();
  if (freshness === "expired") {
    throw new BfaError("expired", `${version} has expired: the publisher must renew it`);
  }
  const whole = wholeFilesThrough === dataThrough
    ? ""
    : `; files of all days go through ${wholeFilesThrough}, its parts through ${dataThrough}`;
  return `${version} is ${freshness}, signed by ${keys.join(", ")}${whole}`;
}

async function duckdb(): Promise<string> {
  const { withDuckdb } = await import("../lib/engine/duckdb.ts");
  return await withDuckdb({}, async (connection) => {
    const reader = await connection.runAndReadAll("SELECT version()");
    return `DuckDB ${reader.getRows()[0]![0]} loads`;
  });
}
