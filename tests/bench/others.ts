/**
 * The same questions to bfa, ROAPI and Datasette, each on its own form of the same rows: numbers in all days of the embedded
 * listings.
 *
 *     python3 -m venv $BFA_TOOLS/others && $BFA_TOOLS/others/bin/pip install datasette==0.65.5 roapi==0.12.7
 *     BFA_TOOLS=… deno run -A tests/bench/others.ts [SECONDS] [PART_OF_A_TITLE]
 *
 * Answers are compared before anything is timed. wrk asks on 8 connections, for SQL on 2, since bfa lets one address have no
 * more at once. A question is drawn anew for every request, or is always the same. Three rounds in turns; medians.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { parse } from "@std/csv/parse";
import { seedListings } from "../../lib/source/seed.ts";
import { type ServedVersion, toolsDir, withServed } from "../helpers/interop.ts";
import { spawn, spawnDeno, type Spawned, waitForLine } from "../helpers/process.ts";
import { cpuSeconds, median, peakRss } from "./measure.ts";

const SECONDS = Number(Deno.args[0] ?? 4);
const ONLY = Deno.args[1] ?? "";
const ROUNDS = 3;
const COLUMNS = "date,symbol,available,state,file_size_bytes,quote_volume_usdt,trade_count";

type Name = "bfa" | "ROAPI" | "Datasette";

interface Server {
  readonly url: string;
  readonly accept: string;
  readonly pid: number;
  stop(): Promise<unknown>;
}

/** A question: its paths on each server, of which one is drawn for every request. */
interface Question {
  readonly title: string;
  readonly paths: Readonly<Record<Name, readonly string[]>>;
  /** The column whose sum must be the same everywhere. */
  readonly sum: string;
  readonly connections: number;
}

async function serversOf({ scratch }: ServedVersion): Promise<Record<Name, Server>> {
  const env = { BFA_DATA_DIR: join(scratch, "publisher"), HOME: scratch };
  const serving = spawnDeno(["run", "-A", "cli.ts", "serve", "--port", "0"], env);
  const url = (await waitForLine(serving, /bfa serves on (\S+)/))[1]!;
  const cli = async (...args: string[]) => {
    const client = { BFA_ENDPOINT: url, BFA_CACHE_DIR: `${scratch}/copy`, HOME: scratch };
    const { code, err } = await spawnDeno(["run", "-A", "cli.ts", ...args, "-q"], client).finished;
    assertEquals(code, 0, err);
  };
  await cli("export", `${scratch}/all.sqlite`);
  await cli("pull", "--all", "--out", `${scratch}/data`);
  const bin = join(toolsDir(), "others", "bin");
  const [httpPort, pgPort, flightPort] = [0, 1, 2].map(freePort);
  const roapi = spawn(join(bin, "roapi"), [
    `--addr-http=127.0.0.1:${httpPort}`,
    `--addr-postgres=127.0.0.1:${pgPort}`,
    `--addr-flight-sql=127.0.0.1:${flightPort}`,
    `--table=days=${scratch}/data/availability.parquet`,
    `--table=symbols=${scratch}/data/availability-by-symbol.parquet`,
  ]);
  const dsPort = freePort();
  const settings = ["max_returned_rows", "20000", "sql_time_limit_ms", "20000"];
  const datasette = spawn(join(bin, "datasette"), [
    `${scratch}/all.sqlite`,
    "--port",
    String(dsPort),
    "--setting",
    settings[0]!,
    settings[1]!,
    "--setting",
    settings[2]!,
    settings[3]!,
  ]);
  return {
    bfa: await server(serving, url, "text/csv"),
    ROAPI: await server(roapi, `http://127.0.0.1:${httpPort}`, "application/csv"),
    Datasette: await server(datasette, `http://127.0.0.1:${dsPort}`, "text/csv"),
  };
}

