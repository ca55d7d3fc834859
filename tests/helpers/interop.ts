/** A version with numbers on a real `bfa serve`, for programs that are not ours; and those programs. @module */

import { join } from "@std/path";
import { DAILY_SCHEDULE } from "../../lib/core/freshness.ts";
import { parseDay } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { publish } from "../../lib/jobs/publish.ts";
import { kvManifestStore, openKv } from "../../lib/manifest/kv.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { countingProxy, type Counts } from "./counting_proxy.ts";
import { listing } from "./listing.ts";
import { builtNumbers } from "./numbers.ts";
import { spawnDeno, waitForLine } from "./process.ts";

const usdt = { contractType: "perpetual", quoteAsset: "USDT" } as const;

/** 60 symbols of 500 days in three years, and one of every odd kind: 31,000 rows, 30 blocks, 5 parts. */
export const READ_LISTINGS: ListingsFile = {
  dataThrough: parseDay("2024-03-31"),
  listings: [
    ...Array.from(
      { length: 58 },
      (_, i): Listing =>
        listing(`S${String(i).padStart(2, "0")}USDT#1`, "2022-11-18", null, null, usdt),
    ),
    listing("1000PEPEUSDT#1", "2023-05-05", null, null, usdt),
    listing("BTCUSDT#1", "2022-11-18", null, null, {
      ...usdt,
      gaps: [[parseDay("2023-06-01"), parseDay("2023-06-03")]],
    }),
    listing("BTCUSDC#1", "2024-01-04", null, null, { ...usdt, quoteAsset: "USDC" }),
    listing("ENDEDUSDT#1", "2023-01-01", "2023-12-01", "2024-02-20", usdt),
    listing("BTCUSDT_240329#1", "2023-12-29", "2024-03-29", "2024-03-29", {
      contractType: "delivery",
      quoteAsset: "USDT",
    }),
    listing("币安人生USDT#1", "2024-01-01", null, null, usdt),
  ].sort((a, b) => a.id < b.id ? -1 : 1),
};

/** The version they are published as. */
export const READ_VERSION = "2024-03-31.1";

/** A published version that is being served. */
export interface ServedVersion {
  /** Base URL, without a slash at its end. Passes what is asked for on to `bfa serve`, and counts it. */
  readonly url: string;
  /** The service itself. */
  readonly service: { readonly url: string; readonly pid: number };
  readonly version: string;
  /** The build's folder: every file under its own name. */
  readonly dir: string;
  /** A scratch folder of the test's own. */
  readonly scratch: string;
  /** bfa's own answers: a client of the same service. */
  readonly dataset: Dataset;
  /** What was asked for since the last call. */
  take(): Counts;
}

/** Runs a test against a version with numbers that `bfa serve` serves. */
export async function withServed(
  test: (served: ServedVersion) => Promise<void>,
  { file = READ_LISTINGS, version = READ_VERSION } = {},
): Promise<void> {
  const { dir, built } = await builtNumbers(version, file);
  const scratch = await Deno.makeTempDir({ prefix: "bfa-interop-" });
  const dataDir = join(scratch, "publisher");
  await Deno.mkdir(dataDir);
  const store = kvManifestStore(await openKv(join(dataDir, "kv.sqlite3")));
  try {
    await publish(
      {
        store,
        mirrors: [directoryMirror(join(dataDir, "mirror"))],
        signers: [await signer(await newSecretKey())],
        schedule: DAILY_SCHEDULE,
        mirrorUrls: [],
        by: "test",
        now: () => new Date(),
      },
      built,
      dir,
    );
  } finally {
    store.close();
  }
  const serving = spawnDeno(["run", "-A", "cli.ts", "serve", "--port", "0"], {
    BFA_DATA_DIR: dataDir,
    HOME: scratch,
  });
  try {
    const address = (await waitForLine(serving, /bfa serves on (\S+)/))[1]!;
    const proxy = countingProxy(address);
    const dataset = await open({ endpoint: proxy.url, cacheDir: join(scratch, "cache") });
    try {
      const service = { url: address, pid: serving.pid };
      await test({ url: proxy.url, service, version, dir, scratch, dataset, take: proxy.take });
    } finally {
      await proxy.close();
    }
  } finally {
    await serving.stop();
    await Deno.remove(scratch, { recursive: true });
  }
}

/** The folder of what `.ci/install` has installed. */
export function toolsDir(): string {
  return Deno.env.get("BFA_TOOLS") ?? `${Deno.env.get("TMPDIR") ?? "/tmp"}/bfa_tools`;
}

/** A program that `.ci/install` brings: of its folder when it begins with `./`, else of the system. */
export async function program(name: string): Promise<string> {
  const paths = name.startsWith("./")
    ? [join(toolsDir(), name)]
    : (Deno.env.get("PATH") ?? "").split(":").map((folder) => join(folder, name));
  for (const path of paths) {
    if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
  }
  throw new Error(`Cannot run this check: ${name} is not installed; run .ci/install`);
}

/** Runs a program to its end and returns what it printed; what fails is an error with all it said. */
export async function run(
  name: string,
  args: readonly string[],
  { env = {}, cwd }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(await program(name), {
    args: [...args],
    env: { BFA_TOOLS: toolsDir(), ...env },
    ...(cwd ? { cwd } : {}),
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${err}${out}`);
  return out!;
}

/**
 * Runs Python and returns what it leaves in the variable `answer`. What JSON does not know (days, tables' own types)
 * comes as text.
 *
 * @param venv Folder of a virtual environment among the tools, or the name of a Python.
 */
export async function python(
  code: string,
  { venv = "readers", env = {} }: { venv?: string; env?: Record<string, string> } = {},
): ReturnType<Response["json"]> {
  const file = await Deno.makeTempFile({ suffix: ".py" });
  const marker = "ANSWER ";
  try {
    await Deno.writeTextFile(
      file,
      `${code}\nimport json as _json\nprint("\\n${marker}" + _json.dumps(answer, default=str))\n`,
    );
    const out = await run(venv.startsWith("python") ? venv : `./${venv}/bin/python`, [file], {
      env,
    });
    return JSON.parse(out.slice(out.lastIndexOf(marker) + marker.length));
  } finally {
    await Deno.remove(file);
  }
}
