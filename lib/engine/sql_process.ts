/**
 * One SQL child, as the server sees it.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { SqlAnswerHead, SqlAnswerParts, SqlLimits } from "./sql_answer.ts";
import type { ChildRequest, ChildStart } from "./sql_child.ts";
import type { SqlData } from "./sql_database.ts";
import { type Frame, frameBytes, readFrames } from "./sql_frames.ts";

/** A program and its arguments. */
export type SqlCommand = readonly [program: string, ...args: string[]];

/** A child that is ready to be asked. */
export interface SqlProcess {
  readonly data: SqlData;
  readonly pid: number;
  /** Memory it held when it last answered, bytes. */
  readonly resident: number;
  /** How much more that is than when it was ready, bytes. */
  readonly grown: number;
  /** Whether its database will answer nothing any more. */
  readonly broken: boolean;
  /** Runs one statement; only one at a time. */
  ask(request: ChildRequest): Promise<SqlAnswerParts>;
  /** Asks it to stop what it does. */
  interrupt(): void;
  /** Ends it at once. */
  kill(): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

/** A child ended while it was asked: what it was asked needs more than it may use. */
export class ChildEnded extends BfaError {
  /** The class, for logs. */
  override name = "ChildEnded";

  /** Makes a `limit` error; a child that ended before it had `started` may be replaced by another. */
  constructor(readonly started: boolean) {
    super("limit", "Cannot finish this SQL: it needs more memory than it may use");
  }
}

/** How to start a child. */
export interface SqlProcessOptions {
  readonly command: SqlCommand;
  readonly data: SqlData;
  readonly limits: SqlLimits;
}

/**
 * Data that a child may allocate, by `ulimit -d`: Deno itself takes 600 MB of addresses, of which 100 MB
 * are ever used, and each of its threads a little more.
 */
const MAX_DATA_BYTES = 1_000e6;
const DATA_PER_CORE_BYTES = 4e6;

/** A child that holds more is ended, also where there is no `ulimit`. */
const MAX_RESIDENT_BYTES = 540e6;

/** Less of the processor than the server: a hostile query must not slow down the answers from memory. */
const LIMITED = `ulimit -d "$1" 2>/dev/null; shift
command -v nice >/dev/null && exec nice -n 10 "$@"; exec "$@"`;

/** Variables that tell Deno where its packages are. They hold no secret; everything else is left out. */
const KEPT_VARIABLES = ["DENO_DIR", "HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "SYSTEMROOT"];

/** What the program's entry point is called with where it is to be the child: see {@linkcode denoSqlCommand}. */
export const SQL_CHILD_COMMAND = "sql-child";

/**
 * This Deno, with the child's entry point. A bundle has no file for the child, and a compiled program no files at all:
 * both start themselves, and tell their entry point what to be.
 */
export function denoSqlCommand(): SqlCommand {
  if (Deno.build.standalone) return [Deno.execPath(), SQL_CHILD_COMMAND];
  const run: SqlCommand = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-ffi",
    "--allow-read",
    "--allow-env",
    "--v8-flags=--max-old-space-size=256",
  ];
  const isBundle = !import.meta.url.endsWith(".ts");
  return isBundle
    ? [...run, Deno.mainModule, SQL_CHILD_COMMAND]
    : [...run, import.meta.resolve("./sql_child.ts")];
}

/**
 * Starts a child; resolves when it is ready.
 *
 * @throws {BfaError} `not_implemented` where child processes or DuckDB do not work.
 */
export async function startSqlProcess(options: SqlProcessOptions): Promise<SqlProcess> {
  const child = spawn(options.command);
  const writer = child.stdin.getWriter();
  const frames = readFrames(child.stdout);
  const write = async (header: unknown) => {
    for (const bytes of frameBytes(header as Frame["header"])) await writer.write(bytes);
  };
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended
    }
  };
  const ended = child.status.then(async () => {
    await writer.abort().catch(() => {});
  });
  const start: ChildStart = {
    data: options.data,
    limits: options.limits,
    maxResidentBytes: MAX_RESIDENT_BYTES,
  };
  await write(start).catch(() => {});
  const first = await frames.next().catch(() => undefined);
  const hello = first?.done === false ? first.value.header : undefined;
  if (!hello?.ready) {
    kill();
    await frames.return(undefined);
    await ended;
    throw startError(hello);
  }

  const residentAtStart = Number(hello.resident);
  let resident = residentAtStart;
  let waiting: PromiseWithResolvers<SqlAnswerParts> | undefined;
  let broken = false;
  let started = false;
  let over = false;
  const reading = (async () => {
    for await (const { header, body } of frames) {
      if (header.full) kill();
      if (header.started) started = true;
      if (header.full || header.started) continue;
      const asked = waiting;
      waiting = undefined;
      resident = Number(header.resident);
      broken = header.broken === true;
      const failed = header.failed as { code: BfaError["code"]; message: string } | undefined;
      if (failed) asked?.reject(new BfaError(failed.code, failed.message));
      else asked?.resolve({ head: readHead(header), rows: body });
    }
  })().catch(kill); // what cannot be read comes from a child that cannot be trusted
  return {
    data: options.data,
    pid: child.pid,
    get resident() {
      return resident;
    },
    get grown() {
      return resident - residentAtStart;
    },
    get broken() {
      return broken;
    },
    ended: Promise.all([ended, reading]).then(() => {
      over = true;
      waiting?.reject(new ChildEnded(started));
    }),
    async ask(request) {
      started = false;
      if (over) throw new ChildEnded(started);
      waiting = Promise.withResolvers();
      const { promise } = waiting;
      // A child that has just died tells by its end.
      await Promise.all([write(request).catch(() => {}), promise.catch(() => {})]);
      return await promise;
    },
    interrupt: () => void write({ interrupt: true }).catch(() => {}),
    kill,
  };
}

function readHead({ columns, count, truncated }: Frame["header"]): SqlAnswerHead {
  return { columns, count, truncated } as unknown as SqlAnswerHead;
}

function spawn(command: SqlCommand): Deno.ChildProcess {
  const env: Record<string, string> = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  for (const name of KEPT_VARIABLES) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  const options = { env, clearEnv: true, stdin: "piped", stdout: "piped", stderr: "null" } as const;
  const [program, ...args] = command;
  try {
    if (Deno.build.os !== "windows") {
      const bytes = MAX_DATA_BYTES + DATA_PER_CORE_BYTES * navigator.hardwareConcurrency;
      const limited = ["-c", LIMITED, "sh", String(Math.floor(bytes / 1024)), program, ...args];
      try {
        return new Deno.Command("/bin/sh", { args: limited, ...options }).spawn();
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        // no shell here: the child's memory is watched all the same
      }
    }
    return new Deno.Command(program, { args, ...options }).spawn();
  } catch (cause) {
    throw new BfaError("not_implemented", "Cannot run SQL here: no process can be started", {
      cause,
    });
  }
}

function startError(hello: Frame["header"] | undefined): BfaError {
  const failed = hello?.failed as { code: string; message: string } | undefined;
  const cause = failed?.message ?? "it ended before it was ready";
  return new BfaError("not_implemented", "Cannot run SQL here: the database cannot be loaded", {
    cause,
  });
}