async function server(process: Spawned, url: string, accept: string): Promise<Server> {
  let ended = "";
  process.finished.then(({ err }) => ended = `it ended: ${err}`);
  for (;;) {
    if (ended) throw new Error(ended);
    const up = await fetch(url).then(
      (answer) => answer.body?.cancel().then(() => true),
      () => false,
    );
    if (up) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, accept, pid: process.pid, stop: () => process.stop() };
}

function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

function questions(days: readonly string[], symbols: readonly string[]): Question[] {
  const where = (column: string, value: string) =>
    `filter%5B${column}%5D=${encodeURIComponent(`'${value}'`)}`;
  const cut = (of: readonly string[]) => of.slice(of.length >> 1, (of.length >> 1) + 1);
  const day = (of: readonly string[]) => ({
    bfa: of.map((day) => `/v1/rows.csv?day=${day}`),
    ROAPI: of.map((day) => `/api/tables/days?columns=${COLUMNS}&${where("date", day)}`),
    Datasette: of.map((day) =>
      `/all/daily_availability.csv?_size=max&_nofacet=1&_nocount=1&date=${day}`
    ),
  });
  const sql = (from: string, quoted: (text: string) => string = encodeURIComponent) =>
    quoted(
      `SELECT symbol, sum(quote_volume_usdt) AS quote_volume_usdt, count(*) AS days FROM ${from} WHERE date BETWEEN '2024-01-01' AND '2024-03-31' GROUP BY symbol`,
    );
  return [
    {
      title: "a day's rows, the same day",
      paths: day(cut(days)),
      sum: "quote_volume_usdt",
      connections: 8,
    },
    { title: "a day's rows, any day", paths: day(days), sum: "quote_volume_usdt", connections: 8 },
    {
      title: "a symbol's rows, any symbol",
      sum: "quote_volume_usdt",
      connections: 8,
      paths: {
        bfa: symbols.map((symbol) => `/v1/rows.csv?symbol=${encodeURIComponent(symbol)}`),
        ROAPI: symbols.map((symbol) =>
          `/api/tables/symbols?columns=${COLUMNS}&${where("symbol", symbol)}`
        ),
        Datasette: symbols.map((symbol) =>
          `/all/daily_availability.csv?_size=max&_nofacet=1&_nocount=1&symbol=${
            encodeURIComponent(symbol)
          }`
        ),
      },
    },
    {
      title: "a day's 20 largest of those over 100 million, any day",
      sum: "quote_volume_usdt",
      connections: 8,
      paths: {
        bfa: days.map((day) =>
          `/v1/rows.csv?day=${day}&where=quote_volume_usdt>=1e8&sort=-quote_volume_usdt&limit=20`
        ),
        ROAPI: days.map((day) =>
          `/api/tables/days?columns=${COLUMNS}&${
            where("date", day)
          }&filter%5Bquote_volume_usdt%5Dgte=100000000.0&sort=-quote_volume_usdt&limit=20`
        ),
        Datasette: days.map((day) =>
          `/all/daily_availability.csv?_size=20&_nofacet=1&_nocount=1&date=${day}&quote_volume_usdt__gte=100000000&_sort_desc=quote_volume_usdt`
        ),
      },
    },
    {
      title: "SQL: sums of a quarter by symbol",
      connections: 2,
      sum: "quote_volume_usdt",
      paths: {
        bfa: [`/v1/query.csv?sql=${sql("daily_availability")}`],
        ROAPI: [`POST /api/sql ${sql("days", (text) => text)}`],
        Datasette: [`/all.csv?_size=max&sql=${sql("daily_availability")}`],
      },
    },
  ];
}

async function answer({ url, accept }: Server, path: string) {
  const [, posted, body] = /^POST (\S+) (.*)$/.exec(path) ?? [];
  const init = body ? { method: "POST", body } : {};
  const response = await fetch(url + (posted ?? path), { headers: { accept }, ...init });
  const text = await response.text();
  assert(response.ok, `${path}: ${response.status} ${text.slice(0, 300)}`);
  return parse(text, { skipFirstRow: true }) as Record<string, string>[];
}

