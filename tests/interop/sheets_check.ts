/** Spreadsheets and R, by the address of a CSV. */

import { assertEquals } from "@std/assert";
import { docBlock } from "../helpers/doc_blocks.ts";
import { python, run, withServed } from "../helpers/interop.ts";

Deno.test("LibreOffice makes a sheet of a CSV's address: text, and days as days", async () => {
  await withServed(async (served) => {
    const { scratch, dataset } = served;
    const script = (await docBlock("libreoffice", served))
      .replace("soffice", `soffice -env:UserInstallation=file://${scratch}/profile`);
    await run("bash", ["-euc", script], { cwd: scratch, env: { HOME: scratch } });
    const answer = await python(`import pandas as pd
sheet = pd.read_excel("${scratch}/2024-01-15.xlsx")
answer = {
    "days": str(sheet["first"].dtype)[:8],
    "rows": [[row.symbol, str(row.first.date())] for row in sheet.itertuples()],
}`);
    const { rows } = await dataset.snapshot("2024-01-15", { detail: true });
    assertEquals(answer, {
      days: "datetime",
      rows: rows!.map(({ symbol, first }) => [symbol, first]),
    });
  });
});

Deno.test("base R reads a CSV's address", async () => {
  await withServed(async (served) => {
    const code = await docBlock("r-csv", served);
    const out = await run("Rscript", ["-e", `${code}\ncat(day$symbol, sep = "\\n")`], {
      env: { LC_ALL: "C.UTF-8" },
    });
    const { symbols } = await served.dataset.snapshot("2024-01-15");
    assertEquals(out.trim().split("\n"), symbols);
  });
});
