/**
 * The process that runs strangers' SQL: an entry point (in bundles and compiled programs, a call of `cli.ts`), started
 * by `sql_process.ts` with an empty environment and no permission but to load DuckDB. It reads requests from stdin and answers on stdout.
 *
 * It may die at any time; nothing is lost with it.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { SqlParams } from "../core/sql_params.ts";
import type { TableFormat } from "../formats/formats.ts";
import { type SqlAnswerParts, type SqlLimits, startSql } from "./sql_answer.ts";
import { openLockedDatabase, type SqlData } from "./sql_database.ts";
import { sqlFailure } from "./sql_failure.ts";
import { type Frame, frameBytes, readFrames } from "./sql_frames.ts";
import { openGate, type SqlGate } from "./sql_gate.ts";

/** What a child is told first. */
export interface ChildStart {
  readonly data: SqlData;
  readonly limits: SqlLimits;
  /** It asks to be ended when it holds more, bytes. */
  readonly maxResidentBytes: number;
}

/** What a child is asked. */
export interface ChildRequest {
  readonly sql: string;
  readonly params?: SqlParams | undefined;
  /** Rows of JSON, when left out. */
  readonly format?: TableFormat | undefined;
}

/** What a statement may always take, bytes: an emulator holds much of {@linkcode ChildStart.maxResidentBytes} itself. */
const ROOM_BYTES = 400e6;

/** How often memory is looked at while a statement runs, ms. */
const WATCH_MS = 20;

/** Runs the child until stdin ends. */
export async function runSqlChild(): Promise<void> {
  // A program that starts itself as a child has all it was given: see `denoSqlCommand()`.
  for (const name of ["net", "write", "run", "sys"] as const) Deno.permissions.revokeSync({ name });
  // Ctrl-C in a terminal reaches all processes: the server decides when its children end.
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGINT", () => {});
  const frames = readFrames(Deno.stdin.readable);
  const first = await frames.next();
  if (first.done) return;
  const start = first.value.header as unknown as ChildStart;
  let child: Child;
  try {
    child = await Child.open(start);
  } catch (error) {
    const code = error instanceof BfaError ? error.code : "internal";
    return await send({ failed: { code, message: String(error) } });
  }
  await send({ ready: true, resident: Deno.memoryUsage().rss });
  for await (const { header } of frames) {
    if (header.interrupt) child.interrupt();
    else child.run(header as unknown as ChildRequest);
  }
}

/** One statement at a time. */
class Child {
  #interrupt: () => void = () => {};
  readonly #space: Uint8Array<ArrayBuffer>;
  readonly #maxResidentBytes: number;

  private constructor(
    readonly gate: SqlGate,
    readonly database: Awaited<ReturnType<typeof openLockedDatabase>>,
    readonly start: ChildStart,
  ) {
    this.#space = new Uint8Array(start.limits.bytes);
    const withRoom = Deno.memoryUsage().rss + ROOM_BYTES;
    this.#maxResidentBytes = Math.max(start.maxResidentBytes, withRoom);
  }

  static async open(start: ChildStart): Promise<Child> {
    const database = await openLockedDatabase(start.data);
    const gate = await openGate();
    await gate.check("SELECT 1"); // the first one takes longer
    return new Child(gate, database, start);
  }

  interrupt(): void {
    this.#interrupt();
  }

  async run(request: ChildRequest): Promise<void> {
    await send({ started: true }); // if it ends from here on, the statement may be the reason
    const { header, body } = await this.#answer(request);
    // Sent when this one is over to the last: the next one may come at once.
    await send({ ...header, resident: Deno.memoryUsage().rss }, body);
  }

  async #answer(request: ChildRequest): Promise<Pick<Frame, "header"> & Partial<Frame>> {
    const watch = setInterval(() => this.#watch(), WATCH_MS);
    let interrupted = false;
    this.#interrupt = () => interrupted = true;
    try {
      await this.gate.check(request.sql);
      const options = { ...request, limits: this.start.limits, space: this.#space };
      const running = await startSql(this.database, request.sql, options);
      this.#interrupt = running.interrupt;
      if (interrupted) running.interrupt();
      const answer = await running.answer;
      const { format } = request;
      const { head, rows } = format ? await encoded(answer, format) : answer;
      return { header: { ...head }, body: rows };
    } catch (error) {
      const { code, message } = sqlFailure(error);
      // After such an error DuckDB refuses everything else.
      const broken = /^(INTERNAL|FATAL) Error/i.test(String((error as Error).message));
      return { header: { failed: { code, message }, broken } };
    } finally {
      clearInterval(watch);
      this.#interrupt = () => {};
    }
  }

  /** Asks to be ended: a process full of native work cannot be sure to end itself. */
  #watch(): void {
    if (Deno.memoryUsage().rss > this.#maxResidentBytes) send({ full: true });
  }
}

/** What makes other formats is loaded when one is asked for. */
async function encoded(answer: SqlAnswerParts, format: TableFormat): Promise<SqlAnswerParts> {
  return await (await import("./sql_encoded.ts")).sqlEncoded(answer, format);
}

/** One write at a time, whole. */
let sending: Promise<void> = Promise.resolve();
function send(header: Frame["header"], body?: Uint8Array<ArrayBuffer>): Promise<void> {
  return sending = sending.then(async () => {
    for (const bytes of frameBytes(header, body)) {
      for (let done = 0; done < bytes.length;) {
        done += await Deno.stdout.write(bytes.subarray(done));
      }
    }
  });
}

if (import.meta.main) {
  await runSqlChild();
  Deno.exit(0); // whatever still runs
}
