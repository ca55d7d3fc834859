/**
 * The container image: made, pushed to a registry, pulled, unpacked and run in namespaces. Needs root, and what
 * `.ci/install` installs.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { build } from "../../lib/jobs/build.ts";
import { publish } from "../../lib/jobs/publish.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { addData } from "../../scripts/image/data.ts";
import { addLayer, blobPath } from "../../scripts/image/layout.ts";
import { checkArch, unpackPackage } from "../../scripts/image/npm_package.ts";
import { push } from "../../scripts/image/push.ts";
import {
  call,
  type ContainerOptions,
  pull,
  type Runnable,
  withContainer,
  withRegistry,
} from "../helpers/container.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { type Finished, spawnDeno, waitForLine } from "../helpers/process.ts";
import { SMALL_LISTINGS, type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { untilServed } from "../helpers/until_served.ts";

const FIRST = "2024-03-31.1";
const SECOND = "2024-04-01.1";
const MAX_BYTES = 250e6;
const HERE = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
const EMULATOR = "/usr/bin/qemu-aarch64-static";

/** How long an emulated SQL child may take to start, on a machine that does other things too. */
const EMULATED_MS = 900_000;

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly {
    readonly digest: string;
    readonly size: number;
    readonly annotations: Record<string, string>;
  }[];
}

interface World {
  readonly publisher: TestPublisher;
  readonly deno: string;
  /** A layout with images of the first version for both processors. */
  readonly layout: string;
  /** `HOST/bfa`, where they were pushed to. */
  readonly name: string;
}

/** Makes an image; returns exit code and output. */
async function image(args: string[], env: Record<string, string> = {}) {
  return await spawnDeno(["run", "-A", "--no-check", "scripts/image.ts", ...args], env).finished;
}

async function publishVersion(world: TestPublisher, version: string): Promise<void> {
  const dir = `${world.dir}/builds/${version}`;
  const dataThrough = parseDay(version.slice(0, 10));
  const built = await build({ dataThrough, listings: SMALL_LISTINGS }, { version, outDir: dir });
  await publish(world.publisher, built, dir);
}

/** The newest Deno up to this one that npm has for both processors. */
async function denoForBoth(): Promise<string> {
  const listed = await call("npm", ["view", "--json", "@deno/linux-arm64-glibc", "versions"]);
  return (JSON.parse(listed) as string[])
    .filter((version) => !version.includes("-") && compare(version, Deno.version.deno) <= 0)
    .sort(compare).at(-1)!;
}

function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number));
  return x!.map((part, i) => part - y![i]!).find((difference) => difference !== 0) ?? 0;
}

async function readLayout(layout: string): Promise<Record<string, Manifest>> {
  const read = async (digest: string) =>
    JSON.parse(await Deno.readTextFile(blobPath(layout, digest)));
  const { manifests: [top] } = JSON.parse(await Deno.readTextFile(`${layout}/index.json`));
  const images: Record<string, Manifest> = {};
  for (const { digest, platform } of (await read(top.digest)).manifests) {
    images[platform.architecture] = await read(digest);
  }
  return images;
}

function layersOf({ layers }: Manifest): Record<string, string> {
  const name = "org.opencontainers.image.title";
  return Object.fromEntries(layers.map((layer) => [layer.annotations[name], layer.digest]));
}

