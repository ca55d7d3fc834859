/**
 * A warm pool of SQL children: a queue in front, a deadline for each statement, and a new child for
 * every one that died.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { Shares } from "../core/shares.ts";
import type { SqlParams } from "../core/sql_params.ts";
import type { TableFormat } from "../formats/formats.ts";
import { SERVICE_LIMITS, type SqlAnswerParts, type SqlLimits } from "./sql_answer.ts";
import type { SqlData } from "./sql_database.ts";
import {
  ChildEnded,
  denoSqlCommand,
  type SqlCommand,
  type SqlProcess,
  startSqlProcess,
} from "./sql_process.ts";

/** How a pool works; everything has a default. */
export interface SqlPoolOptions {
  /** How to start a child. */
  readonly command?: SqlCommand | undefined;
  /** Children, and so statements at once. */
  readonly slots?: number | undefined;
  /** Statements that may wait. */
  readonly queue?: number | undefined;
  /** How long one may wait, ms. */
  readonly waitMs?: number | undefined;
  /** Statements of one client at once, waiting or running. */
  readonly perClient?: number | undefined;
  /** How long a statement may run, ms. */
  readonly deadlineMs?: number | undefined;
  /** How long it may take to stop after that, ms; then its child is killed. */
  readonly graceMs?: number | undefined;
  readonly limits?: SqlLimits | undefined;
}

/** One question. */
export interface SqlQuestion {
  /** The statement in its normal form. */
  readonly sql: string;
  readonly params?: SqlParams | undefined;
  /** The format of the answer; rows of JSON, when left out. */
  readonly format?: TableFormat | undefined;
  /** Who asks, where that is known. */
  readonly client?: string | undefined;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer, and what gave it. */
export interface SqlPoolAnswer extends SqlAnswerParts {
  readonly data: SqlData;
}

/** How busy a pool is. */
export interface SqlLoad {
  /** Statements that run, and how many may. */
  readonly running: number;
  readonly slots: number;
  /** Statements that wait, and how many may. */
  readonly waiting: number;
  readonly queue: number;
  /** Memory that the children held when they last answered. */
  readonly bytes: number;
}

const DEFAULTS = {
  slots: 2,
  queue: 8,
  waitMs: 1_000,
  perClient: 4,
  deadlineMs: 5_000,
  graceMs: 1_000,
  limits: SERVICE_LIMITS,
} as const;

/** A child that holds more after an answer is replaced: it would not give the memory back, bytes. */
const RETIRE_BYTES = 300e6;

/** But only when it has grown by so much: under an emulator it holds more than that from its start on, bytes. */
const RETIRE_GROWTH_BYTES = 150e6;

/** How long a client that has left may keep a child busy, ms. */
const LEFT_GRACE_MS = 500;

/** How long children may take to start before those who wait are told, ms. */
const START_MS = 10_000;

/** After so many children in a row that did not start, no more are tried for a while. */
const MAX_FAILURES = 3;

/** How long that while is, ms. */
const FAILED_MS = 30_000;

/** A child that a statement may ask, until it is done. */
interface Turn {
  readonly child: SqlProcess;
  done(): void;
}

/** One that waits for a child. */
interface Waiter {
  readonly client: string | undefined;
  give(turn: Turn): void;
  fail(error: BfaError): void;
}

/** Children for one version at a time. */
export class SqlPool {
  readonly #options: Required<{ [K in keyof SqlPoolOptions]: NonNullable<SqlPoolOptions[K]> }>;
  readonly #shares: Shares;
  /** Who runs: half of the children are for others. */
  readonly #running: Shares;
  readonly #alive = new Set<SqlProcess>();
  readonly #starting = new Set<Promise<void>>();
  #idle: SqlProcess[] = [];
  #waiters: Waiter[] = [];
  #data: SqlData | undefined;
  #failures = 0;
  #failedAt = 0;
  #closed = false;

