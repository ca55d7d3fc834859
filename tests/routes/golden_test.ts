import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/csv/parse";
import { tableFromIPC } from "apache-arrow";
import { parquetReadObjects } from "hyparquet";
import { listing } from "../helpers/listing.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { ANSWER_FORMATS, type AnswerFormat } from "../../routes/negotiation.ts";
import { QUESTIONS } from "../../routes/questions.ts";
import { bfa } from "../helpers/cli.ts";
import { LISTINGS, VERSION, withService } from "../helpers/service.ts";

const NEXT = "2024-04-02.1";

/** What the second version says else: a later end, a new listing. */
const MORE = [
  ...LISTINGS.map((one) =>
    one.id === "CCCUSDT#1" ? listing("CCCUSDT#1", "2024-01-05", "2024-02-03", "2024-02-20") : one
  ).slice(0, -1),
  listing("FFFUSDT#1", "2024-04-01"),
  ...LISTINGS.slice(-1),
];

/** A question in the three ways to ask it. Not every path has a twin among the commands. */
interface Golden {
  readonly path: string;
  readonly command?: string;
  readonly library?: (dataset: Dataset) => Promise<object>;
}

const ALL_STATES = ["traded", "archived", "missing"];

const GOLDEN: readonly Golden[] = [
  {
    path: "/v1/snapshot/2024-01-15",
    command: "snapshot 2024-01-15",
    library: (d) => d.snapshot("2024-01-15"),
  },
  { path: "/v1/snapshot/latest", command: "snapshot latest", library: (d) => d.snapshot("latest") },
  {
    path: "/v1/snapshot/2024-01-11?state=archived",
    command: "snapshot 2024-01-11 --state archived",
    library: (d) => d.snapshot("2024-01-11", { states: ["archived"] }),
  },
  {
    path: "/v1/snapshot/2024-01-11?state=archived&state=traded",
    command: "snapshot 2024-01-11 --state traded --state archived",
    library: (d) => d.snapshot("2024-01-11", { states: ["archived", "traded"] }),
  },
  {
    path: "/v1/snapshot/2024-01-20?state=missing",
    command: "snapshot 2024-01-20 --state missing",
    library: (d) => d.snapshot("2024-01-20", { states: ["missing"] }),
  },
  {
    path: "/v1/snapshot/2024-01-11?detail=1",
    command: "snapshot 2024-01-11 --detail",
    library: (d) => d.snapshot("2024-01-11", { detail: true }),
  },
  {
    path: "/v1/snapshot/2024-03-29?detail=1&state=traded&state=archived&state=missing",
    command: "snapshot 2024-03-29 --detail --state traded --state archived --state missing",
    library: (d) => d.snapshot("2024-03-29", { detail: true, states: ALL_STATES }),
  },
  {
    path: "/v1/timeline/AAAUSDT",
    command: "timeline AAAUSDT",
    library: (d) => d.timeline("AAAUSDT"),
  },
  {
    path: "/v1/timeline/bbbusdt",
    command: "timeline bbbusdt",
    library: (d) => d.timeline("bbbusdt"),
  },
  {
    path: "/v1/timeline/BBBUSDT?detail=1",
    command: "timeline BBBUSDT --detail",
    library: (d) => d.timeline("BBBUSDT", { detail: true }),
  },
  {
    path: "/v1/timeline/DDDUSDC?detail=1&from=2024-01-15&to=2024-01-31",
    command: "timeline DDDUSDC --detail --from 2024-01-15 --to 2024-01-31",
    library: (d) => d.timeline("DDDUSDC", { detail: true, from: "2024-01-15", to: "2024-01-31" }),
  },
  {
    path: "/v1/timeline/币安人生USDT",
    command: "timeline 币安人生USDT",
    library: (d) => d.timeline("币安人生USDT"),
  },
  {
    path: "/v1/timeline/EEEUSDT_240329",
    command: "timeline EEEUSDT_240329",
    library: (d) => d.timeline("EEEUSDT_240329"),
  },
  {
    path: "/v1/range?from=2024-01-01&to=2024-01-31",
    command: "range 2024-01-01 2024-01-31",
    library: (d) => d.range("2024-01-01", "2024-01-31"),
  },
  {
    path: "/v1/range?from=2024-02-10&to=2024-03-01&state=traded&state=archived",
    command: "range 2024-02-10 2024-03-01 --state traded --state archived",
    library: (d) => d.range("2024-02-10", "2024-03-01", { states: ["traded", "archived"] }),
  },
  {
    path: "/v1/range?from=latest&to=latest",
    command: "range latest latest",
    library: (d) => d.range("latest"),
  },
  {
    path: "/v1/new-listings?from=2024-01-01&to=latest",
    command: "new-listings 2024-01-01 latest",
    library: (d) => d.newListings("2024-01-01", "latest"),
  },
  {
    path: "/v1/new-listings?from=2024-03-01",
    command: "new-listings 2024-03-01",
    library: (d) => d.newListings("2024-03-01"),
  },
  {
    path: "/v1/new-listings?from=2024-02-02&to=2024-02-20",
    command: "new-listings 2024-02-02 2024-02-20",
    library: (d) => d.newListings("2024-02-02", "2024-02-20"),
  },
  {
    path: "/v1/delistings?from=2024-01-01&to=latest",
    command: "delistings 2024-01-01 latest",
    library: (d) => d.delistings("2024-01-01", "latest"),
  },
  {
    path: "/v1/delistings?to=2024-03-30",
    command: "delistings 2024-03-30",
    library: (d) => d.delistings("2024-03-30"),
  },
  {
    path: "/v1/summary?from=2024-01-01&to=latest",
    command: "summary 2024-01-01 latest",
    library: (d) => d.summary("2024-01-01", "latest"),
  },
  {
    path: "/v1/summary?from=2024-01-20&to=2024-01-26",
    command: "summary 2024-01-20 2024-01-26",
    library: (d) => d.summary("2024-01-20", "2024-01-26"),
  },
  { path: "/v1/symbols", command: "symbols", library: (d) => d.symbols() },
  {
    path: "/v1/symbols?detail=1",
    command: "symbols --detail",
    library: (d) => d.symbols({ detail: true }),
  },
  { path: "/v1/symbols?limit=3" },
  {
    path: `/v1/diff/${VERSION}..${NEXT}`,
    command: `diff ${VERSION} ${NEXT}`,
    library: (d) => d.diff(VERSION, NEXT),
  },
  {
    path: `/v1/diff/${NEXT}..${VERSION}`,
    command: `diff ${NEXT} ${VERSION}`,
    library: (d) => d.diff(NEXT, VERSION),
  },
  {
    path: `/v/${VERSION}/symbols`,
    command: `symbols --at ${VERSION}`,
    library: async (d) => (await d.at(VERSION)).symbols(),
  },
  {
    path: `/v/${VERSION}/summary?from=2024-03-01&to=latest`,
    command: `summary 2024-03-01 latest --at ${VERSION}`,
    library: async (d) => (await d.at(VERSION)).summary("2024-03-01", "latest"),
  },
  {
    path: "/v1/snapshot/latest?asof=2024-04-01",
    command: "snapshot latest --as-of 2024-04-01",
    library: async (d) => (await d.asOf("2024-04-01")).snapshot("latest"),
  },
  { path: "/v1/pairlist/latest" },
];

