/**
 * Rate of the service against a bare `Deno.serve` with the same bytes, in one run, for every route
 * that the listings answer:
 *
 *     deno run -A tests/bench/http.ts [--hostile] [--rounds=N]
 *
 * The processor time of a request is compared too: on a machine with other work it swings less. With `--hostile`, a client beside sends bad requests as fast as it can. Needs `wrk`. Checks both
 * answers before it times anything. Rounds alternate; medians are compared.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cpuSeconds, median, readLine } from "./measure.ts";

const ROUNDS = Number(
  Deno.args.find((arg) => arg.startsWith("--rounds="))?.slice("--rounds=".length) ?? 3,
);
const SECONDS = 1;
const FIRST = "/v1/snapshot/2024-01-15";

const PATHS = [
  FIRST,
  "/v1/snapshot/2024-01-15.csv",
  "/v1/timeline/LITUSDT",
  "/v1/range?from=2024-01-01&to=2024-01-31",
  "/v1/new-listings?from=2024-01-01&to=2024-01-31",
  "/v1/delistings?from=2024-01-01&to=latest",
  "/v1/summary?from=2024-01-01&to=2024-01-31",
  "/v1/symbols",
  "/v1/pairlist/latest",
  "/v1/diff/latest..latest",
  "/snapshot/2024-01-15",
];

const HOSTILE = [
  "/v1/snapshot/2024-02-30",
  `/v1/range?${"state=traded&".repeat(100)}from=x`,
  "/v1/timeline/NOSUCHUSDT",
  "/v1/summary?from=2019-12-31&to=latest&limit=1",
  "/%zz",
];

const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
const env = { BFA_DATA_DIR: join(dir, "data"), PORT: "0" };
const service = start(["cli.ts", "serve", "--init"], env);
const serviceUrl = (await readLine(service.stdout, /bfa serves on (\S+)/))[1]!;
const hostile = Deno.args.includes("--hostile");
const over = new AbortController();
const beside = hostile ? sendHostile(over.signal) : undefined;

console.log(`medians of ${ROUNDS} rounds of ${SECONDS} s${hostile ? ", bad requests beside" : ""}`);
for (const path of PATHS) await compare(path, path === FIRST);

over.abort();
await beside;
await stop(service);
await Deno.remove(dir, { recursive: true });

async function compare(path: string, allCases: boolean): Promise<void> {
  const answer = await fetch(serviceUrl + path, { headers: { "accept-encoding": "identity" } });
  assertEquals(answer.status, 200, path);
  const etag = answer.headers.get("etag")!;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  await Deno.writeFile(join(dir, "body"), bytes);
  const bare = start(["tests/bench/serve_bare.ts", join(dir, "body"), etag], {});
  const bareUrl = (await readLine(bare.stdout, /(http:\S+)/))[1]! + "/";
  assertEquals(new Uint8Array(await (await fetch(bareUrl)).arrayBuffer()), bytes);
  const cases: Record<string, string[]> = { "200": [] };
  if (allCases) {
    cases["304"] = ["-H", `If-None-Match: ${etag}`];
    cases["200 gzip"] = ["-H", "Accept-Encoding: gzip"];
  }
  for (const [name, headers] of Object.entries(cases)) {
    const found: { bare: Rate[]; service: Rate[] } = { bare: [], service: [] };
    for (let round = 0; round < ROUNDS; round++) {
      found.bare.push(await rate(bare.pid, bareUrl, headers));
      found.service.push(await rate(service.pid, serviceUrl + path, headers));
    }
    const middle = (rates: Rate[], of: keyof Rate) => median(rates.map((rate) => rate[of]));
    const [a, b] = [middle(found.bare, "perSecond"), middle(found.service, "perSecond")];
    const [x, y] = [middle(found.bare, "cpu"), middle(found.service, "cpu")];
    console.log(
      `${(b / a).toFixed(2)}  ${path} ${name}: ${bytes.length} bytes, bare ${
        a.toFixed(0)
      }/s, service ${b.toFixed(0)}/s; by processor time ${(x / y).toFixed(2)} (${x.toFixed(1)} : ${
        y.toFixed(1)
      } µs a request)`,
    );
  }
  await stop(bare);
}

async function sendHostile(signal: AbortSignal): Promise<void> {
  for (let i = 0; !signal.aborted; i++) {
    const response = await fetch(serviceUrl + HOSTILE[i % HOSTILE.length]);
    await response.body?.cancel();
    if (response.status >= 500) {
      throw new Error(`${HOSTILE[i % HOSTILE.length]}: ${response.status}`);
    }
  }
}

interface Rate {
  readonly perSecond: number;
  /** Processor time of one request, µs. */
  readonly cpu: number;
}

async function rate(pid: number, url: string, headers: string[]): Promise<Rate> {
  const before = cpuSeconds(pid);
  const args = ["-t1", "-c32", `-d${SECONDS}s`, ...headers, url];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (/Non-2xx or 3xx/.test(text)) throw new Error(text);
  const requests = Number(/(\d+) requests in/.exec(text)![1]);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]),
    cpu: (cpuSeconds(pid) - before) / requests * 1e6,
  };
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGINT");
  await child.status;
}

function start(args: string[], env: Record<string, string>): Deno.ChildProcess {
  const all = ["run", "-A", "--unstable-kv", ...args];
  return new Deno.Command(Deno.execPath(), { args: all, env, stdout: "piped", stderr: "inherit" })
    .spawn();
}
