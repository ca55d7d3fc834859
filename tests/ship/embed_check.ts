/**
 * What `deno task compile` puts into an executable, for every target. The runtime that it is added to (`denort`) comes
 * from dl.deno.land; here each system's `deno` from npm stands in for it, so the step runs and the file has its right
 * form, but it cannot be started. `.github/workflows/release.yml` makes the real ones and runs the smoke test on each.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../../scripts/run_program.ts";
import { writeChecksums } from "../../scripts/checksums.ts";
import { compile } from "../../scripts/compile.ts";
import { sbom } from "../../scripts/sbom.ts";
import { type Target, TARGETS } from "../../scripts/targets.ts";

/** npm carries the other systems' executables a release later than this one's. */
const STAND_IN_VERSION = "2.9.5";

/** DuckDB's package of each target, its library, and how an executable of that system begins. */
const EXPECTED: Readonly<Record<string, [binding: string, library: string, magic: string]>> = {
  "linux-x64": ["node-bindings-linux-x64", "libduckdb.so", "7f454c46"],
  "linux-arm64": ["node-bindings-linux-arm64", "libduckdb.so", "7f454c46"],
  "macos-x64": ["node-bindings-darwin-x64", "libduckdb.dylib", "cffaedfe"],
  "macos-arm64": ["node-bindings-darwin-arm64", "libduckdb.dylib", "cffaedfe"],
  "windows-x64": ["node-bindings-win32-x64", "duckdb.dll", "4d5a"],
};

Deno.test("an executable of every target holds the program and its one DuckDB library", async (t) => {
  const dist = await Deno.makeTempDir({ prefix: "bfa-embed-" });
  try {
    for (const target of TARGETS) {
      await t.step(target.name, async () => {
        const [binding, library, magic] = EXPECTED[target.name]!;
        const runtime = await standIn(target, `${dist}/runtime`);
        Deno.env.set("DENORT_BIN", runtime);
        const { file, said } = await compile(target, dist);
        assertStringIncludes(said, "bfa.js");

        const modules = `${dist}/app-${target.name}/node_modules/@duckdb`;
        const found = (await Array.fromAsync(Deno.readDir(modules), ({ name }) => name)).sort();
        assertEquals(found, ["node-api", "node-bindings", binding]);
        const { size } = await Deno.stat(`${modules}/${binding}/${library}`);
        const whole = await Deno.readFile(file);
        assertEquals(whole.subarray(0, magic.length / 2).toHex(), magic);
        const grown = whole.length - (await Deno.stat(runtime)).size;
        console.log(`${target.name}: ${grown} bytes more than the runtime, ${size} of them DuckDB`);
        assert(grown > size && grown < size + 8e6, `${grown} bytes more, ${size} of them DuckDB`);
        // The name of the module that runs strangers' SQL: nothing that is imported later is missing.
        assert(new TextDecoder("latin1").decode(whole).includes("sql_child-"));
        await Deno.remove(runtime);
      });
    }
    await t.step("their checksums are what sha256sum reads", async () => {
      await writeChecksums(dist);
      await runProgram("sh", ["-c", `cd ${dist} && sha256sum --check --strict sha256sums`]);
      const lines = (await Deno.readTextFile(`${dist}/sha256sums`)).trim().split("\n");
      assertEquals(lines.length, TARGETS.length);
    });
  } finally {
    Deno.env.delete("DENORT_BIN");
    await Deno.remove(dist, { recursive: true });
  }
});

Deno.test("the list of what a release is made of is valid CycloneDX, and whole", async () => {
  const made = await sbom() as { components: { name: string }[] };
  assertEquals(await cyclonedxErrors(made), "null");
  assertStringIncludes(await cyclonedxErrors({ ...made, components: 1 }), "must be array");
  const names = made.components.map(({ name }) => name);
  for (
    const name of ["deno", "hono", "zod", "@duckdb/node-api", "@duckdb/node-bindings-win32-x64"]
  ) {
    assert(names.includes(name), name);
  }
  // What only tests use is not shipped.
  assertEquals(names.filter((name) => ["fast-check", "apache-arrow", "ajv"].includes(name)), []);
  assertEquals(await sbom(), made);
});

/** Deno for a target, from npm. */
async function standIn(target: Target, dir: string): Promise<string> {
  await Deno.mkdir(dir, { recursive: true });
  const libc = target.os === "linux" ? "-glibc" : "";
  const spec = `@deno/${target.os}-${target.cpu}${libc}@${STAND_IN_VERSION}`;
  await runProgram("npm", ["pack", "--silent", "--pack-destination", dir, spec]);
  const name = target.os === "win32" ? "deno.exe" : "deno";
  await runProgram("sh", ["-c", `cd ${dir} && tar -xzf *.tgz package/${name} && rm *.tgz`]);
  await Deno.rename(`${dir}/package/${name}`, `${dir}/${name}`);
  return `${dir}/${name}`;
}

/** What the reference library says about a list, as JSON. */
async function cyclonedxErrors(made: unknown): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-sbom-" });
  try {
    const packages = ["@cyclonedx/cyclonedx-library@10.3.0", "ajv@8", "ajv-formats@3"];
    const npm = ["install", "--silent", "--ignore-scripts", "--omit=optional", "--prefix", dir];
    await runProgram("npm", [...npm, ...packages, "ajv-formats-draft2019@1"]);
    await Deno.writeTextFile(`${dir}/sbom.json`, JSON.stringify(made));
    await Deno.writeTextFile(
      `${dir}/validate.cjs`,
      `const { JsonStrictValidator } = require("@cyclonedx/cyclonedx-library/Validation");
       const text = require("fs").readFileSync(__dirname + "/sbom.json", "utf8");
       new JsonStrictValidator("1.6").validate(text).then((e) => console.log(JSON.stringify(e)));`,
    );
    return (await runProgram("node", [`${dir}/validate.cjs`])).out.trim();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
