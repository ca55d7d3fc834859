/**
 * The container image in figures: its size with numbers of every day in it, what the next day's image shares with
 * it, and how long it takes from start to first answer. Needs root and what `deno task image` needs.
 *
 *     deno run -A --unstable-kv tests/bench/image.ts
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { build } from "../../lib/jobs/build.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { publish } from "../../lib/jobs/publish.ts";
import { call, pull, withContainer, withRegistry } from "../helpers/container.ts";
import { spawnDeno, type Spawned, waitForLine } from "../helpers/process.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { median } from "./measure.ts";
import { observe } from "./observe.ts";

/** The clock of each version; the second knows of one day more. */
const CLOCKS = ["2026-08-08T12:00:00Z", "2026-08-09T12:00:00Z"].map((text) => new Date(text));

const STARTS = 5;

/** Symbols on the day that is asked for, with made-up numbers: also those that only had files have traded. */
const COUNT = 257;

interface Layer {
  readonly digest: string;
  readonly size: number;
}

await withPublisher(async (world) => {
  await withRegistry(async ({ host }) => {
    const observations = `${world.dir}/observations.duckdb`;
    await observe(observations, 1);
    let before: readonly Layer[] = [];
    for (const clock of CLOCKS) {
      world.clock = clock;
      const listings = await withObservations(observations, (s) => derive(s, { now: clock }));
      const outDir = `${world.dir}/build-${listings.dataThrough}`;
      const version = `${listings.dataThrough}.1`;
      await publish(
        world.publisher,
        await build(listings, { version, outDir, observations }),
        outDir,
      );
      const args = ["--mirror", world.mirrorDir, "--out", `${world.dir}/image`];
      const { code, out, err } = await spawnDeno([
        "run",
        "-A",
        "scripts/image.ts",
        ...args,
        "--push",
        `${host}/bfa`,
      ]).finished;
      assertEquals(code, 0, err);
      console.log(out);
      const raw = async (reference: string) =>
        JSON.parse(
          await call("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${reference}`]),
        );
      const { manifests } = await raw(`${host}/bfa:latest`);
      const sizes: Layer[] = (await raw(`${host}/bfa@${manifests[0].digest}`)).layers;
      const fresh = sizes.filter(({ digest }) => !before.some((layer) => layer.digest === digest));
      console.log(`to pull: ${mb(total(fresh))} of ${mb(total(sizes))}`);
      before = sizes;
    }
    await starts(`${host}/bfa:latest`, world.dir);
  });
});

/** From start to the first answer: the image as it is, and `main.ts` on the same files. */
async function starts(image: string, dir: string): Promise<void> {
  const arch = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  await Deno.mkdir(`${dir}/pulled`);
  const pulled = await pull(image, arch, `${dir}/pulled`);
  const times: Record<string, number[]> = { image: [], "main.ts": [] };
  for (let i = 0; i < STARTS; i++) {
    const env = { PORT: "0", BFA_HOST: "127.0.0.1" };
    times.image!.push(
      await withContainer(pulled, { alone: false, env }, ({ process }) => firstAnswer(process)),
    );
    const data = { BFA_BAKED: `${pulled.root}/bfa` };
    const process = spawnDeno(["run", "-A", "--no-check", "main.ts"], { ...env, ...data });
    times["main.ts"]!.push(await firstAnswer(process).finally(() => process.stop("SIGKILL")));
  }
  for (const [name, all] of Object.entries(times)) {
    console.log(
      `start to first answer, ${name}: ${Math.round(median(all))} ms (median of ${STARTS})`,
    );
  }
}

async function firstAnswer(process: Spawned): Promise<number> {
  const began = performance.now();
  const [, url] = await waitForLine(process, /bfa serves on (\S+)\n/);
  const { count } = await (await fetch(`${url}/v1/snapshot/2024-01-15`)).json();
  assertEquals(count, COUNT);
  return performance.now() - began;
}

function total(layers: readonly Layer[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
