/**
 * Running other programs.
 *
 * @module
 */

import { BfaError } from "../../lib/core/errors.ts";

/** The Debian packages that programs come in. */
const PACKAGES: Readonly<Record<string, string>> = {
  mmdebstrap: "mmdebstrap",
  skopeo: "skopeo",
  npm: "npm",
  git: "git",
  tar: "tar",
  gzip: "gzip",
};

/** How to run a program. */
export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: "piped" | "null";
}

/** A program ended with a failure. */
export class ProgramFailed extends BfaError {
  /** The class, for logs. */
  override name = "ProgramFailed";
  /** The last line that it printed. */
  readonly said: string;

  /** Makes an `unavailable` error of what a program printed. */
  constructor(program: string, readonly stderr: string) {
    const line = stderr.trim().split("\n").at(-1) ?? "";
    const said = /msg="(.*)"$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line;
    super("unavailable", `Cannot go on: ${program} says: ${said}`);
    this.said = said;
  }
}

/** Runs a program to its end, and returns what it printed. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await start(program, args, options).output();
  if (code !== 0) throw new ProgramFailed(program, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Runs a program on a stream of bytes; its output fails after the last byte when the program did. */
export function pipe(
  program: string,
  args: readonly string[],
  input?: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const child = start(program, args, { stdin: input ? "piped" : "null" }).spawn();
  const said = new Response(child.stderr).text();
  const fed = input?.pipeTo(child.stdin);
  fed?.catch(() => {}); // said below
  return child.stdout.pipeThrough(
    new TransformStream({
      async flush() {
        if (!(await child.status).success) throw new ProgramFailed(program, await said);
        await fed;
      },
    }),
  );
}

function start(
  program: string,
  args: readonly string[],
  { cwd, stdin = "null" }: RunOptions,
): Deno.Command {
  if (!program.includes("/") && !isThere(program)) {
    throw new BfaError(
      "usage",
      `Cannot make an image: ${program} is not here; install it: apt-get install ${
        PACKAGES[program]
      }`,
    );
  }
  return new Deno.Command(program, {
    args: [...args],
    ...(cwd ? { cwd } : {}),
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

function isThere(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((dir) => {
    try {
      return Deno.statSync(`${dir}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}
