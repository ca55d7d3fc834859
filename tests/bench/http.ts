/**
 * Rate of the service against a bare `Deno.serve` with the same bytes, in one run:
 *
 *     deno run -A tests/bench/http.ts
 *
 * Needs `wrk`. Checks both answers before it times anything. Rounds alternate; medians are compared.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { median, readLine } from "./measure.ts";

const ROUNDS = 5;
const SECONDS = 3;
const PATH = "/v1/snapshot/2024-01-15";

const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
const env = { BFA_DATA_DIR: join(dir, "data"), PORT: "0" };
const service = start(["cli.ts", "serve", "--init"], env);
const serviceUrl = (await readLine(service.stdout, /bfa serves on (\S+)/))[1]!;
const answer = await fetch(serviceUrl + PATH, { headers: { "accept-encoding": "identity" } });
const etag = answer.headers.get("etag")!;
const bytes = new Uint8Array(await answer.arrayBuffer());
await Deno.writeFile(join(dir, "body.json"), bytes);
const bare = start(["tests/bench/serve_bare.ts", join(dir, "body.json"), etag], {});
const bareUrl = (await readLine(bare.stdout, /(http:\S+)/))[1]! + "/";
assertEquals(new Uint8Array(await (await fetch(bareUrl)).arrayBuffer()), bytes);

const cases: Record<string, string[]> = {
  "200": [],
  "304": ["-H", `If-None-Match: ${etag}`],
  "200 gzip": ["-H", "Accept-Encoding: gzip"],
};
console.log(`${PATH}: ${bytes.length} bytes, medians of ${ROUNDS} rounds of ${SECONDS} s`);
for (const [name, headers] of Object.entries(cases)) {
  const rates: { bare: number[]; service: number[] } = { bare: [], service: [] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.bare.push(await rate(bareUrl, headers));
    rates.service.push(await rate(serviceUrl + PATH, headers));
  }
  const [a, b] = [median(rates.bare), median(rates.service)];
  console.log(
    `${name.padEnd(9)} bare ${a.toFixed(0)}/s  service ${b.toFixed(0)}/s  ratio ${
      (b / a).toFixed(2)
    }`,
  );
}

for (const child of [service, bare]) {
  child.kill("SIGINT");
  await child.status;
}
await Deno.remove(dir, { recursive: true });

async function rate(url: string, headers: string[]): Promise<number> {
  const args = ["-t1", "-c32", `-d${SECONDS}s`, ...headers, url];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (/Non-2xx or 3xx/.test(text)) throw new Error(text);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]);
}

function start(args: string[], env: Record<string, string>): Deno.ChildProcess {
  const all = ["run", "-A", "--unstable-kv", ...args];
  return new Deno.Command(Deno.execPath(), { args: all, env, stdout: "piped", stderr: "inherit" })
    .spawn();
}
