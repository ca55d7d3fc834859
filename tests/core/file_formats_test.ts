import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { parquetMetadata } from "hyparquet";
import { FILE_FORMATS } from "../../lib/core/file_formats.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { renew } from "../../lib/jobs/publish.ts";
import { builtNumbers, MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { gunzipFile } from "../helpers/parquet.ts";
import { withPublisher } from "../helpers/publisher.ts";

const VERSION = "2024-03-31.1";

Deno.test("`FILE_FORMATS` is what the Parquet files of a build use, no more and no less", async () => {
  const { dir, built } = await builtNumbers(VERSION, MANY_LISTINGS);
  const [codecs, encodings] = [new Set<string>(), new Set<string>()];
  for (const { name } of built.artifacts.filter(({ parquet }) => parquet)) {
    const { row_groups } = parquetMetadata((await Deno.readFile(join(dir, name))).buffer);
    for (const { meta_data } of row_groups.flatMap(({ columns }) => columns)) {
      codecs.add(meta_data!.codec);
      for (const encoding of meta_data!.encodings) encodings.add(encoding);
    }
  }
  const { parquet } = FILE_FORMATS;
  assertEquals([[...codecs].sort(), [...encodings].sort()], [parquet.codecs, parquet.encodings]);
});

Deno.test("`FILE_FORMATS` is what the database of a build uses", async () => {
  const { dir } = await builtNumbers(VERSION, MANY_LISTINGS);
  const path = await Deno.makeTempFile({ suffix: ".duckdb" });
  try {
    await gunzipFile(join(dir, "availability.duckdb.gz"), path);
    await withDuckdb({}, async (connection) => {
      await connection.run(`ATTACH '${path}' AS file (READ_ONLY)`);
      const tags =
        "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'file'";
      const [[storage] = []] = (await connection.runAndReadAll(tags)).getRowsJson();
      assertEquals(String(storage).split(" ")[0], `${FILE_FORMATS.duckdbStorage}+`);
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("the manifest tells the formats, also after it is signed again; a malformed one is refused", async () => {
  await withPublisher(async (world) => {
    const { moved: { stored } } = await publishNumbers(world, VERSION, MANY_LISTINGS);
    assertEquals(stored.manifest.signed.formats, FILE_FORMATS);
    world.clock = new Date("2024-04-03T12:00:00Z");
    const renewed = await renew(world.publisher);
    assertEquals(renewed.stored.manifest.signed.formats, FILE_FORMATS);
    const cases: [formats: unknown, what: string][] = [
      [1, "formats"],
      [{}, "formats.duckdbStorage"],
      [{ duckdbStorage: "v1.0.0" }, "formats.parquet"],
      [{ duckdbStorage: "v1.0.0", parquet: { codecs: "ZSTD" } }, "formats.parquet.codecs"],
      [{ ...FILE_FORMATS, parquet: { codecs: [], encodings: [1] } }, "formats.parquet.encodings"],
    ];
    for (const [formats, what] of cases) {
      const manifest = { ...stored.manifest, signed: { ...stored.manifest.signed, formats } };
      const error = assertThrows(() => parseManifest(JSON.stringify(manifest)), BfaError, what);
      assertEquals(error.code, "integrity");
    }
    const later = { ...FILE_FORMATS, another: 1 };
    const manifest = { ...stored.manifest, signed: { ...stored.manifest.signed, formats: later } };
    assertEquals(parseManifest(JSON.stringify(manifest)).signed.formats, later);
  });
});
