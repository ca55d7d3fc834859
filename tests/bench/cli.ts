/**
 * Time of a few calls on a warm copy against a `deno run` that prints a constant:
 *
 *     deno run -A tests/bench/cli.ts
 *
 * Checks the answer first, then takes turns; medians are compared.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { median, readLine } from "./measure.ts";

const ROUNDS = 40;

const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
const env = { BFA_DATA_DIR: `${dir}/data`, BFA_CACHE_DIR: `${dir}/cache`, PORT: "0" };
const service = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--unstable-kv", "cli.ts", "serve", "--init"],
  env,
  stdout: "piped",
  stderr: "null",
}).spawn();
const endpoint = (await readLine(service.stdout, /bfa serves on (\S+)/))[1]!;
const client = { ...env, BFA_ENDPOINT: endpoint };
const snapshot = ["run", "-A", "cli.ts", "snapshot", "2024-01-15"];
await run(snapshot, client);
service.kill("SIGINT");
await service.status;

assertEquals((await run(snapshot, client)).trim().split("\n").length, 251);
await Deno.writeTextFile(`${dir}/constant.ts`, 'console.log("constant");\n');
const CALLS: Readonly<Record<string, readonly string[]>> = {
  "constant": ["run", "-A", "tests/bench/constant.ts"],
  "constant, where no deno.json is": ["run", "-A", `${dir}/constant.ts`],
  "bfa snapshot 2024-01-15": snapshot,
  "bfa timeline BTCUSDT": ["run", "-A", "cli.ts", "timeline", "BTCUSDT"],
  "bfa --version": ["run", "-A", "cli.ts", "--version"],
  "constant, no code cache": ["run", "-A", "--no-code-cache", "tests/bench/constant.ts"],
  "bfa snapshot 2024-01-15, no code cache": ["run", "--no-code-cache", ...snapshot.slice(1)],
};
const times = new Map(Object.keys(CALLS).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, args] of Object.entries(CALLS)) times.get(name)!.push(await timed(args));
}
const constant = median(times.get("constant")!);
for (const [name, took] of times) {
  console.log(
    `${name}: ${median(took).toFixed(1)} ms, ratio ${(median(took) / constant).toFixed(2)}`,
  );
}
await Deno.remove(dir, { recursive: true });

async function timed(args: readonly string[]): Promise<number> {
  const start = performance.now();
  await run(args, client);
  return performance.now() - start;
}

async function run(args: readonly string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args], env })
    .output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