/** Some of the answers, everywhere: as many rows, and the same sum. */
async function check({ title, paths, sum }: Question, servers: Record<Name, Server>) {
  const at = paths.bfa.length;
  for (const i of new Set([0, at >> 2, at >> 1, at - 1])) {
    const found = await Promise.all((Object.keys(servers) as Name[]).map(async (name) => {
      const rows = await answer(servers[name], paths[name][i]!);
      const total = rows.reduce((total, row) => total + Number(row[sum]), 0);
      return [rows.length, total.toPrecision(10)];
    }));
    assert(
      found.every(([rows, total]) => rows === found[0]![0] && total === found[0]![1]),
      `${title}: ${paths.bfa[i]} ${JSON.stringify(found)}`,
    );
  }
}

/** Asks as fast as it goes; what each request costs the server. */
async function load(
  server: Server,
  paths: readonly string[],
  connections: number,
  scratch: string,
) {
  const script = `${scratch}/ask.lua`;
  const requests = paths.map((path) => {
    const [, posted, body] = /^POST (\S+) (.*)$/.exec(path) ?? [];
    const headers = `{["Accept"]="${server.accept}"}`;
    return posted
      ? `wrk.format("POST", ${JSON.stringify(posted)}, ${headers}, ${JSON.stringify(body)})`
      : `wrk.format("GET", ${JSON.stringify(path)}, ${headers})`;
  });
  await Deno.writeTextFile(
    script,
    `local asked = {}\ninit = function() asked = {${
      requests.join(",\n")
    }}\nmath.randomseed(7) end\nrequest = function() return asked[math.random(#asked)] end\n`,
  );
  const before = treeCpu(server.pid);
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${connections}`, `-d${SECONDS}`, "-s", script, server.url],
  }).output();
  const out = new TextDecoder().decode(stdout);
  assert(!/Non-2xx|Socket errors/.test(out), `${server.url}: ${out}`);
  const count = Number(/(\d+) requests in/.exec(out)![1]);
  return {
    perSecond: Number(/Requests\/sec:\s*([\d.]+)/.exec(out)![1]),
    cpuMs: (treeCpu(server.pid) - before) / count * 1000,
  };
}

/** CPU time of a process and its children, seconds. */
function treeCpu(pid: number): number {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
  return [pid, ...children.split(" ").filter(Boolean).map(Number)]
    .reduce((sum, one) => sum + cpuSeconds(one), 0);
}

await withServed(async (served) => {
  const servers = await serversOf(served);
  try {
    const names = Object.keys(servers) as Name[];
    const { rows } = await served.dataset.summary("2019-12-31", "latest");
    const { symbols } = await served.dataset.symbols();
    console.log(
      "| question | requests a second: bfa, ROAPI, Datasette | CPU a request, ms: bfa, ROAPI, Datasette |",
    );
    console.log("| --- | --- | --- |");
    for (const question of questions(rows.map(({ date }) => date), symbols)) {
      if (!question.title.includes(ONLY)) continue;
      await check(question, servers);
      const found = Object.fromEntries(
        names.map((name) => [name, [] as Awaited<ReturnType<typeof load>>[]]),
      );
      for (let round = 0; round < ROUNDS; round++) {
        for (const name of names) {
          found[name]!.push(
            await load(servers[name], question.paths[name], question.connections, served.scratch),
          );
        }
      }
      const cells = (["perSecond", "cpuMs"] as const).map((fact) =>
        names.map((name) => Number(median(found[name]!.map((one) => one[fact])).toPrecision(3)))
          .join(", ")
      );
      console.log(`| ${question.title} | ${cells.join(" | ")} |`);
    }
    console.log(
      names.map((name) => `${name} ${(peakRss(servers[name].pid) / 1e6).toFixed(0)} MB`).join(", "),
      "at most resident",
    );
  } finally {
    for (const { stop } of Object.values(servers)) await stop();
  }
}, { file: await seedListings(), version: "2026-08-08.1" });
