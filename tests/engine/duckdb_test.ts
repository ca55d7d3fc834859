import { assertRejects } from "@std/assert";
import { loadDuckdb } from "../../lib/engine/duckdb.ts";

Deno.test({
  name: "DuckDB that may not be loaded says which permission is missing",
  permissions: { read: true, env: true, sys: true, ffi: false },
  fn: async () => {
    await assertRejects(loadDuckdb, Deno.errors.NotCapable, "--allow-ffi");
  },
});
