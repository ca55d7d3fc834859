/** The life of a publisher with mirrors of three kinds: a folder, S3 and a registry. @module */

import { assert, assertEquals } from "@std/assert";
import { verifyMirror } from "../../lib/jobs/verify_mirror.ts";
import { open } from "../../lib/mod.ts";
import { seededRandom, withoutBackoff } from "../helpers/fault_world.ts";
import { Life } from "../helpers/lifetime.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { ociMirrorOn, REPOSITORY, withRegistry } from "../helpers/registry.ts";
import { s3MirrorOn, withS3 } from "../helpers/s3_server.ts";

const DAYS = 20;

/** A life with kills, rollbacks, lost KVs and a change of keys in its first days. */
const SEED = 7;

Deno.test(`${DAYS} days of kills, rollbacks, lost KVs and new keys: a folder, S3 and a registry show the same, and all of it is whole`, async () => {
  await withS3((s3) =>
    withRegistry((registry) =>
      withoutBackoff(() =>
        withPublisher(async (world) => {
          const mirrors = [
            world.publisher.mirrors[0]!,
            (await s3MirrorOn(s3)).mirror,
            (await ociMirrorOn(registry.host)).mirror,
          ];
          const places = [`${s3.publicUrl}um/`, `oci://${registry.host}/${REPOSITORY}`];
          const life = new Life(world, mirrors, seededRandom(SEED));
          const client = (endpoint: string) =>
            open({
              endpoint,
              cacheDir: `${world.dir}/cache`,
              trustedKeys: life.keys,
              now: () => world.clock,
            });
          const days: string[] = [];
          for (let day = 1; day <= DAYS; day++) {
            world.clock = new Date(Date.UTC(2024, 3, day, 12, 5));
            days.push(world.clock.toISOString().slice(0, 10));
            await (day === 1 ? life.publishDay() : life.liveDay());
            await life.checkMirrors();
            for (const place of places) {
              const dataset = await client(place);
              await dataset.refresh();
              const { version, symbols } = await dataset.symbols();
              assertEquals(version, life.record.asOf("9999"));
              assertEquals(symbols, [life.record.versions.get(version)!]);
            }
          }
          assert(life.keys.length > 1, "no key was changed");
          for (const mirror of mirrors) {
            const { faults, versions } = await verifyMirror(mirror, { versions: "all" });
            assertEquals([faults, versions.length], [[], life.record.versions.size]);
          }
          for (const place of places) {
            for (const day of days) {
              const { version } = await (await (await client(place)).asOf(day)).symbols();
              assertEquals(version, life.record.asOf(day), day);
            }
          }
          life.close();
        })
      )
    )
  );
});
