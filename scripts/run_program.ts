/**
 * Running other programs.
 *
 * @module
 */

import { basename } from "@std/path";
import { BfaError } from "../lib/core/errors.ts";

/** The Debian packages of programs that are not called after them. */
const PACKAGES: Readonly<Record<string, string>> = { npx: "npm", node: "nodejs" };

/** How to run a program. */
export interface RunOptions {
  readonly cwd?: string | undefined;
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: "piped" | "null";
}

/** What a program printed. */
export interface Printed {
  readonly out: string;
  readonly err: string;
}

/** A program ended with a failure; the cause has all that it printed. */
export class ProgramFailed extends BfaError {
  /** The class, for logs. */
  override name = "ProgramFailed";
  /** The last line that it printed. */
  readonly said: string;
  /** All that it said of its failure. */
  readonly stderr: string;

  /** Makes an `unavailable` error of what a program printed. */
  constructor(program: string, { out, err }: Printed) {
    const line = (err.trim() || out.trim()).split("\n").at(-1) ?? "";
    const said = /msg="(.*)"$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line;
    const message = `Cannot go on: ${basename(program)} says: ${said}`;
    super("unavailable", message, { cause: new Error(out + err) });
    this.said = said;
    this.stderr = err;
  }
}

/** Runs a program to its end, and returns what it printed. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Printed> {
  const { code, stdout, stderr } = await command(program, args, options).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const printed = { out: out!, err: err! };
  if (code === 0) return printed;
  throw new ProgramFailed(program, printed);
}

/** Runs a program on a stream of bytes; its output fails after the last byte when the program did. */
export function pipeProgram(
  program: string,
  args: readonly string[],
  input?: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const child = command(program, args, { stdin: input ? "piped" : "null" }).spawn();
  const said = new Response(child.stderr).text();
  const fed = input?.pipeTo(child.stdin);
  fed?.catch(() => {}); // said below
  return child.stdout.pipeThrough(
    new TransformStream({
      async flush() {
        const { success } = await child.status;
        if (!success) throw new ProgramFailed(program, { out: "", err: await said });
        await fed;
      },
    }),
  );
}

/** For `catch`: what is not there need not be removed. */
export function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function command(
  program: string,
  args: readonly string[],
  { cwd, env, stdin = "null" }: RunOptions,
): Deno.Command {
  if (!program.includes("/") && Deno.build.os !== "windows" && !isThere(program)) {
    const name = PACKAGES[program] ?? program;
    throw new BfaError(
      "usage",
      `Cannot go on: ${program} is not here; install it: apt-get install ${name}`,
    );
  }
  return new Deno.Command(program, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { NO_COLOR: "1", ...env },
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