Deno.test("deno task image", async (t) => {
  assertEquals(Deno.uid(), 0, "namespaces need root: run this with sudo");
  await withPublisher(async (publisher) => {
    await withRegistry(async ({ host }) => {
      await publishVersion(publisher, FIRST);
      const deno = await denoForBoth();
      if (deno !== Deno.version.deno) console.log(`npm has Deno ${deno} for both processors`);
      const layout = `${publisher.dir}/image`;
      const name = `${host}/bfa`;
      const world: World = { publisher, deno, layout, name };
      const args = ["--arch", "amd64", "--arch", "arm64", "--deno", deno, "--out", layout];
      const made = await image([...args, "--mirror", publisher.mirrorDir, "--push", name]);
      assertEquals(made.code, 0, made.err);
      const tags = [`0.1.0-${FIRST}`, FIRST, "latest"].map((tag) => `${name}:${tag}`);
      assertStringIncludes(made.out, `pushed ${tags.join(", ")}`);

      await t.step("it says what it is, for both processors, and is small", () => describes(world));
      await t.step(
        "the same input gives the same digests; the next version shares all but its data",
        () => reproduces(world),
      );
      const dir = `${publisher.dir}/amd64`;
      await Deno.mkdir(dir);
      const amd64 = await pull(`${name}:latest`, "amd64", dir);
      await t.step(
        "it runs alone, read-only and without rights, and ends on SIGTERM",
        () => runs(amd64),
      );
      await t.step("without a /tmp, everything but SQL", () => runsWithoutTmp(amd64));
      await t.step(
        "it follows a mirror, and serves its own version while that is down",
        () => follows(world, amd64),
      );
      await t.step("the command line is in it", () => hasCommands(amd64));
      await t.step("a registry that refuses, and one that is not there", () => refused(world));
      await t.step(
        "a push that breaks off shows nothing, and the next one completes it",
        () => breaksOff(world),
      );
      await t.step("for arm64, the same answers under an emulator", () => runsEmulated(world));
    });
  });
});

async function describes({ layout, name }: World): Promise<void> {
  const images = await readLayout(layout);
  assertEquals(Object.keys(images), ["amd64", "arm64"]);
  for (const [arch, { layers }] of Object.entries(images)) {
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    console.log(`linux/${arch}: ${(bytes / 1e6).toFixed(1)} MB compressed, with hardly any data`);
    assert(bytes < MAX_BYTES);
  }
  const [amd64, arm64] = [layersOf(images.amd64!), layersOf(images.arm64!)];
  for (const title of ["bfa and its packages", "data: closed years", `data: ${FIRST}`]) {
    assertEquals([title, arm64[title]], [title, amd64[title]], "the same for both");
  }
  const inspect = ["inspect", "--tls-verify=false", "--config", `docker://${name}:${FIRST}`];
  const { config, os } = JSON.parse(await call("skopeo", inspect));
  assertEquals([os, config.User], ["linux", "65532:65532"]);
  assertEquals(config.ExposedPorts, { "8000/tcp": {} });
  assertEquals(config.Labels["bfa.version"], FIRST);
  assertEquals(config.Labels["org.opencontainers.image.licenses"], "MIT");

  // Docker reads it from an OCI image too; Podman does when the image is of Docker's own format, which keeps it.
  const docker = `${layout}-docker`;
  const copy = ["copy", "--quiet", "--format=v2s2", "--src-tls-verify=false"];
  await call("skopeo", [...copy, `docker://${name}:latest`, `dir:${docker}`]);
  const manifest: Manifest = JSON.parse(await Deno.readTextFile(`${docker}/manifest.json`));
  const path = `${docker}/${manifest.config.digest.replace("sha256:", "")}`;
  const kept = JSON.parse(await Deno.readTextFile(path));
  assertEquals(kept.config.Healthcheck.Test, ["CMD", "bfa", "health"]);
}

async function reproduces({ layout, publisher, deno }: World): Promise<void> {
  const first = layersOf((await readLayout(layout)).amd64!);
  const roots = { years: `${publisher.dir}/years`, rest: `${publisher.dir}/rest` };
  await addData(publisher.mirrorDir, FIRST, roots);
  const { descriptor } = await addLayer(layout, roots.rest, "again");
  assertEquals(descriptor.digest, first[`data: ${FIRST}`]);

  await publishVersion(publisher, SECOND);
  const args = ["--arch", "amd64", "--deno", deno, "--mirror", publisher.mirrorDir];
  assertEquals((await image([...args, "--out", `${layout}-next`])).code, 0);
  const next = layersOf((await readLayout(`${layout}-next`)).amd64!);
  const { [`data: ${FIRST}`]: before, ...others } = first;
  const { [`data: ${SECOND}`]: after, ...same } = next;
  assertEquals(same, others);
  assert(before && after && before !== after);
}

const DAY = "/v1/snapshot/2024-01-11";
const ANSWER = {
  version: FIRST,
  date: "2024-01-11",
  states: ["traded"],
  count: 2,
  symbols: ["AAAUSDT", "CCCUSDT"],
};
const SQL = "/v1/query?sql=SELECT+count(*)+AS+n+FROM+listings";

