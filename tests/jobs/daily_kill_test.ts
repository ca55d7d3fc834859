import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { addDays, dayOf, parseDay } from "../../lib/core/day.ts";
import { parseManifest } from "../../lib/core/manifest.ts";
import { hashStream } from "../../lib/files/file_facts.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { serveBucket } from "../helpers/bucket.ts";
import { history } from "../helpers/bucket_history.ts";
import { dailyOn } from "../helpers/collect_process.ts";
import { filesOf, readFiles, smallListings } from "../helpers/collecting.ts";
import { publisherOn } from "../helpers/publish_process.ts";

const DAILY_KILLS = 20;
const COLLECT_KILLS = 15;
const PROGRAM = fromFileUrl(new URL("../helpers/collect_process.ts", import.meta.url));
const THROUGH = parseDay("2026-06-30");
const PAST = history(smallListings(), { through: THROUGH });

/** Starts the program, and kills it some time after it began to work. */
async function runAndKill(args: string[], mark: string, afterMs: number): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", PROGRAM, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (!text.includes(mark)) continue;
    await new Promise((done) => setTimeout(done, afterMs)); // a random point, not a wait
    child.kill("SIGKILL");
    break;
  }
  assertEquals((await child.status).signal, "SIGKILL");
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

Deno.test(`kill -9 of a full collection at ${COLLECT_KILLS} random requests: the last one completes it`, async () => {
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
    new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  for (let kill = 0; kill < COLLECT_KILLS; kill++) {
    const child = start();
    const last = 1 + kill % 13;
    bucket.fault = (_request, count) => {
      if (count === last) child.kill("SIGKILL");
      return undefined;
    };
    await child.stdout.cancel();
    assertEquals((await child.status).signal, "SIGKILL");
  }
  bucket.fault = undefined;
  const { stdout } = await start().output();
  const report = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(report.symbols, 12);
  assertEquals(await readFiles(path), filesOf(PAST, new Date(now)));
  await bucket.close();
  await Deno.remove(dir, { recursive: true });
});
