/**
 * What an image says about itself: its configuration, its manifests, and the index over them.
 *
 * @module
 */

import { addJson, type Descriptor, type Layer } from "./layout.ts";

/** A processor that images are made for, as registries call it. */
export type Arch = "amd64" | "arm64";

/** What there is to say. */
export interface ImageFacts {
  /** Version of the program. */
  readonly program: string;
  /** Version of the data. */
  readonly version: string;
  readonly dataThrough: string;
  /** When that version was signed: an image of the same things has the same date. */
  readonly created: string;
  /** The commit the program is from, where it is known. */
  readonly revision: string | undefined;
  readonly deno: string;
}

/** The user that the service runs as: nobody on the host, and a number, for `runAsNonRoot`. */
export const USER = 65532;

const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

const SECOND = 1_000_000_000;

/** Adds the image of one processor; returns what the index says of it. */
export async function addImage(
  layout: string,
  arch: Arch,
  layers: readonly Layer[],
  facts: ImageFacts,
): Promise<Descriptor> {
  const { created } = facts;
  const config = await addJson(layout, CONFIG_TYPE, {
    created,
    architecture: arch,
    os: "linux",
    config: {
      User: `${USER}:${USER}`,
      ExposedPorts: { "8000/tcp": {} },
      Env: [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "HOME=/tmp",
        "DENO_DIR=/tmp/deno",
        "DENO_NO_UPDATE_CHECK=1",
        "BFA_BAKED=/bfa",
      ],
      Cmd: ["deno", "run", "--quiet", "--no-prompt", "-A", "/app/main.ts"],
      WorkingDir: "/app",
      StopSignal: "SIGTERM",
      Labels: annotations(facts),
      // Docker's own addition to the format, which it reads from OCI images too.
      Healthcheck: {
        Test: ["CMD", "bfa", "health"],
        Interval: 30 * SECOND,
        Timeout: 5 * SECOND,
        StartPeriod: 10 * SECOND,
        Retries: 3,
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ title }) => ({
      created,
      created_by: "deno task image",
      comment: title,
    })),
  });
  const manifest = await addJson(layout, MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config,
    layers: layers.map(({ title, descriptor }) => ({
      ...descriptor,
      annotations: { "org.opencontainers.image.title": title },
    })),
    annotations: annotations(facts),
  });
  return { ...manifest, platform: { architecture: arch, os: "linux" } };
}

/** Adds the index over the images of all processors, under some tags. */
export async function addIndex(
  layout: string,
  images: readonly Descriptor[],
  tags: readonly string[],
  facts: ImageFacts,
): Promise<Descriptor> {
  const index = await addJson(layout, INDEX_TYPE, {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: images,
    annotations: annotations(facts),
  });
  const named = tags.map((tag) => ({
    ...index,
    annotations: { "org.opencontainers.image.ref.name": tag },
  }));
  const all = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: named };
  await Deno.writeTextFile(`${layout}/index.json`, JSON.stringify(all, null, 2) + "\n");
  return index;
}

/** The tags of an image, the one that moves last. */
export function tagsOf({ program, version }: ImageFacts): string[] {
  return [`${program}-${version}`, version, "latest"];
}

function annotations(facts: ImageFacts): Record<string, string> {
  const name = "org.opencontainers.image";
  return {
    [`${name}.title`]: "bfa",
    [`${name}.description`]:
      "Which Binance USDⓈ-M futures existed and really traded on a day: the service, with its data",
    [`${name}.licenses`]: "MIT",
    [`${name}.version`]: `${facts.program}-${facts.version}`,
    [`${name}.created`]: facts.created,
    ...(facts.revision ? { [`${name}.revision`]: facts.revision } : {}),
    "bfa.program": facts.program,
    "bfa.version": facts.version,
    "bfa.data-through": facts.dataThrough,
    "bfa.deno": facts.deno,
  };
}
