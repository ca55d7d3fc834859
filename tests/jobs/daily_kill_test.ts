import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { addDays, dayOf, parseDay } from "../../lib/core/day.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { hashStream } from "../../lib/files/file_facts.ts";
import { collect } from "../../lib/jobs/collect.ts";
import { httpClient } from "../../lib/net/client.ts";
import { visionLister } from "../../lib/source/vision.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { serveBucket } from "../helpers/bucket.ts";
import { history } from "../helpers/bucket_history.ts";
import { dailyOn } from "../helpers/collect_process.ts";
import { filesOf, readFiles, smallListings } from "../helpers/collecting.ts";
import { publisherOn } from "../helpers/publish_process.ts";

const DAILY_KILLS = 20;
const REQUEST_KILLS = 8;
const BATCH_KILLS = 20;
const PROGRAM = fromFileUrl(new URL("../helpers/collect_process.ts", import.meta.url));
const THROUGH = parseDay("2026-06-30");
const PAST = history(smallListings(), { through: THROUGH });

/** Starts the program, and kills it some time after it began to work; until then it gets a byte for each letter. */
async function runAndKill(args: string[], mark: string, afterMs: number): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", PROGRAM, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let printed = "";
  const input = child.stdin.getWriter();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    await input.write(new Uint8Array(text.length)).catch(() => {}); // it may have ended
    if (!printed.includes(mark)) continue;
    await new Promise((done) => setTimeout(done, afterMs)); // a random point, not a wait
    try {
      child.kill("SIGKILL");
    } catch {
      // it has just finished by itself
    }
    break;
  }
  await input.close().catch(() => {});
  const { signal, success } = await child.status;
  assert(signal === "SIGKILL" || success, `it ended by ${signal}`);
}

Deno.test(`kill -9 of daily at ${DAILY_KILLS} random points: latest is always whole, and the next run completes`, async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const mirror = directoryMirror(join(dir, "mirror"));
  const bucket = serveBucket(PAST);
  let at = new Date("2026-03-10T12:00:00Z"); // all that has ended counts as ended
  let before = "";
  for (let kill = 1; kill <= DAILY_KILLS; kill++) {
    const afterMs = Math.random() * 700;
    // There are two new days for the process, which publishes one after the other.
    bucket.now = new Date(at.getTime() + 86_400_000);
    await runAndKill(["daily", dir, bucket.listUrl, at.toISOString()], ".", afterMs);
    const injected = `kill ${kill}, after ${afterMs.toFixed(0)} ms`;
    const kv = await Deno.openKv(join(dir, "kv.sqlite3"));
    try {
      const { store } = await publisherOn(kv, join(dir, "mirror"));
      const { pointer } = await store.head("latest");
      if (pointer) {
        assert(pointer.version >= before, `${injected}: went back to ${pointer.version}`);
        const stored = await store.bySequence(pointer.sequence);
        for (const artifact of stored!.manifest.signed.artifacts) {
          const file = await mirror.open(artifactPath(artifact));
          assert(file, `${injected}: ${artifact.name} is not on the mirror`);
          const { bytes, sha256 } = await hashStream(file.body);
          assertEquals([bytes, sha256], [artifact.bytes, artifact.sha256], injected);
        }
        at = new Date(`${addDays(parseDay(pointer.version.slice(0, 10)), 2)}T12:00:00Z`);
      }
      bucket.now = at;
      const { version } = await dailyOn(dir, bucket.listUrl, at, kv);
      assertEquals(version, `${addDays(dayOf(at), -1)}.1`, injected);
      const text = await Deno.readTextFile(join(dir, "mirror", "manifest.json"));
      assertEquals(parseManifest(text).signed.version, version, injected);
      before = version;
      at = new Date(at.getTime() + 86_400_000);
    } finally {
      kv.close();
    }
  }
  await bucket.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test(`kill -9 of a full collection at ${REQUEST_KILLS} random requests: the last one completes it`, async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const path = join(dir, "observations.duckdb");
  const now = "2026-07-01T12:00:00.000Z";
  const bucket = serveBucket(PAST, { now: new Date(now) });
  const args = [
    "run",
    "-A",
    "--no-check",
    "--quiet",
    PROGRAM,
    "collect",
    path,
    bucket.listUrl,
    now,
  ];
  const start = () =>
    new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "inherit" })
      .spawn();
  for (let kill = 0; kill < REQUEST_KILLS; kill++) {
    const child = start();
    // A try learns of less than `last` symbols: all tries together of less than there are.
    const last = 1 + kill % 3;
    bucket.fault = (_request, count) => {
      if (count === last) child.kill("SIGKILL");
      return undefined;
    };
    await child.stdout.cancel();
    assertEquals((await child.status).signal, "SIGKILL");
  }
  bucket.fault = undefined;
  const { stdout } = await start().output();
  const report = JSON.parse(new TextDecoder().decode(stdout).split("\n")[1]!);
  const expected = filesOf(PAST, new Date(now));
  // The report is of all tries.
  assertEquals([report.symbols, report.added], [12, expected.length]);
  assertEquals(await readFiles(path), expected);
  await bucket.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test(`kill -9 in the middle of ${BATCH_KILLS} batches: each symbol is known whole or not at all, and the next run completes`, async () => {
  const now = new Date("2026-07-01T12:00:00.000Z");
  const bucket = serveBucket(PAST, { now });
  const expected = filesOf(PAST, now);
  const lister = () => visionLister(httpClient(), bucket.listUrl);
  const batchesDone = new Set<number>();
  for (let kill = 0; kill < BATCH_KILLS; kill++) {
    const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
    const path = join(dir, "observations.duckdb");
    const afterMs = Math.random() * 12; // a batch takes about 10 ms
    const mark = "b".repeat(1 + kill % 12);
    await runAndKill(["collect", path, bucket.listUrl, now.toISOString()], mark, afterMs);
    const injected = `kill ${kill}, ${afterMs.toFixed(1)} ms into batch ${mark.length}`;
    const left = await readFiles(path);
    const symbols = new Set(left.map((file) => file.symbol));
    batchesDone.add(symbols.size);
    assertEquals(left, expected.filter((file) => symbols.has(file.symbol)), injected);
    await withObservations(path, async (store) => {
      const options = { full: true, now: () => now, concurrency: 4 };
      const report = await collect(store, lister(), options);
      assertEquals([report.resumed, report.added], [symbols.size, expected.length], injected);
      assertEquals(report.newSymbols.length, 12, injected);
    });
    assertEquals(await readFiles(path), expected, injected);
    await Deno.remove(dir, { recursive: true });
  }
  assert(batchesDone.size > 5, [...batchesDone].join());
  await bucket.close();
});