async function runs(amd64: Runnable): Promise<void> {
  const began = performance.now();
  await withContainer(amd64, {}, async (container) => {
    await waitForLine(container.process, /bfa serves on http:\/\/0\.0\.0\.0:8000/);
    console.log(`listens ${Math.round(performance.now() - began)} ms after the container's start`);
    const ready = `{"status":"ready","version":"${FIRST}"}\n`;
    assertEquals(await container.get("/readyz"), [200, ready]);
    const [status, body] = await container.get(DAY);
    assertEquals([status, JSON.parse(body)], [200, ANSWER]);
    assertEquals(JSON.parse((await container.get(SQL))[1]).rows, [[4]]);
    const health = await container.exec(["/usr/local/bin/bfa", "health"]);
    assertEquals(health, [0, `ready: version ${FIRST}\n`]);

    const facts = await Deno.readTextFile(`/proc/${await container.pid()}/status`);
    const fact = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(facts)![1]!;
    assertEquals(fact("NSpid").split(/\s+/).at(-1), "1", "signals reach it directly");
    assertEquals(fact("Uid"), Array(4).fill("65532").join("\t"));
    assertEquals(fact("CapEff"), "0".repeat(16));
    console.log(`resident: ${fact("VmRSS")}`);
    const [code, said] = await container.exec(["/usr/bin/busybox", "touch", "/app/x"]);
    assertEquals([code, said.includes("Read-only file system")], [1, true]);
    const stopping = performance.now();
    assertEquals(await container.stop(), 0);
    console.log(`ended ${Math.round(performance.now() - stopping)} ms after SIGTERM`);
  });
}

async function runsWithoutTmp(amd64: Runnable): Promise<void> {
  await withContainer(amd64, { tmp: false }, async (container) => {
    await waitForLine(container.process, /bfa serves on/);
    assertEquals((await container.get("/readyz"))[0], 200);
    assertEquals(JSON.parse((await container.get(DAY))[1]), ANSWER);
    const [status, problem] = await container.get(SQL);
    assertEquals([status, JSON.parse(problem).code], [503, "unavailable"]);
    assertEquals(await container.stop(), 0);
  });
}

async function follows({ publisher }: World, amd64: Runnable): Promise<void> {
  const mirror = serveMirror(publisher.mirrorDir);
  const env = { BFA_MIRROR: mirror.url, PORT: "0", BFA_HOST: "127.0.0.1" };
  const serves = (version: string) =>
    withContainer(amd64, { alone: false, env }, async (container) => {
      const [, url] = await waitForLine(container.process, /bfa serves on (\S+)\n/);
      await untilServed(version, url!);
      assertEquals(await container.stop(), 0);
    });
  try {
    await serves(SECOND);
    mirror.fault = () => new Response("down", { status: 503 });
    await serves(FIRST);
  } finally {
    await mirror.close();
  }
}

async function hasCommands(amd64: Runnable): Promise<void> {
  const command = ["/usr/local/bin/bfa", "snapshot", "2024-01-15", "--json"];
  const { code, out, err } = await finished(amd64, { command });
  assertEquals([code, JSON.parse(out).count], [0, 251], err);
}

function finished(image: Runnable, options: ContainerOptions): Promise<Finished> {
  return withContainer(image, options, ({ process }) => process.finished);
}

async function refused({ layout }: World): Promise<void> {
  await withRegistry(async ({ host }) => {
    const says =
      `Cannot push ${host}/bfa:${FIRST}: the registry refuses the credentials; run \`skopeo login ${host}\``;
    await assertRejects(() => push(layout, `${host}/bfa`, [FIRST]), BfaError, says);
  }, { locked: true });
  const nobody = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = `127.0.0.1:${nobody.addr.port}`;
  nobody.close();
  const says = `Cannot push ${host}/bfa:${FIRST}: ${host} does not answer`;
  await assertRejects(() => push(layout, `${host}/bfa`, [FIRST]), BfaError, says);
}