type Bytes = Uint8Array<ArrayBuffer>;

function withSuffix(path: string, format: AnswerFormat): string {
  const [before, query] = path.split("?");
  return `${before}.${format}${query ? `?${query}` : ""}`;
}

Deno.test(`${GOLDEN.length} questions × 6 formats: the service, bfa get, the commands and the library agree`, async () => {
  const asked = new Set(
    GOLDEN.map(({ path }) => path.split(/[/?]/).at(path.startsWith("/v1") ? 2 : 3)),
  );
  // Numbers have a test of their own: numbers_test.ts.
  const questions = QUESTIONS.map(({ path }) => path.split("/")[1])
    .filter((name) => name !== "top" && name !== "rows");
  assertEquals(asked, new Set(questions));
  await withService(async (service) => {
    const { world } = service;
    world.clock = new Date("2024-04-03T12:00:00Z");
    await service.publish(NEXT, MORE);
    const base = service.listen();
    const now = new Date("2024-04-03T13:00:00Z");
    const env = { BFA_ENDPOINT: base, BFA_CACHE_DIR: `${world.dir}/cache`, HOME: world.dir };
    assertEquals((await bfa(["refresh", "-q"], { env, now })).code, 0);
    const dataset = await open({ endpoint: base, cacheDir: null, now: () => now });

    const run = async (args: string[]): Promise<Bytes> => {
      const { code, out, bytes, err } = await bfa(args, { env, now });
      assertEquals([code, err], [0, ""], args.join(" "));
      return bytes.length ? bytes : new TextEncoder().encode(out);
    };
    for (const { path, command, library } of GOLDEN) {
      const answers = {} as Record<AnswerFormat, Bytes>;
      for (const format of Object.keys(ANSWER_FORMATS) as AnswerFormat[]) {
        const full = withSuffix(path, format);
        const response = await fetch(base + full, { headers: { "accept-encoding": "identity" } });
        const bytes = await response.bytes();
        if (path.includes("/pairlist/") && format !== "json") {
          assertEquals(response.status, 406);
          assertEquals((await bfa(["get", full], { env, now })).code, 2);
          continue;
        }
        assertEquals(response.status, 200, full);
        assertEquals(await run(["get", full]), bytes, `bfa get ${full}`);
        if (command) {
          const args = [...command.split(" "), "--format", format];
          assertEquals(await run(args), bytes, args.join(" "));
        }
        answers[format] = bytes;
      }
      const text = new TextDecoder().decode(answers.json);
      if (library) assertEquals(JSON.stringify(await library(dataset)) + "\n", text, path);
      if (!path.includes("/pairlist/")) await checkRows(answers, path);
    }
    await dataset.settled();
  });
});

