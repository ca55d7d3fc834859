/** Python's readers of Parquet over HTTP: Polars, pandas, pyarrow. */

import { assert, assertEquals } from "@std/assert";
import { docBlock } from "../helpers/doc_blocks.ts";
import { python, type ServedVersion, withServed } from "../helpers/interop.ts";

/** What was read must be less than a part of the file. */
async function assertPart({ take, dir }: ServedVersion, file: string, part: number): Promise<void> {
  const { bytes, lines } = take();
  const { size } = await Deno.stat(`${dir}/${file}`);
  assert(bytes > 0 && bytes < size * part, `${bytes} of ${size} bytes:\n${lines.join("\n")}`);
}

Deno.test("Polars reads a day over HTTP; the predicate is pushed down", async () => {
  await withServed(async (served) => {
    const { rows } = await served.dataset.rows({
      day: "2024-01-15",
      columns: ["quote_volume_usdt", "state"],
    });
    served.take();
    const day = await docBlock("polars-day", served);
    assertEquals(
      await python(`${day}\nanswer = day.rows()`),
      rows.filter(({ state }) => state === "traded")
        .map(({ symbol, quoteVolumeUsdt }) => [symbol, quoteVolumeUsdt]),
    );
    await assertPart(served, "availability.parquet", 0.3);
  });
});

Deno.test("pandas reads a part over HTTP", async () => {
  await withServed(async (served) => {
    const columns = ["state", "close_price"];
    const { rows } = await served.dataset.rows({ from: "2024-01-01", to: "2024-01-31", columns });
    // The page shows a closed year; here 2024 is the current one, in months.
    const month = (await docBlock("pandas-month", served)).replace(
      "2024.parquet",
      "2024-01.parquet",
    );
    const answer = await python(`${month}
month = month.astype(object).where(month.notna(), None)
answer = month.values.tolist()`);
    assertEquals(
      answer,
      rows.map(({ date, symbol, state, closePrice }) => [date, symbol, state, closePrice]),
    );
  });
});

Deno.test("pyarrow reads a symbol over HTTP, in a part of the file", async () => {
  await withServed(async (served) => {
    const { rows } = await served.dataset.rows({ symbol: "BTCUSDT", columns: ["close_price"] });
    served.take();
    const code = await docBlock("pyarrow-symbol", served);
    assertEquals(
      await python(`${code}\nanswer = [list(row.values()) for row in rows.to_pylist()]`),
      rows.map(({ date, closePrice }) => [date, closePrice]),
    );
    await assertPart(served, "availability-by-symbol.parquet", 0.1);
  });
});
