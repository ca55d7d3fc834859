/**
 * The layers of the data: a version of a mirror, laid out as `main.ts` reads it. Closed years are a layer of their
 * own, which the next version shares.
 *
 * @module
 */

import { dirname } from "@std/path";
import { bake } from "../../lib/jobs/bake.ts";
import { mirrorManifests } from "../../lib/jobs/mirror_manifests.ts";
import { openReader } from "../../lib/jobs/open_mirrors.ts";
import { BfaError } from "../../lib/core/errors.ts";
import type { ManifestBody } from "../../lib/core/manifest.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";

/** Where the data is in the image. */
const FOLDER = "bfa";

/** A closed year. */
const YEAR = /^parts\/\d{4}\.parquet$/;

/** Puts a version into two roots: closed years, and the rest. */
export async function addData(
  place: string,
  version: string | undefined,
  roots: { years: string; rest: string },
): Promise<ManifestBody> {
  const rest = `${roots.rest}/${FOLDER}`;
  const years = `${roots.years}/${FOLDER}`;
  const mirror = await openReader(place, {
    env: (name) => Deno.env.get(name),
    now: () => new Date(),
  });
  const reader = mirrorManifests(mirror);
  let signed: ManifestBody;
  try {
    signed = await bake({ reader, mirror }, rest, version);
  } catch (error) {
    if (!(error instanceof BfaError) || error.code !== "not_found") throw error;
    throw new BfaError(
      "not_found",
      `Cannot make an image of ${place}: ${error.message}; publish one (\`deno task start\` does), or name another --mirror`,
    );
  }
  await Deno.mkdir(years, { recursive: true });
  for (const artifact of signed.artifacts.filter(({ name }) => YEAR.test(name))) {
    const path = artifactPath(artifact);
    await Deno.mkdir(dirname(`${years}/${path}`), { recursive: true });
    await Deno.rename(`${rest}/${path}`, `${years}/${path}`);
    await Deno.remove(`${rest}/${artifact.sha256}`, { recursive: true });
  }
  return signed;
}
