import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { hashStream } from "../../lib/files/file_facts.ts";
import type { Publisher } from "../../lib/jobs/publish.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { publisherOn, publishNext } from "../helpers/publish_process.ts";

const KILLS = 44;

/** The most steps a publisher may take before it is killed: a publish takes about a dozen. */
const MOST_STEPS = 60;

const PROGRAM = fromFileUrl(new URL("../helpers/publish_process.ts", import.meta.url));

/** Runs a publisher and kills it after some steps; returns the last sequence that it reported. */
async function runAndKill(args: string[], steps: number, spinMs: number): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", PROGRAM, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.split(".").length <= steps) continue;
    // The pipe only tells where steps begin: a short spin reaches into them.
    for (const end = performance.now() + spinMs; performance.now() < end;);
    child.kill("SIGKILL");
    break;
  }
  assertEquals((await child.status).signal, "SIGKILL");
  return Number(/<(\d+)>[^<>]*$/.exec(said)?.[1] ?? 0);
}

/** Fails unless channel, manifests, versions and log tell one story; returns the last sequence. */
async function assertConsistent({ store, mirrors }: Publisher): Promise<number> {
  const last = await store.lastSequence();
  const { pointer } = await store.head("latest");
  assertEquals(pointer, last ? { sequence: last, version: `2024-03-31.${last}` } : null);
  const log = (await store.log(10_000)).reverse();
  assertEquals(log.map((entry) => entry.sequence), log.map((_, i) => i + 1));
  assertEquals(log.length, last);
  const versions = log.map(({ version, sequence }) => ({ version, sequence }));
  assertEquals(await store.versions(), versions);
  for (const { sequence, version, previous } of log) {
    const stored = await store.bySequence(sequence);
    assertEquals(stored?.manifest.signed.version, version);
    assertEquals(stored?.manifest.signed.previous, previous);
    for (const artifact of stored!.manifest.signed.artifacts) {
      const file = await mirrors[0]!.open(artifactPath(artifact));
      assert(file, `${artifact.name} of ${version} is not on the mirror`);
      const { bytes, sha256 } = await hashStream(file.body);
      assertEquals({ bytes, sha256 }, { bytes: artifact.bytes, sha256: artifact.sha256 });
    }
  }
  return last;
}

/** The sequence of the mirror's newest manifest; 0 when there is none. Fails when it is torn. */
async function sequenceOnMirror(mirrorDir: string): Promise<number> {
  try {
    const text = await Deno.readTextFile(join(mirrorDir, "manifest.json"));
    return parseManifest(text).signed.sequence;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

Deno.test(`kill -9 of a publisher at ${KILLS} random points: nothing torn, nothing lost, and it goes on`, async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const [kvFile, mirrorDir, buildDir] = ["kv.sqlite3", "mirror", "builds"].map((n) => join(dir, n));
  let landed = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const steps = 1 + Math.floor(Math.random() * MOST_STEPS);
    const spinMs = Math.random() * 3;
    const injected = `kill ${kill}, after ${steps} steps and ${spinMs.toFixed(2)} ms`;
    const reported = await runAndKill([kvFile!, mirrorDir!, buildDir!], steps, spinMs);

    const kv = await Deno.openKv(kvFile);
    try {
      const publisher = await publisherOn(kv, mirrorDir!);
      const last = await assertConsistent(publisher);
      assert(last >= Math.max(reported, landed), `${injected}: ${reported} was reported, not kept`);
      assert(await sequenceOnMirror(mirrorDir!) <= last, injected);
      landed = await publishNext(publisher, buildDir!);
      assertEquals(landed, last + 1, injected);
      assertEquals(await sequenceOnMirror(mirrorDir!), landed);
    } finally {
      kv.close();
    }
  }
  await Deno.remove(dir, { recursive: true });
});
