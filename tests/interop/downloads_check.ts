/** What fetches and verifies files by the manifest's digests without knowing bfa: pooch, sha256sum. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { docBlock } from "../helpers/doc_blocks.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { python, run, withServed } from "../helpers/interop.ts";

Deno.test("pooch fetches by the manifest's digests, once, and refuses other bytes", async () => {
  await withServed(async (served) => {
    const { dir, scratch, take } = served;
    const env = { HOME: scratch, XDG_CACHE_HOME: `${scratch}/pooch` };
    const fetch = async (more = "") =>
      await python(`${await docBlock("pooch", served)}\n${more}\nanswer = database`, { env });
    take();
    const path = await fetch();
    const first = take();
    await fetch();
    const second = take();
    assertEquals(second.requests, first.requests - 1, second.lines.join("\n")); // the manifest alone
    const packed = await Deno.open(`${dir}/availability.duckdb.gz`);
    const unpacked = packed.readable.pipeThrough(new DecompressionStream("gzip"));
    assertEquals(await Deno.readFile(path), await new Response(unpacked).bytes());
    await assertRejects(
      () => fetch(`files.registry["listings.json"] = "0" * 64\nfiles.fetch("listings.json")`),
      Error,
      "does not match the known hash",
    );
  });
});

Deno.test("pooch fetches from a plain mirror", async () => {
  await withServed(async (served) => {
    const mirror = serveMirror(`${served.scratch}/publisher/mirror`);
    try {
      const url = mirror.url.replace(/\/$/, "");
      const head = (await docBlock("pooch", { ...served, url })).split("files = ")[0]!;
      const block = await docBlock("pooch-mirror", { ...served, url });
      const env = { HOME: served.scratch, XDG_CACHE_HOME: `${served.scratch}/pooch` };
      const path = await python(`${head}${block}\nanswer = files.fetch("parts/2023.parquet")`, {
        env,
      });
      assertEquals(
        await Deno.readFile(path),
        await Deno.readFile(`${served.dir}/parts/2023.parquet`),
      );
    } finally {
      await mirror.close();
    }
  });
});

Deno.test("sha256sum checks what bfa has written, and tells what was changed", async () => {
  await withServed(async (served) => {
    const { scratch, url } = served;
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const script =
      `bfa() { "${Deno.execPath()}" run -A --config "${config}" "${cli}" "$@" -q; }\n` +
      await docBlock("sha256sum", served);
    const env = { BFA_ENDPOINT: url, BFA_CACHE_DIR: `${scratch}/copy` };
    const out = await run("bash", ["-euc", script], { cwd: scratch, env });
    const { signed } = await served.dataset.manifest();
    assertEquals(out.match(/: OK$/gm)?.length, signed.artifacts.length);
    await Deno.writeTextFile(`${scratch}/data/quarantine.json`, " ", { append: true });
    const failed = await assertRejects(() =>
      run("sha256sum", ["--check", "SHA256SUMS"], { cwd: `${scratch}/data` })
    );
    assert(failed instanceof Error);
    assertStringIncludes(failed.message, "quarantine.json: FAILED");
  });
});
