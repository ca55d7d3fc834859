/** A folder of SQL in the browser with a file of each kind; the real one is checked in a browser. @module */

/** What stands for the module. */
export const MODULE = new Uint8Array(70_000).fill(7);

/** Runs a test with the folder. */
export async function withSqlPageFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-sql-page-" });
  try {
    await Deno.copyFile("browser/page.html", `${dir}/index.html`);
    await Deno.writeTextFile(`${dir}/worker.js`, "// a worker\n".repeat(200));
    await Deno.writeFile(`${dir}/duckdb.wasm.gz`, MODULE);
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
