/** What the checks cannot run here is said, on the page and at the end of the checks. */

import { assert, assertEquals } from "@std/assert";

const read = async (name: string) =>
  await Deno.readTextFile(new URL(`../../docs/${name}`, import.meta.url));

Deno.test("docs/not_run_here.md names everything that docs/readers.md says is not run", async () => {
  const table = (await read("not_run_here.md")).split("\n").filter((line) =>
    /^\| (?!what|---)/.test(line)
  );
  console.log([
    "not run here:",
    ...table.map((line) => {
      const [, what, why] = line.split("|").map((cell) => cell.trim());
      return `  ${what}: ${why}`;
    }),
  ].join("\n"));
  for (const line of table) assertEquals(line.split("|").length, 5, line);
  const reasons = [...(await read("readers.md")).matchAll(/<!-- not run: (.*?) -->/g)];
  assert(reasons.length >= 3);
  const named = ["arrow", "Julia", "Databricks"];
  for (const [, reason] of reasons) {
    const subject = named.find((word) => reason!.includes(word));
    assert(subject && table.some((line) => line.includes(subject)), reason);
  }
});
