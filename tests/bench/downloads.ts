/**
 * All files of a version, fetched by `bfa pull`, pooch and huggingface_hub, numbers in all rows of the embedded listings:
 *
 *     python3 -m venv $BFA_TOOLS/others && $BFA_TOOLS/others/bin/pip install pooch==1.9.0 huggingface_hub==2.4.0
 *     BFA_TOOLS=… deno run -A tests/bench/downloads.ts
 *
 * Each is a new process: a first time, again with nothing new, and with one byte of a kept file changed. For huggingface_hub
 * the same files are served as a Hub would.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { seedListings } from "../../lib/source/seed.ts";
import { countingProxy } from "../helpers/counting_proxy.ts";
import { type ServedVersion, toolsDir, withServed } from "../helpers/interop.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

const POOCH = `
import json, sys
from urllib.request import urlopen
import pooch
pooch.get_logger().setLevel("ERROR")
url, folder = sys.argv[1:]
signed = json.load(urlopen(f"{url}/manifest.json"))["signed"]
files = pooch.create(path=folder, base_url=f"{url}/v/{signed['version']}/files/",
    registry={file["name"]: file["sha256"] for file in signed["artifacts"]})
for name in files.registry: files.fetch(name)
`;

const HUB = `
import sys
from huggingface_hub import snapshot_download
snapshot_download("me/bfa", repo_type="dataset", local_dir=sys.argv[2])
`;

/** What \`snapshot_download\` asks a Hub for. */
function serveHub(
  { dir }: ServedVersion,
  artifacts: readonly { name: string; bytes: number; sha256: string }[],
) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname);
      if (path.startsWith("/api/datasets/me/bfa/revision/")) {
        const siblings = artifacts.map(({ name, bytes }) => ({ rfilename: name, size: bytes }));
        return Response.json({
          _id: "1",
          id: "me/bfa",
          author: "me",
          sha: COMMIT,
          private: false,
          gated: false,
          disabled: false,
          tags: [],
          downloads: 0,
          siblings,
        });
      }
      if (path.startsWith("/api/datasets/me/bfa/tree/")) {
        return Response.json(artifacts.map(({ name, bytes, sha256 }) => ({
          type: "file",
          path: name,
          size: bytes,
          oid: sha256.slice(0, 40),
        })));
      }
      const name = /^\/datasets\/me\/bfa\/resolve\/[^/]+\/(.*)$/.exec(path)?.[1];
      const artifact = artifacts.find((artifact) => artifact.name === name);
      if (!artifact) return new Response(null, { status: 404 });
      const headers = {
        etag: `"${artifact.sha256}"`,
        "x-repo-commit": COMMIT,
        "content-length": String(artifact.bytes),
      };
      if (request.method === "HEAD") return new Response(null, { headers });
      return new Response((await Deno.open(`${dir}/${name}`)).readable, { headers });
    },
  );
  return { url: `http://127.0.0.1:${server.addr.port}`, close: () => server.shutdown() };
}

await withServed(async (served) => {
  const { scratch } = served;
  const { artifacts } = (await served.dataset.manifest()).signed;
  const hub = serveHub(served, artifacts);
  const proxy = countingProxy(hub.url);
  const python = `${toolsDir()}/others/bin/python`;
  await Deno.writeTextFile(`${scratch}/with_pooch.py`, POOCH);
  await Deno.writeTextFile(`${scratch}/with_hub.py`, HUB);
  const env = {
    BFA_ENDPOINT: served.url,
    HF_ENDPOINT: proxy.url,
    HF_HOME: `${scratch}/hf`,
    HF_HUB_DISABLE_PROGRESS_BARS: "1",
    HF_HUB_DISABLE_XET: "1",
    HF_HUB_DISABLE_TELEMETRY: "1",
  };
  const programs: readonly [
    title: string,
    folder: string,
    take: () => { requests: number },
    command: string[],
  ][] = [
    ["bfa pull --all", "bfa", served.take, [
      Deno.execPath(),
      "run",
      "-A",
      "cli.ts",
      "pull",
      "--all",
      "-q",
      "--cache-dir",
      `${scratch}/bfa`,
    ]],
    ["pooch", "pooch", served.take, [
      python,
      `${scratch}/with_pooch.py`,
      served.url,
      `${scratch}/pooch`,
    ]],
    ["huggingface_hub", "hub", proxy.take, [
      python,
      `${scratch}/with_hub.py`,
      proxy.url,
      `${scratch}/hub`,
    ]],
  ];
  console.log(
    "| program | CPU, s: first, again | requests: first, again, one file damaged | the damaged file | peak, MB |",
  );
  console.log("| --- | --- | --- | --- | --- |");
  for (const [title, folder, take, command] of programs) {
    const run = async () => {
      take();
      const { code, stderr } = await new Deno.Command("/usr/bin/time", {
        args: ["-f", "TIME %U %S %M", ...command],
        env,
        stdout: "null",
        stderr: "piped",
      }).output();
      const text = new TextDecoder().decode(stderr);
      assertEquals(code, 0, text);
      const [, user, system, kb] = /TIME ([\d.]+) ([\d.]+) (\d+)/.exec(text)!;
      return {
        cpu: (Number(user) + Number(system)).toFixed(1),
        mb: Math.round(Number(kb) / 1e3),
        requests: take().requests,
      };
    };
    const [first, again] = [await run(), await run()];
    const path = await damage(`${scratch}/${folder}`);
    const third = await run();
    const healed = await sha256(path) === artifacts.find(({ name }) =>
      name === "parts/2023.parquet"
    )!.sha256;
    console.log(
      `| ${title} | ${first.cpu}, ${again.cpu} | ${first.requests}, ${again.requests}, ${third.requests} | ${
        healed ? "replaced" : "stays damaged"
      } | ${first.mb} |`,
    );
  }
  await proxy.close();
  await hub.close();

  /** Changes one byte of the file that is kept, and returns its path. */
  async function damage(folder: string): Promise<string> {
    const { sha256: digest, name } = artifacts.find(({ name }) => name === "parts/2023.parquet")!;
    for (const path of [`${folder}/${name}`, `${folder}/v1/objects/${digest}`]) {
      const bytes = await Deno.readFile(path).catch(() => undefined);
      if (!bytes) continue;
      bytes[1000]! ^= 1;
      await Deno.chmod(path, 0o644);
      await Deno.writeFile(path, bytes);
      return path;
    }
    throw new Error(`there is no ${name} in ${folder}`);
  }
}, { file: await seedListings(), version: "2026-08-08.1" });

async function sha256(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}
