/**
 * Makes a container image of bfa with a version of the data in it, without Docker:
 *
 *     deno task image [--arch amd64|arm64]… [--push REGISTRY/NAME]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { BfaError } from "../lib/core/errors.ts";
import { PROGRAM_VERSION } from "../lib/core/program.ts";
import { addData } from "./image/data.ts";
import { addImage, addIndex, type Arch, type ImageFacts, tagsOf } from "./image/document.ts";
import { addLayer, type Layer, newLayout } from "./image/layout.ts";
import { makeBase } from "./image/base.ts";
import { addDeno, addDuckdb, addProgram } from "./image/program.ts";
import { runProgram } from "./run_program.ts";
import { runScript } from "./run_script.ts";
import { checkName, push } from "./image/push.ts";

const HELP =
  `deno task image: a container image with bfa and a version of the data, made without Docker

  --arch ARCH           amd64 or arm64; both when given twice (this machine's)
  --mirror PLACE        where the data is: a folder, s3://…, oci://…, github:…, http(s)://… (.bfa/mirror) [BFA_MIRROR]
  --at VERSION          which version (the newest)
  --deno VERSION        which Deno (this one)
  --out DIR             where the OCI layout goes (dist/image)
  --push REGISTRY/NAME  push it as well
`;

const ARCHS: Readonly<Record<string, Arch>> = { x86_64: "amd64", aarch64: "arm64" };

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const { out, archs, deno } = options;
  const work = await Deno.makeTempDir({ prefix: "bfa-image-" });
  try {
    await newLayout(out);
    const pack = (name: string, title: string) => addLayer(out, `${work}/${name}`, title);
    const roots = { years: `${work}/years`, rest: `${work}/data` };
    const signed = await addData(options.mirror, options.at, roots);
    await addProgram(`${work}/app`);
    const shared = [
      await pack("app", "bfa and its packages"),
      await pack("years", "data: closed years"),
      await pack("data", `data: ${signed.version}`),
    ];
    const facts: ImageFacts = {
      program: PROGRAM_VERSION,
      version: signed.version,
      dataThrough: signed.dataThrough,
      created: signed.publishedAt,
      revision: await revision(),
      deno,
    };
    const images = [];
    for (const arch of archs) {
      await makeBase(arch, `${work}/base-${arch}`);
      await addDeno(arch, deno, `${work}/deno-${arch}`);
      await addDuckdb(arch, `${work}/duckdb-${arch}`);
      const layers = [
        await addLayer(out, `${work}/base-${arch}`, "Debian", { keepModes: true }),
        await pack(`deno-${arch}`, `Deno ${deno}`),
        await pack(`duckdb-${arch}`, "DuckDB"),
        ...shared,
      ];
      images.push(await addImage(out, arch, layers, facts));
      report(arch, layers);
    }
    const tags = tagsOf(facts);
    const { digest } = await addIndex(out, images, tags, facts);
    console.log(`${out}: ${tags.join(", ")}\n${digest}`);
    if (options.push) {
      await push(out, options.push, tags);
      console.log(`pushed ${tags.map((tag) => `${options.push}:${tag}`).join(", ")}`);
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The commit that is made an image of, where it is known. */
async function revision(): Promise<string | undefined> {
  try {
    return (await runProgram("git", ["rev-parse", "HEAD"])).out.trim();
  } catch {
    return undefined; // sources without their history
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", multiple: true },
      mirror: { type: "string" },
      at: { type: "string" },
      deno: { type: "string" },
      out: { type: "string" },
      push: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const archs = [...new Set(values.arch ?? [ARCHS[Deno.build.arch] ?? Deno.build.arch])];
  const unknown = archs.find((arch) => !Object.values(ARCHS).includes(arch as Arch));
  if (unknown) {
    throw new BfaError("usage", `Cannot make an image for ${unknown}: there are amd64 and arm64`);
  }
  if (values.push !== undefined) checkName(values.push);
  return {
    ...values,
    archs: archs as Arch[],
    mirror: values.mirror ?? (Deno.env.get("BFA_MIRROR") || ".bfa/mirror"),
    deno: values.deno ?? Deno.version.deno,
    out: values.out ?? "dist/image",
  };
}

/** Sizes, as a registry counts them. */
function report(arch: Arch, layers: readonly Layer[]): void {
  const line = (title: string, bytes: number, digest: string) =>
    console.log(`  ${title.padEnd(24)}${(bytes / 1e6).toFixed(1).padStart(7)} MB  ${digest}`);
  console.log(`linux/${arch}`);
  for (const { title, descriptor } of layers) {
    line(title, descriptor.size, descriptor.digest.slice(0, 19));
  }
  line("all", layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0), "");
}

await runScript("image", main);
