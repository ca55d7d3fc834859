/**
 * An OCI image layout: a folder of blobs by their digest, and an index of what they are. Layers are tar files
 * with sorted names, no times and no owners: the same files give the same digest.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { pipeProgram } from "../run_program.ts";

/** What a blob is and how it is found. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A layer that is in the layout. */
export interface Layer {
  /** What it holds, in a few words. */
  readonly title: string;
  readonly descriptor: Descriptor;
  /** Digest of the tar file before compression. */
  readonly diffId: string;
  /** Size of the tar file before compression. */
  readonly unpacked: number;
}

const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Makes an empty layout. */
export async function newLayout(dir: string): Promise<void> {
  await Deno.remove(dir, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${dir}/blobs/sha256`, { recursive: true });
  await Deno.writeTextFile(`${dir}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

/**
 * Packs a folder as a layer.
 *
 * @param options `keepModes`: leaves modes as they are; else everything may be read by all and written by root.
 */
export async function addLayer(
  layout: string,
  root: string,
  title: string,
  options: { keepModes?: boolean } = {},
): Promise<Layer> {
  const packed = pipeProgram("tar", [
    "--create",
    "--format=gnu",
    "--sort=name",
    "--mtime=@0",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    ...(options.keepModes ? [] : ["--mode=u=rwX,go=rX"]),
    `--directory=${root}`,
    ".",
  ]);
  const plain = counted();
  const small = counted();
  const temporary = await Deno.makeTempFile({ dir: layout });
  const file = await Deno.open(temporary, { write: true });
  // The bytes of Deno's own compression depend on how its input was cut, and on the processor.
  await pipeProgram("gzip", ["--no-name"], packed.pipeThrough(plain.stream))
    .pipeThrough(small.stream).pipeTo(file.writable);
  const { digest, bytes: size } = small.facts();
  await Deno.rename(temporary, blobPath(layout, digest));
  await Deno.chmod(blobPath(layout, digest), 0o644);
  const { digest: diffId, bytes: unpacked } = plain.facts();
  return { title, descriptor: { mediaType: LAYER_TYPE, digest, size }, diffId, unpacked };
}

/** Adds a JSON document as a blob. */
export async function addJson(
  layout: string,
  mediaType: string,
  document: unknown,
): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(document, null, 2) + "\n");
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await Deno.writeFile(blobPath(layout, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Where a blob is. */
export function blobPath(layout: string, digest: string): string {
  return `${layout}/blobs/${digest.replace(":", "/")}`;
}

/** Counts and hashes what passes. */
function counted() {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    stream: new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        hash.update(chunk);
        bytes += chunk.length;
        controller.enqueue(chunk);
      },
    }),
    facts: () => ({ digest: `sha256:${hash.digest("hex")}`, bytes }),
  };
}
