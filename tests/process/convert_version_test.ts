import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { BfaError } from "../../lib/core/errors.ts";
import { FILE_FORMATS } from "../../lib/core/file_formats.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { convertVersion } from "../../scripts/convert_version.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { spawnDeno } from "../helpers/process.ts";

const FIXTURES = new URL("../fixtures/formats/", import.meta.url).pathname;

/** Runs a test with the files of a form in a folder, as a client gets them. */
async function withFiles(form: string, test: (dir: string, from: string) => Promise<void>) {
  const endpoint = serveMirror(join(FIXTURES, form, "mirror"));
  try {
    await withCacheDir(async (env) => {
      const [dir, from] = [env["HOME"]!, join(env["HOME"]!, "old")];
      const own = { ...env, BFA_ENDPOINT: endpoint.url };
      const { code, err } = await bfa(["pull", "--all", "--out", from, "-q"], { env: own });
      assertEquals(code, 0, err);
      await test(dir, from);
    });
  } finally {
    await endpoint.close();
  }
}

for (const form of ["1-first", "1", "1-blocks"]) {
  Deno.test(`a version of form ${form} becomes one of the present formats, with the same rows`, async () => {
    await withFiles(form, async (dir, from) => {
      const to = join(dir, "new");
      const made = await convertVersion({ from, to, version: "2024-03-31.2" });
      assertEquals([made.version, made.rows, made.formats], ["2024-03-31.2", 369, FILE_FORMATS]);
      // The same rows give the same bytes, whatever form they come from.
      const present = await Deno.readTextFile(
        join(FIXTURES, "1-blocks", "mirror", "manifest.json"),
      );
      const facts = (artifacts: { name: string; sha256: string }[]) =>
        artifacts.filter(({ name }) => /parquet$|^listings/.test(name))
          .map(({ name, sha256 }) => [name, sha256]);
      assertEquals(facts([...made.artifacts]), facts(JSON.parse(present).signed.artifacts));
    });
  });
}

Deno.test("a version whose rows would change is not converted, and leaves nothing", async () => {
  await withFiles("1", async (dir, from) => {
    // A row that the listings know nothing of.
    const part = join(from, "parts", "2023.parquet");
    await withDuckdb({}, async (connection) => {
      await connection.run(`CREATE TABLE rows AS FROM '${part}'`);
      await connection.run("UPDATE rows SET symbol = 'ZZZUSDT' WHERE date = '2023-12-05'");
      await connection.run(`COPY rows TO '${part}' (FORMAT parquet)`);
    });
    const to = join(dir, "new");
    const error = await assertRejects(
      () => convertVersion({ from, to, version: "2024-03-31.2" }),
      BfaError,
      "rows would not be the same",
    );
    assertEquals(error.code, "integrity");
    assertEquals(await Deno.stat(to).catch(() => "gone"), "gone");
  });
});

Deno.test("rows that have some of their numbers keep them", async () => {
  await withFiles("1", async (dir, from) => {
    const part = join(from, "parts", "2023.parquet");
    const changed = await withDuckdb({}, async (connection) => {
      await connection.run(`CREATE TABLE rows AS FROM '${part}'`);
      const { rowsChanged } = await connection.run(`UPDATE rows
        SET quote_volume_usdt = NULL, open_price = NULL WHERE available AND day(date) = 7`);
      await connection.run(`COPY rows TO '${part}' (FORMAT parquet)`);
      return rowsChanged;
    });
    const made = await convertVersion({ from, to: join(dir, "new"), version: "2024-03-31.2" });
    assertEquals([made.rows, changed > 0], [369, true]);
  });
});

Deno.test("a conversion of nothing, or called wrongly, is refused in one line", async () => {
  const cases: [args: string[], says: string][] = [
    [["old"], "convert_version: Cannot convert: give FROM, TO and VERSION\n"],
    [
      ["/nowhere", "/nothing", "2024-03-31.2"],
      "convert_version: no version in /nowhere; bring it there with `bfa pull --all --out`\n",
    ],
  ];
  for (const [args, says] of cases) {
    const script = ["run", "-A", "--no-check", "scripts/convert_version.ts", ...args];
    const { code, err } = await spawnDeno(script).finished;
    assertEquals([code, err], [1, says]);
  }
});
