/**
 * Time of `bfa snapshot 2024-01-15` on a warm copy against a `deno run` that prints a constant:
 *
 *     deno run -A tests/bench/cli.ts
 *
 * Checks the answer first, then alternates the two; medians are compared.
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
const constant = ["run", "-A", `${dir}/constant.ts`];
const times: { constant: number[]; snapshot: number[] } = { constant: [], snapshot: [] };
for (let round = 0; round < ROUNDS; round++) {
  times.constant.push(await timed(constant));
  times.snapshot.push(await timed(snapshot));
}
const [a, b] = [median(times.constant), median(times.snapshot)];
console.log(
  `constant ${a.toFixed(1)} ms, snapshot ${b.toFixed(1)} ms, ratio ${(b / a).toFixed(2)}`,
);
await Deno.remove(dir, { recursive: true });

async function timed(args: string[]): Promise<number> {
  const start = performance.now();
  await run(args, client);
  return performance.now() - start;
}

async function run(args: string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
