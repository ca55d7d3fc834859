import { assertEquals } from "@std/assert";
import { type Files, READ, versionProblems } from "../../scripts/check_versions.ts";

async function project(): Promise<Record<string, string>> {
  const read = READ.map(async (name) => [name, await Deno.readTextFile(name)] as const);
  return Object.fromEntries(await Promise.all(read));
}

Deno.test("versionProblems() finds none in this project, and every one that is made", async () => {
  const files = await project();
  const { version } = JSON.parse(files["deno.json"]!);
  const with_ = (name: string, from: string | RegExp, to: string): Files => {
    const changed = files[name]!.replace(from, to);
    assertEquals(changed === files[name], false, `${name} has ${from}`);
    return { ...files, [name]: changed };
  };
  const released = with_("CHANGELOG.md", "## Unreleased", `## ${version} (2026-11-22)`);
  const cases: [files: Files, tag: string | undefined, problems: string[]][] = [
    [files, undefined, []],
    [released, `v${version}`, []],
    [released, undefined, []],
    [files, `v${version}`, [`CHANGELOG.md: the newest version is Unreleased, not ${version}`]],
    [released, "v9.9.9", [`the tag: the version is v9.9.9, not v${version}`]],
    [
      with_("lib/core/program.ts", `"${version}"`, '"9.9.9"'),
      undefined,
      [`lib/core/program.ts: the version is 9.9.9, not ${version}`],
    ],
    [
      with_("README.md", /deno@\d+\.\d+\.\d+/, "deno@1.0.0"),
      undefined,
      ["README.md: Deno is 1.0.0, not 2.9.6"],
    ],
    [
      with_("lib/engine/duckdb.ts", /npm:@duckdb\/node-api@[^"]*/, "npm:@duckdb/node-api@1.0.0"),
      undefined,
      ["lib/engine/duckdb.ts: DuckDB is npm:@duckdb/node-api@1.0.0, not npm:@duckdb/node-api@1.5.5-r.5"],
    ],
    [
      { ...files, "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n## 0.0.1\n\n- x\n" },
      undefined,
      ["CHANGELOG.md: the newest version says nothing"],
    ],
  ];
  for (const [given, tag, problems] of cases) assertEquals(versionProblems(given, tag), problems);
});