/** Independent readers find the same rows in every tabular format. */
async function checkRows(answers: Record<AnswerFormat, Bytes>, path: string): Promise<void> {
  const text = (format: AnswerFormat) => new TextDecoder().decode(answers[format]);
  const objects = text("ndjson").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const rows = objects.map((row) => Object.values(row).map((cell) => String(cell ?? "")));
  const header = text("csv").split("\r\n")[0]!.split(",");
  const csv = parse(text("csv"), { skipFirstRow: true }).map((row) => Object.values(row));
  assertEquals(csv, rows, `${path} csv`);
  for (const row of objects) assertEquals(Object.keys(row), header, path);
  const table = tableFromIPC(answers.arrow);
  assertEquals(table.schema.names, header, path);
  assertEquals(table.toArray().map((row) => asTexts(row.toJSON())), rows, `${path} arrow`);
  const parquet = await parquetReadObjects({ file: answers.parquet.buffer });
  assertEquals(parquet.map(asTexts), rows, `${path} parquet`);
  const lines = text("md").trimEnd().split("\n");
  assertEquals(lines.length, rows.length + 2, `${path} md`);
  assert(lines.every((line) => line.split(/(?<!\\)\|/).length === header.length + 2), path);
}

/** Days are Date in one reader and milliseconds in the other. */
function asTexts(row: Record<string, unknown>): string[] {
  return Object.entries(row).map(([name, cell]) => {
    const isDay = ["date", "first", "last", "last_traded"].includes(name);
    if (isDay && cell !== null) return new Date(cell as number).toISOString().slice(0, 10);
    return String(cell ?? "");
  });
}
