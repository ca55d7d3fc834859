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
type Golden = readonly [
  path: string,
  command?: string,
  library?: (dataset: Dataset) => Promise<object>,
];

const ALL_STATES = ["traded", "archived", "missing"];

const GOLDEN: readonly Golden[] = [
  ["/v1/snapshot/2024-01-15", "snapshot 2024-01-15", (d) => d.snapshot("2024-01-15")],
  ["/v1/snapshot/latest", "snapshot latest", (d) => d.snapshot("latest")],
  [
    "/v1/snapshot/2024-01-11?state=archived",
    "snapshot 2024-01-11 --state archived",
    (d) => d.snapshot("2024-01-11", { states: ["archived"] }),
  ],
  [
    "/v1/snapshot/2024-01-11?state=archived&state=traded",
    "snapshot 2024-01-11 --state traded --state archived",
    (d) => d.snapshot("2024-01-11", { states: ["archived", "traded"] }),
  ],
  [
    "/v1/snapshot/2024-01-20?state=missing",
    "snapshot 2024-01-20 --state missing",
    (d) => d.snapshot("2024-01-20", { states: ["missing"] }),
  ],
  [
    "/v1/snapshot/2024-01-11?detail=1",
    "snapshot 2024-01-11 --detail",
    (d) => d.snapshot("2024-01-11", { detail: true }),
  ],
  [
    "/v1/snapshot/2024-03-29?detail=1&state=traded&state=archived&state=missing",
    "snapshot 2024-03-29 --detail --state traded --state archived --state missing",
    (d) => d.snapshot("2024-03-29", { detail: true, states: ALL_STATES }),
  ],
  ["/v1/timeline/AAAUSDT", "timeline AAAUSDT", (d) => d.timeline("AAAUSDT")],
  ["/v1/timeline/bbbusdt", "timeline bbbusdt", (d) => d.timeline("bbbusdt")],
  [
    "/v1/timeline/BBBUSDT?detail=1",
    "timeline BBBUSDT --detail",
    (d) => d.timeline("BBBUSDT", { detail: true }),
  ],
  [
    "/v1/timeline/DDDUSDC?detail=1&from=2024-01-15&to=2024-01-31",
    "timeline DDDUSDC --detail --from 2024-01-15 --to 2024-01-31",
    (d) => d.timeline("DDDUSDC", { detail: true, from: "2024-01-15", to: "2024-01-31" }),
  ],
  ["/v1/timeline/币安人生USDT", "timeline 币安人生USDT", (d) => d.timeline("币安人生USDT")],
  ["/v1/timeline/EEEUSDT_240329", "timeline EEEUSDT_240329", (d) => d.timeline("EEEUSDT_240329")],
  [
    "/v1/range?from=2024-01-01&to=2024-01-31",
    "range 2024-01-01 2024-01-31",
    (d) => d.range("2024-01-01", "2024-01-31"),
  ],
  [
    "/v1/range?from=2024-02-10&to=2024-03-01&state=traded&state=archived",
    "range 2024-02-10 2024-03-01 --state traded --state archived",
    (d) => d.range("2024-02-10", "2024-03-01", { states: ["traded", "archived"] }),
  ],
  ["/v1/range?from=latest&to=latest", "range latest latest", (d) => d.range("latest")],
  [
    "/v1/new-listings?from=2024-01-01&to=latest",
    "new-listings 2024-01-01 latest",
    (d) => d.newListings("2024-01-01", "latest"),
  ],
  [
    "/v1/new-listings?from=2024-03-01",
    "new-listings 2024-03-01",
    (d) => d.newListings("2024-03-01"),
  ],
  [
    "/v1/new-listings?from=2024-02-02&to=2024-02-20",
    "new-listings 2024-02-02 2024-02-20",
    (d) => d.newListings("2024-02-02", "2024-02-20"),
  ],
  [
    "/v1/delistings?from=2024-01-01&to=latest",
    "delistings 2024-01-01 latest",
    (d) => d.delistings("2024-01-01", "latest"),
  ],
  ["/v1/delistings?to=2024-03-30", "delistings 2024-03-30", (d) => d.delistings("2024-03-30")],
  [
    "/v1/summary?from=2024-01-01&to=latest",
    "summary 2024-01-01 latest",
    (d) => d.summary("2024-01-01", "latest"),
  ],
  [
    "/v1/summary?from=2024-01-20&to=2024-01-26",
    "summary 2024-01-20 2024-01-26",
    (d) => d.summary("2024-01-20", "2024-01-26"),
  ],
  ["/v1/symbols", "symbols", (d) => d.symbols()],
  ["/v1/symbols?detail=1", "symbols --detail", (d) => d.symbols({ detail: true })],
  ["/v1/symbols?limit=3"],
  [`/v1/diff/${VERSION}..${NEXT}`, `diff ${VERSION} ${NEXT}`, (d) => d.diff(VERSION, NEXT)],
  [`/v1/diff/${NEXT}..${VERSION}`, `diff ${NEXT} ${VERSION}`, (d) => d.diff(NEXT, VERSION)],
  [
    `/v/${VERSION}/symbols`,
    `symbols --at ${VERSION}`,
    async (d) => (await d.at(VERSION)).symbols(),
  ],
  [
    `/v/${VERSION}/summary?from=2024-03-01&to=latest`,
    `summary 2024-03-01 latest --at ${VERSION}`,
    async (d) => (await d.at(VERSION)).summary("2024-03-01", "latest"),
  ],
  [
    "/v1/snapshot/latest?asof=2024-04-01",
    "snapshot latest --as-of 2024-04-01",
    async (d) => (await d.asOf("2024-04-01")).snapshot("latest"),
  ],
  ["/v1/pairlist/latest"],
];

type Bytes = Uint8Array<ArrayBuffer>;

function withSuffix(path: string, format: AnswerFormat): string {
  const [before, query] = path.split("?");
  return `${before}.${format}${query ? `?${query}` : ""}`;
}

Deno.test(`${GOLDEN.length} questions × 6 formats: the service, bfa get, the commands and the library agree`, async () => {
  const asked = new Set(
    GOLDEN.map(([path]) => path.split(/[/?]/).at(path.startsWith("/v1") ? 2 : 3)),
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
    for (const [path, command, library] of GOLDEN) {
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
    // Some of these hold links, which begin with the service's address.
    for (
      const path of [
        "/v1/feeds/listings.atom",
        "/v1/feeds/listings.json",
        "/openapi.json",
        "/reference",
        "/llms.txt",
      ]
    ) {
      const response = await fetch(base + path, { headers: { "accept-encoding": "identity" } });
      assertEquals(await run(["get", path]), await response.bytes(), `bfa get ${path}`);
    }
    for (const path of ["/", "/datapackage.json", "/manifest.json", "/v1/versions", "/readyz"]) {
      const { code, err } = await bfa(["get", path], { env, now });
      const told = `bfa: Cannot get ${path} from a copy: ask the endpoint itself\n`;
      assertEquals([code, err], [2, told]);
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
