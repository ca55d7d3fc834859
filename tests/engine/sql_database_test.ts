import { assertEquals, assertRejects } from "@std/assert";
import { openLockedDatabase } from "../../lib/engine/sql_database.ts";
import { withSqlData } from "../helpers/sql.ts";

/** What a statement that got past the gate would try; `$` stands for the folder of the database. */
const FORBIDDEN = [
  "FROM read_text('/etc/passwd')",
  "FROM read_blob('$/availability.duckdb')",
  "FROM read_csv('/etc/passwd')",
  "FROM '/etc/passwd'",
  "FROM glob('$/*')",
  "FROM read_text('http://127.0.0.1:1/')",
  "COPY (SELECT 1) TO '$/planted.csv'",
  "COPY (SELECT 1) TO '$/availability.duckdb.wal'",
  "EXPORT DATABASE '$/planted'",
  "ATTACH '$/planted.duckdb'",
  "ATTACH '$/availability.duckdb' AS again",
  "ATTACH '$/availability.duckdb.wal' AS planted",
  "INSTALL httpfs",
  "LOAD httpfs",
  "LOAD '$/planted.so'",
  "CREATE TABLE store.main.planted (x INTEGER)",
  "DELETE FROM store.main.daily_availability",
  "DROP TABLE store.main.listings",
  "SET enable_external_access = true",
  "SET disabled_filesystems = ''",
  "SET lock_configuration = false",
  "SET memory_limit = '8GB'",
  "SET threads = 8",
  "SET temp_directory = '$'",
  "SET max_temp_directory_size = '1GB'",
  "SET allowed_directories = ['$']",
  "SET allowed_configs = ['memory_limit']",
  "SET autoload_known_extensions = true",
  "RESET memory_limit",
  "PRAGMA memory_limit = '8GB'",
];

/** What the child's database is set to. (Of `disabled_filesystems` DuckDB tells nothing: planting a `.wal` is what it keeps off.) */
const SETTINGS = {
  enable_external_access: "false",
  lock_configuration: "true",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  allow_community_extensions: "false",
  temp_directory: "",
  max_temp_directory_size: "0 bytes",
  memory_limit: "244.1 MiB",
  threads: "1",
};

Deno.test("a locked database refuses by itself, behind the gate: files, settings, extensions, writing", async () => {
  await withSqlData(async (data, folder) => {
    const names = async () => (await Array.fromAsync(Deno.readDir(folder), (e) => e.name)).sort();
    const before = await names();
    const instance = await openLockedDatabase(data);
    const connection = await instance.connect();
    try {
      const ran: string[] = [];
      for (const sql of FORBIDDEN) {
        await connection.run(sql.replaceAll("$", folder)).then(() => ran.push(sql), () => {});
      }
      assertEquals(ran, []);
      // Of more than one thing that keeps it off, this is the first.
      await assertRejects(
        () => connection.run("DELETE FROM store.main.daily_availability"),
        Error,
        "read-only",
      );
      const settings: Record<string, string> = {};
      for (const name of Object.keys(SETTINGS)) {
        const result = await connection.runAndReadAll(`SELECT current_setting('${name}')::VARCHAR`);
        settings[name] = String(result.getRows()[0]![0]);
      }
      assertEquals(settings, SETTINGS);
      const count = await connection.runAndReadAll("SELECT count(*) FROM daily_availability");
      assertEquals(Number(count.getRows()[0]![0]), 647_498);
      assertEquals(await names(), before);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
});
