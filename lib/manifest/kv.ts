/**
 * Manifests in Deno KV: a local file, Deno Deploy's database, or any KV Connect server.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { asBfaError, BfaError } from "../core/errors.ts";
import { inTime } from "../core/in_time.ts";
import { parseManifest } from "../core/parse_manifest.ts";
import { checkWritable } from "../files/atomic_file.ts";
import { channelKey, logKey, manifestKey, PREFIXES, versionKey } from "./kv_keys.ts";
import type {
  ChannelHead,
  ChannelPointer,
  Commit,
  LogEntry,
  ManifestStore,
  StoredManifest,
  VersionEntry,
} from "./store.ts";
import { watchAndPoll } from "./watch_and_poll.ts";

/** One KV value holds 64 KiB. */
const MAX_VALUE_BYTES = 65_536;

/**
 * Values are JSON as UTF-8 bytes. What KV itself makes of a text or an object is V8's own form, which
 * an older V8 cannot read: a publisher on Deno 2.9 would lock out a service on 2.5.
 */
type Stored = Uint8Array<ArrayBuffer>;

/** How many keys KV reads at once. */
const KEYS_AT_ONCE = 10;

/** How long KV may take. A `get` against a dead backend would otherwise wait for ever. */
export interface KvDeadlines {
  readMs: number;
  commitMs: number;
  /** How often a watched channel is read as well; see {@linkcode pollEveryMs}. */
  pollMs: number;
}

/** Watch does not cross processes on one SQLite file: there, other processes are seen by poll alone. */
const POLL_FILE_MS = 1_000;

/** Over the network watch pushes; the poll is for a stream that died without a word. */
const POLL_REMOTE_MS = 60_000;

const DEADLINES: KvDeadlines = { readMs: 2_000, commitMs: 5_000, pollMs: POLL_FILE_MS };

/** How long opening may take, ms. */
const OPEN_MS = 5_000;

/**
 * Whether a KV is reached over the network.
 *
 * @param path As for {@linkcode openKv}.
 * @param onDeploy Whether the platform's own KV is Deno Deploy's, which is remote.
 */
export function isRemoteKv(path: string | undefined, onDeploy: boolean): boolean {
  return path === undefined ? onDeploy : /^https?:\/\//.test(path);
}

/** How often to read a watched channel, ms. */
export function pollEveryMs(remote: boolean): number {
  return remote ? POLL_REMOTE_MS : POLL_FILE_MS;
}

/** Somebody waits for the answer: after this time the last good one is given, ms. */
const SERVICE_READ_MS = 250;

/**
 * Reads how long a service waits for a read of KV, ms; 250 when nothing is given.
 *
 * @throws {BfaError} `usage` for anything but 1 to 60000.
 */
export function readKvReadMs(text = String(SERVICE_READ_MS)): number {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 60_000) return Number(text);
  throw new BfaError(
    "usage",
    `Cannot read BFA_KV_READ_MS ${JSON.stringify(text.slice(0, 40))}: give 1 to 60000`,
  );
}

/**
 * Opens Deno KV.
 *
 * @param path A file, an `http(s)://` KV Connect address, or nothing for the platform's own.
 * @throws {BfaError} `unavailable` with what to do, when this Deno has no KV or it does not open; `storage` on a disk
 *   that is full or read-only; `integrity` for a file that is none.
 */
export async function openKv(path?: string): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    throw new BfaError(
      "usage",
      "Cannot open Deno KV: this Deno has none without --unstable-kv",
    );
  }
  const opening = Deno.openKv(path);
  try {
    return await inTime(opening, OPEN_MS, unanswered("open", OPEN_MS));
  } catch (error) {
    opening.then((kv) => kv.close(), () => {}); // it may open too late
    // SQLite says "disk I/O error", or that it cannot open a file.
    if (path !== undefined && !isRemoteKv(path, false)) {
      await checkWritable(path);
      checkWhole(error, path);
    }
    const code = isFull(error) ? "storage" : "unavailable";
    throw asBfaError(error, code, `open Deno KV at ${path ?? "the default place"}`);
  }
}

function checkWhole(cause: unknown, path: string): void {
  const message = cause instanceof Error ? cause.message : "";
  if (!/file is not a database|disk image is malformed/.test(message)) return;
  throw new BfaError(
    "integrity",
    `Cannot read ${path}: it is damaged, or no KV file; put a copy in its place, or give another --kv`,
    { cause },
  );
}

