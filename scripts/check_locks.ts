/**
 * Checks what the lock files hold, since `deno task` downloads all of it before it starts anything:
 *
 *     deno task locks
 *
 * `deno.lock` has the packages of the program, `tests/deno.lock` those of the tests and of `deno task docs` as well. Neither has DuckDB for musl,
 * which npm's metadata cannot tell from the one for glibc: Deno itself needs glibc.
 *
 * @module
 */

/** A lock file. */
export interface Lock {
  /** What was asked for, and what it became. */
  readonly specifiers: Readonly<Record<string, string>>;
  /** The packages, with their digests. */
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

/** What is wrong with the lock files, one line each. */
export function lockProblems(program: Lock, tests: Lock, ofTests: readonly string[]): string[] {
  const problems: string[] = [];
  for (const specifier of ofTests) {
    if (Object.hasOwn(program.specifiers, specifier)) {
      problems.push(
        `deno.lock: ${specifier} is for tests alone; take it out again (git checkout deno.lock), and test with \`deno task test\``,
      );
    }
  }
  for (const [name, lock] of [["deno.lock", program], ["tests/deno.lock", tests]] as const) {
    for (const id of Object.keys(lock.npm)) {
      if (!id.includes("-musl@")) continue;
      problems.push(`${name}: take out ${id}, and where it is an optional dependency`);
    }
  }
  for (const [id, { integrity }] of Object.entries(program.npm)) {
    const other = tests.npm[id]?.integrity;
    if (other === integrity) continue;
    const state = other === undefined ? "is missing" : "has another digest than in deno.lock";
    problems.push(`tests/deno.lock: ${id} ${state}; run \`deno task test\`, and commit it`);
  }
  return problems;
}

if (import.meta.main) {
  const read = async (path: string) => JSON.parse(await Deno.readTextFile(path));
  const { scopes } = await read("deno.json");
  const ofTests = Object.values<Record<string, string>>(scopes)
    .flatMap((scope) => Object.values(scope))
    .map((specifier) => specifier.replace(/^(npm:(?:@[^/]+\/)?[^/]+)\/.*/, "$1"));
  const problems = lockProblems(await read("deno.lock"), await read("tests/deno.lock"), ofTests);
  for (const problem of problems) console.error(problem);
  if (problems.length) Deno.exit(1);
  console.log("locks: ok");
}
