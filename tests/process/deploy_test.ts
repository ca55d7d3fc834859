/** main.ts as Deno Deploy runs it: on its Deno, without flags, `Deno.openKv()` without argument. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { deployDeno } from "../helpers/deno_2_5.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { eventStream } from "../helpers/event_stream.ts";
import { startKvServer } from "../helpers/kv_server.ts";
import { spawn, spawnDeno, type Spawned, waitForLine } from "../helpers/process.ts";
import { publishWith } from "../helpers/publishing.ts";
import { type TestPublisher, withPublisher } from "../helpers/publisher.ts";

const deno = await deployDeno();
if (!deno) console.log("Deno 2.5.7 is not here and npm cannot fetch it: its test is left out");

interface World {
  readonly world: TestPublisher;
  readonly env: Record<string, string>;
  publish(version: string): Promise<void>;
  /** The address of main.ts once it runs; it is stopped at the end. */
  served(process: Spawned): Promise<string>;
}

async function withPlatform(test: (world: World) => Promise<void>): Promise<void> {
  await withPublisher(async (world) => {
    const kv = await startKvServer(world.dir);
    const direct = await Deno.openKv(kv.url);
    const mirror = serveMirror(world.mirrorDir);
    const started: Spawned[] = [];
    try {
      await test({
        world,
        env: {
          // What openKv() without argument means: the platform sets its own.
          DENO_KV_DEFAULT_PATH: kv.url,
          DENO_KV_ACCESS_TOKEN: kv.token,
          DENO_DEPLOY: "true",
          BFA_MIRROR: mirror.url,
          BFA_HOST: "127.0.0.1",
          PORT: "0",
        },
        async publish(version) {
          await publishWith(world, { ...world.publisher, store: kvManifestStore(direct) }, version);
        },
        async served(process) {
          started.push(process);
          return (await waitForLine(process, /bfa serves on (\S+)/))[1]!;
        },
      });
    } finally {
      for (const process of started) await process.stop("SIGKILL");
      direct.close();
      await Promise.all([kv.close(), mirror.close()]);
    }
  });
}

Deno.test({
  name: "main.ts on Deno 2.5: no disk to write, KV by watch, every format, SIGINT ends it cleanly",
  ignore: !deno,
  async fn() {
    await withPlatform(async ({ env, publish, served }) => {
      await publish("2024-03-31.1");
      const service = spawn(deno!, ["run", "-A", "--deny-write", "main.ts"], env);
      const url = await served(service);
      const events = eventStream(await fetch(`${url}/v1/manifest/events`));
      assertEquals((await events.nextEvent())?.id, "1");
      await publish("2024-03-31.2");
      assertEquals((await events.nextEvent())?.id, "2");

      for (const suffix of ["", ".json", ".ndjson", ".csv", ".md", ".arrow", ".parquet"]) {
        const response = await fetch(`${url}/v1/snapshot/2024-01-11${suffix}`);
        const { length } = await response.bytes();
        assertEquals([suffix, response.status, length > 0], [suffix, 200, true]);
        assertEquals(response.headers.get("x-dataset-version"), "2024-03-31.2");
      }
      for (
        const path of [
          "/openapi.json",
          "/v1/versions",
          "/metrics",
          "/readyz",
          "/v1/feeds/listings.atom",
        ]
      ) {
        const response = await fetch(url + path);
        await response.body?.cancel();
        assertEquals([path, response.status], [path, 200]);
      }

      const finished = service.stop("SIGINT");
      assertEquals(await events.nextEvent(), undefined, "the stream ends, it is not cut");
      assertEquals((await finished).code, 0);
    });
  },
});

Deno.test("main.ts has one schedule, which checks the mirror; a fault makes the run a failure", async () => {
  await withPlatform(async ({ world, env, publish, served }) => {
    await publish("2024-03-31.1");
    const platform = `${world.dir}/platform.ts`;
    await Deno.writeTextFile(
      platform,
      `Deno.cron = (name, schedule, handler) => {
         console.log("cron", name, schedule);
         Deno.addSignalListener("SIGUSR1", () =>
           handler().then(() => console.log("cron ok"), (e) => console.log("cron failed:", e.message)));
       };`,
    );
    const service = spawnDeno(["run", "-A", "--no-check", `--preload=${platform}`, "main.ts"], env);
    const url = await served(service);
    await waitForLine(service, /^cron mirror health \*\/15 \* \* \* \*$/m);
    Deno.kill(service.pid, "SIGUSR1");
    await waitForLine(service, /^cron ok$/m);
    for await (const { name } of Deno.readDir(world.mirrorDir)) {
      if (name.length === 64) await Deno.remove(`${world.mirrorDir}/${name}`, { recursive: true });
    }
    Deno.kill(service.pid, "SIGUSR1");
    const [, message] = await waitForLine(service, /^cron failed: (.+)$/m);
    assertStringIncludes(message!, "Cannot find");
    assertEquals((await (await fetch(`${url}/readyz`)).json()).mirror.status, "failing");
    assertEquals((await service.stop()).code, 0);
  });
});

Deno.test("the deploy section names the entry point that is there, and only what Deno Deploy documents", async () => {
  const { deploy, unstable } = JSON.parse(await Deno.readTextFile("deno.json"));
  assertEquals(Object.keys(deploy).sort(), ["install", "runtime"]);
  assertEquals(deploy.runtime, { type: "dynamic", entrypoint: "main.ts" });
  assertEquals(
    unstable.includes("kv"),
    true,
    "no flag can be given there: this makes KV available",
  );
  assertEquals((await Deno.stat(deploy.runtime.entrypoint)).isFile, true);
});