/** An upload that ends in the middle: one layer's file is shorter than the manifest says. */
async function breaksOff({ layout, publisher }: World): Promise<void> {
  const broken = `${publisher.dir}/broken`;
  await call("cp", ["--recursive", layout, broken]);
  const { digest } = (await readLayout(layout)).arm64!.layers.at(-1)!;
  await Deno.truncate(blobPath(broken, digest), 100);
  await withRegistry(async ({ host }) => {
    const name = `${host}/bfa`;
    const inspect = ["inspect", "--raw", "--tls-verify=false", `docker://${name}:${FIRST}`];
    await assertRejects(
      () => push(broken, name, [FIRST]),
      BfaError,
      `Cannot push ${name}:${FIRST}`,
    );
    await assertRejects(() => call("skopeo", inspect), Error, "manifest unknown");
    await push(layout, name, [FIRST]);
    assertEquals(JSON.parse(await call("skopeo", inspect)).manifests.length, 2);
  });
}

async function runsEmulated({ name, publisher }: World): Promise<void> {
  const dir = `${publisher.dir}/arm64`;
  await Deno.mkdir(dir);
  const arm64 = await pull(`${name}:latest`, "arm64", dir);
  const options = { emulator: EMULATOR, env: { BFA_SQL: "1" } };
  await withContainer(arm64, options, async (container) => {
    await waitForLine(container.process, /bfa serves on/);
    assertEquals(JSON.parse((await container.get(DAY))[1]), ANSWER);
    // A child takes 40 s to start; who asks before is told to come again.
    const began = performance.now();
    let [status, body] = [503, ""];
    while (status === 503 && performance.now() - began < EMULATED_MS) {
      [status, body] = await container.get(SQL);
    }
    console.log(`answers SQL after ${Math.round((performance.now() - began) / 1000)} s`);
    assertEquals([status, JSON.parse(body).rows], [200, [[4]]], body);
    assertEquals(JSON.parse((await container.get(`${SQL}+WHERE+false`))[1]).rows, [[0]]);
    assertEquals(await container.stop(), 0);
  });
  const command = ["/usr/local/bin/bfa", "doctor", "--json"];
  const { code, out, err } = await finished(arm64, { ...options, command });
  assertEquals(code, 0, out + err);
  assertStringIncludes(out, "aarch64-unknown-linux-gnu");
  assertStringIncludes(out, "DuckDB v1.5.5 loads");
}

Deno.test("deno task image: what it refuses, in one line", async () => {
  await withPublisher(async (publisher) => {
    await publishVersion(publisher, FIRST);
    const from = ["--mirror", publisher.mirrorDir, "--out", `${publisher.dir}/image`];
    const without = { PATH: await pathWithout(publisher.dir, "npm", "mmdebstrap") };
    const cases: readonly [args: string[], says: string, env?: Record<string, string>][] = [
      [["--arch", "riscv64"], "Cannot make an image for riscv64: there are amd64 and arm64"],
      [[...from, "--mirror", `${publisher.dir}/none`], "no version there; publish one"],
      [[...from, "--at", "2024-01-01.1"], "no version 2024-01-01.1 there"],
      [[...from, "--push", "bfa"], 'Cannot push to "bfa": give REGISTRY/NAME'],
      [from, "mmdebstrap is not here; install it: apt-get install mmdebstrap", without],
    ];
    for (const [args, says, env] of cases) {
      const { code, err } = await image(args, env);
      assertEquals([code, err.trim().split("\n").length, err.includes(says)], [1, 1, true], err);
    }
  });
});

Deno.test("an image for another processor than its program's is not made", async () => {
  const other = Deno.build.arch === "x86_64" ? "arm64" : "amd64";
  const says = `Cannot make an image for ${other}: deno is for ${HERE}`;
  await assertRejects(() => checkArch(Deno.execPath(), other), BfaError, says);
  await checkArch(Deno.execPath(), HERE);
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const missing = () => unpackPackage("@deno/linux-x64-glibc", "2.9.999", dir);
  await assertRejects(missing, BfaError, "npm has no such version; see --deno");
  await Deno.remove(dir, { recursive: true });
});

/** A `PATH` with what making an image needs, but for one program. */
async function pathWithout(dir: string, ...missing: string[]): Promise<string> {
  const bin = `${dir}/bin`;
  await Deno.mkdir(bin);
  for (const program of ["git", "tar", "gzip", "sh"].filter((name) => !missing.includes(name))) {
    await Deno.symlink(
      (await call("sh", ["-c", `command -v ${program}`])).trim(),
      `${bin}/${program}`,
    );
  }
  return bin;
}