/** A store of manifests on an open KV. */
export function kvManifestStore(kv: Deno.Kv, options: Partial<KvDeadlines> = {}): ManifestStore {
  const { readMs, commitMs, pollMs } = { ...DEADLINES, ...options };
  const read = <T>(work: () => Promise<T>) =>
    retryLocked(() => inTime(work(), readMs, unanswered("reach", readMs)), readMs);

  async function head(channel: string): Promise<ChannelHead> {
    const entry = await read(() => kv.get<Stored>(channelKey(channel)));
    return { pointer: decode<ChannelPointer>(entry.value), versionstamp: entry.versionstamp };
  }

  async function list<T>(
    prefix: Deno.KvKey,
    options: Deno.KvListOptions,
  ): Promise<{ name: string; value: T }[]> {
    const entries = await read(async () =>
      await Array.fromAsync(kv.list<Stored>({ prefix }, options))
    );
    return entries.map(({ key, value }) => ({
      name: String(key.at(-1)),
      value: decode<T>(value)!,
    }));
  }

  return {
    head,

    async bySequence(sequence: number): Promise<StoredManifest | undefined> {
      const { value } = await read(() => kv.get<Stored>(manifestKey(sequence)));
      return storedManifest(value);
    },

    async bySequences(sequences: readonly number[]): Promise<(StoredManifest | undefined)[]> {
      const batches: Deno.KvKey[][] = [];
      for (let at = 0; at < sequences.length; at += KEYS_AT_ONCE) {
        batches.push(sequences.slice(at, at + KEYS_AT_ONCE).map(manifestKey));
      }
      const read10 = (keys: Deno.KvKey[]) => read(() => kv.getMany<Stored[]>(keys));
      const entries = await Promise.all(batches.map(read10));
      return entries.flat().map(({ value }) => storedManifest(value));
    },

    async sequenceOf(version: string): Promise<number | undefined> {
      const { value } = await read(() => kv.get<Stored>(versionKey(version)));
      return decode<number>(value) ?? undefined;
    },

    async versions(): Promise<VersionEntry[]> {
      const entries = await list<number>(PREFIXES.versions, {});
      return entries
        .map(({ name, value }) => ({ version: name, sequence: value }))
        .sort((a, b) => a.sequence - b.sequence);
    },

    async channels(): Promise<Record<string, ChannelPointer>> {
      const entries = await list<ChannelPointer>(PREFIXES.channels, {});
      return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
    },

    async lastSequence(): Promise<number> {
      const [last] = await list(PREFIXES.manifests, { limit: 1, reverse: true });
      return last ? Number(last.name) : 0;
    },

    async log(limit: number): Promise<LogEntry[]> {
      const entries = await list<LogEntry>(PREFIXES.log, { limit, reverse: true });
      return entries.map(({ value }) => value);
    },

    async commit({ stored, head, log }: Commit): Promise<boolean> {
      const { sequence, version, channel } = stored.manifest.signed;
      const text = new TextEncoder().encode(stored.text);
      if (text.length > MAX_VALUE_BYTES) {
        throw new BfaError(
          "limit",
          `Cannot publish ${version}: its manifest has ${text.length} bytes, Deno KV takes ${MAX_VALUE_BYTES}`,
        );
      }
      const pointer: ChannelPointer = { sequence, version };
      const attempt = () =>
        kv.atomic()
          .check({ key: manifestKey(sequence), versionstamp: null })
          .check({ key: channelKey(channel), versionstamp: head.versionstamp })
          .set(manifestKey(sequence), text)
          .set(channelKey(channel), encode(pointer))
          .set(versionKey(version), encode(sequence))
          .set(logKey(sequence), encode(log))
          .commit();
      let failure: unknown;
      try {
        const result = await retryLocked(
          () => inTime(attempt(), commitMs, unanswered("reach", commitMs)),
          commitMs,
        );
        if (result.ok) return true;
      } catch (error) {
        failure = error;
      }
      // A commit that failed, or that the transport sent twice, may have landed: the log tells.
      const { value } = await read(() => kv.get<Stored>(logKey(sequence)));
      const landed = decode<LogEntry>(value);
      if (landed?.id === log.id) return true;
      if (landed === null && failure !== undefined) throw failure;
      return false;
    },

    async *watch(channel: string, signal: AbortSignal): AsyncIterable<ChannelPointer | null> {
      let seen: number | undefined;
      const pointers = watchAndPoll({
        open: () => kv.watch<[Stored]>([channelKey(channel)]),
        decode: ([{ value }]) => decode<ChannelPointer>(value),
        read: async () => (await head(channel)).pointer,
        pollMs,
        brokenMs: Math.min(pollMs, POLL_FILE_MS),
        signal,
      });
      for await (const pointer of pointers) {
        const sequence = pointer?.sequence ?? 0;
        if (sequence === seen) continue;
        seen = sequence;
        yield pointer;
      }
    },

    close: () => kv.close(),
  };
}

function storedManifest(value: Stored | null): StoredManifest | undefined {
  if (value === null) return undefined;
  const text = textOf(value);
  return { text, manifest: parseManifest(text) };
}

function encode(value: unknown): Stored {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode<T>(value: Stored | null): T | null {
  return value === null ? null : JSON.parse(textOf(value));
}

function textOf(value: Stored): string {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw new BfaError("integrity", "Cannot read Deno KV: it holds values that bfa did not write");
}

/** What is thrown when KV takes too long. */
function unanswered(action: "open" | "reach", ms: number): () => never {
  return () => {
    throw new BfaError(
      "unavailable",
      `Cannot ${action} Deno KV: no answer in ${ms} ms; it is down, or another process keeps it locked`,
    );
  };
}

/** What SQLite says of a disk without room, or that was made read-only meanwhile. */
function isFull(error: unknown): boolean {
  return error instanceof Error && /disk is full|readonly database/.test(error.message);
}

/** SQLite says "database is locked" while another process writes: wait a little and try again. */
async function retryLocked<T>(work: () => Promise<T>, forMs: number): Promise<T> {
  const end = performance.now() + forMs;
  for (let waitMs = 5;; waitMs = Math.min(waitMs * 2, 250)) {
    try {
      return await work();
    } catch (error) {
      const locked = error instanceof Error && /database is (locked|busy)/.test(error.message);
      if (!locked) {
        throw asBfaError(error, isFull(error) ? "storage" : "unavailable", "use Deno KV");
      }
      if (performance.now() + waitMs > end) {
        throw new BfaError(
          "unavailable",
          "Cannot use Deno KV: another process keeps it locked; try again when that has finished",
          { cause: error },
        );
      }
      await delay(waitMs * (0.5 + Math.random() / 2));
    }
  }
}