  /** Makes a pool without children; {@linkcode use} starts them. */
  constructor(options: SqlPoolOptions = {}) {
    const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined));
    this.#options = { command: denoSqlCommand(), ...DEFAULTS, ...given };
    this.#shares = new Shares(this.#options.perClient);
    this.#running = new Shares(Math.ceil(this.#options.slots / 2));
  }

  /** How busy it is. */
  get load(): SqlLoad {
    const { slots, queue } = this.#options;
    const children = [...this.#alive];
    return {
      running: children.filter((child) => !this.#idle.includes(child)).length,
      slots,
      waiting: this.#waiters.length,
      queue,
      bytes: children.reduce((sum, child) => sum + child.resident, 0),
    };
  }

  /** Ids of the children that live. */
  get pids(): number[] {
    return [...this.#alive].map((child) => child.pid);
  }

  /** Serves a version from now on: new children are started, the old ones finish what they do. */
  use(data: SqlData): void {
    this.#data = data;
    this.#failures = 0;
    for (const child of this.#idle) child.kill();
    this.#idle = [];
    this.#fill();
  }

  /**
   * Runs one statement.
   *
   * @throws {BfaError} `busy`, `deadline`, `limit`, `sql_rejected` or `not_implemented`.
   */
  async query(question: SqlQuestion): Promise<SqlPoolAnswer> {
    const giveBack = this.#shares.take(question.client);
    if (!giveBack) {
      const { most } = this.#shares;
      throw new BfaError("busy", `Cannot run more than ${most} of your statements at once`);
    }
    try {
      return await this.#run(question);
    } finally {
      giveBack();
    }
  }

  /** Ends all children. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) {
      waiter.fail(new BfaError("busy", "Cannot run this SQL: the server stops"));
    }
    await Promise.all(this.#starting);
    for (const child of this.#alive) child.kill();
    await Promise.all([...this.#alive].map((child) => child.ended));
  }

  async #run(question: SqlQuestion): Promise<SqlPoolAnswer> {
    // Idle children that have just died are found out one by one.
    for (let left = this.#options.slots;; left--) {
      const { child, done } = await this.#turn(question);
      try {
        return await this.#ask(child, question);
      } catch (error) {
        if (!(error instanceof ChildEnded) || error.started || left === 0) throw error;
      } finally {
        done();
      }
    }
  }

  async #ask(
    child: SqlProcess,
    { sql, params, format, signal }: SqlQuestion,
  ): Promise<SqlPoolAnswer> {
    const { deadlineMs, graceMs } = this.#options;
    const timers: ReturnType<typeof setTimeout>[] = [];
    let late = false;
    const stop = (graceMs: number) => {
      child.interrupt();
      timers.push(setTimeout(child.kill, graceMs));
    };
    const leave = () => stop(LEFT_GRACE_MS);
    timers.push(setTimeout(() => {
      late = true;
      stop(graceMs);
    }, deadlineMs));
    signal?.addEventListener("abort", leave);
    if (signal?.aborted) leave();
    let killed = true;
    try {
      const parts = await child.ask({ sql, params, format });
      killed = false;
      return { ...parts, data: child.data };
    } catch (error) {
      killed = !this.#alive.has(child);
      if (signal?.aborted) throw left();
      if (!late) throw error;
      const seconds = deadlineMs / 1000;
      throw new BfaError("deadline", `Cannot finish this SQL within ${seconds} s`, {
        cause: error,
      });
    } finally {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
      if (!killed) this.#release(child);
    }
  }

  /** A child to ask: an idle one, or the next that is free. */
  async #turn({ client, signal }: SqlQuestion): Promise<Turn> {
    if (signal?.aborted) throw left();
    const turn = this.#take(client);
    if (turn) {
      this.#fill();
      return turn;
    }
    if (performance.now() - this.#failedAt > FAILED_MS) this.#failures = 0;
    if (this.#closed || !this.#data || this.#failures >= MAX_FAILURES) {
      throw new BfaError("not_implemented", "Cannot run SQL here: the database cannot be loaded");
    }
    if (this.#waiters.length >= this.#options.queue) {
      throw new BfaError("busy", "Cannot run this SQL now: too many statements wait already");
    }
    const { promise, resolve, reject } = Promise.withResolvers<Turn>();
    const waiter: Waiter = { client, give: resolve, fail: reject };
    this.#waiters.push(waiter);
    this.#fill();
    const giveUp = (error: BfaError) => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      reject(error);
    };
    const leave = () => giveUp(left());
    signal?.addEventListener("abort", leave);
    const busy = () =>
      giveUp(new BfaError("busy", "Cannot run this SQL now: all children are busy"));
    let timer = setTimeout(() => {
      // One that starts will be there soon: it is worth the wait.
      if (this.#starting.size) timer = setTimeout(busy, START_MS);
      else busy();
    }, this.#options.waitMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
    }
  }

  /** An idle child for a client, unless it has its share of them. */
  #take(client: string | undefined): Turn | undefined {
    this.#idle = this.#idle.filter((child) => this.#alive.has(child));
    if (this.#idle.length === 0) return undefined;
    const giveBack = this.#running.take(client);
    if (!giveBack) return undefined;
    const done = () => {
      giveBack();
      this.#giveOn();
    };
    return { child: this.#idle.pop()!, done };
  }

  /** Gives idle children to those who wait and may have one, in their order. */
  #giveOn(): void {
    for (const waiter of [...this.#waiters]) {
      const turn = this.#take(waiter.client);
      if (!turn) continue;
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.give(turn);
    }
  }

  /** A child has answered: the next one takes it, unless it is of an old version or has grown. */
  #release(child: SqlProcess): void {
    const full = child.resident > RETIRE_BYTES && child.grown > RETIRE_GROWTH_BYTES;
    const spent = child.broken || full;
    if (child.data !== this.#data || spent || this.#closed) {
      child.kill();
      return;
    }
    this.#idle.push(child);
    this.#giveOn();
  }

  /** Starts children: one that waits for the next question, as long as there is room for it. */
  #fill(): void {
    const missing = () => {
      const current = [...this.#alive].filter((child) => child.data === this.#data).length;
      const busy = current - this.#idle.length;
      const wanted = Math.min(this.#options.slots, busy + Math.max(1, this.#waiters.length));
      return current + this.#starting.size < wanted;
    };
    while (!this.#closed && this.#data && this.#failures < MAX_FAILURES && missing()) {
      const starting = this.#start(this.#data).finally(() => {
        this.#starting.delete(starting);
        this.#fill();
      });
      this.#starting.add(starting);
    }
  }

  async #start(data: SqlData): Promise<void> {
    const { command, limits } = this.#options;
    let child: SqlProcess;
    try {
      child = await startSqlProcess({ command, data, limits });
    } catch (error) {
      this.#failedAt = performance.now();
      if (data !== this.#data || ++this.#failures < MAX_FAILURES) return;
      for (const waiter of this.#waiters.splice(0)) waiter.fail(error as BfaError);
      return;
    }
    this.#failures = 0;
    this.#alive.add(child);
    child.ended.then(() => {
      this.#alive.delete(child);
      this.#idle = this.#idle.filter((other) => other !== child);
      this.#fill();
    });
    this.#release(child);
  }
}

function left(): BfaError {
  return new BfaError("deadline", "Cannot answer: the client has left");
}
