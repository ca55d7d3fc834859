/**
 * Checks that everything that names a version names the same one:
 *
 *     deno run --allow-read scripts/check_versions.ts [TAG]
 *
 * With the tag of a release, `v0.2.0`, also that it is that version's, and that CHANGELOG.md tells of it.
 *
 * @module
 */

/** Files by name. */
export type Files = Readonly<Record<string, string>>;

/** Where Deno's version stands, besides here: people and workflows copy it from there. */
const NAME_DENO = [
  "README.md",
  ".ci/run",
  ".github/workflows/daily.yml",
  ".github/workflows/monitor.yml",
  "commands/serve.ts",
];

/** What is read. */
export const READ = [
  "deno.json",
  "CHANGELOG.md",
  "lib/core/program.ts",
  "lib/engine/duckdb.ts",
  ".github/workflows/release.yml",
  ...NAME_DENO,
];

/** What does not agree, one line each. */
export function versionProblems(files: Files, tag?: string): string[] {
  const problems: string[] = [];
  const config = JSON.parse(files["deno.json"]!) as {
    version: string;
    imports: Record<string, string>;
  };
  const { version } = config;
  const expect = (file: string, what: string, found: string | undefined, wanted: string) => {
    if (found !== wanted) problems.push(`${file}: ${what} is ${found ?? "missing"}, not ${wanted}`);
  };
  const find = (file: string, pattern: RegExp) => pattern.exec(files[file]!)?.[1];

  expect(
    "lib/core/program.ts",
    "the version",
    find("lib/core/program.ts", /= "(\d[^"]*)"/),
    version,
  );
  const duckdb = config.imports["@duckdb/node-api"]!;
  expect(
    "lib/engine/duckdb.ts",
    "DuckDB",
    find("lib/engine/duckdb.ts", /"(npm:@duckdb[^"]*)"/),
    duckdb,
  );

  const release = find(".github/workflows/release.yml", /^ {2}DENO_VERSION: (\S+)$/m);
  if (!release) problems.push(".github/workflows/release.yml: DENO_VERSION is missing");
  for (const file of NAME_DENO) {
    const named = [...files[file]!.matchAll(/\bdeno@(\d+\.\d+\.\d+)/g)].map((match) => match[1]!);
    if (named.length === 0) problems.push(`${file}: it names no version of Deno`);
    for (const found of new Set(named)) expect(file, "Deno", found, release ?? found);
  }

  const newest = /^## (\S+)([^]*?)(?=^## |(?![^]))/m.exec(files["CHANGELOG.md"]!);
  if (tag !== undefined) {
    expect("the tag", "the version", tag, `v${version}`);
    expect("CHANGELOG.md", "the newest version", newest?.[1], version);
  } else if (newest?.[1] !== "Unreleased") {
    expect("CHANGELOG.md", "the newest version", newest?.[1], version);
  }
  if (!/^- /m.test(newest?.[2] ?? "")) {
    problems.push("CHANGELOG.md: the newest version says nothing");
  }
  return problems;
}

if (import.meta.main) {
  const files = Object.fromEntries(
    await Promise.all(READ.map(async (name) => [name, await Deno.readTextFile(name)])),
  );
  const problems = versionProblems(files, Deno.args[0]);
  for (const problem of problems) console.error(problem);
  if (problems.length) Deno.exit(1);
  console.log("versions: ok");
}
