/**
 * A small KV Connect server (protocol version 3) on loopback, as far as bfa uses it: reads, checked
 * writes of `set` and `delete`, and watch. It breaks on demand.
 *
 * @module
 */

import { joinBytes } from "../../lib/core/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A running server. */
export interface KvConnect {
  readonly url: string;
  /** What clients must have in `DENO_KV_ACCESS_TOKEN`. */
  readonly token: string;
  /** Paths of all requests so far. */
  readonly seen: string[];
  /** From now on takes requests and does not answer; call what is returned to answer them all. */
  hang(): () => void;
  /** Commits the next write, and answers 503. */
  loseNextAnswer(): void;
  /** How many watch streams are open. */
  watchers(): number;
  close(): Promise<void>;
}

interface Entry {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly encoding: number;
  readonly versionstamp: Bytes;
}

interface Watcher {
  readonly keys: readonly string[];
  push(changed: ReadonlySet<string>): void;
  end(): void;
}

const TOKEN = "test-token";
const NOTHING: Bytes = new Uint8Array();
const MUTATION_DELETE = 2;

/** Starts the server, and tells this process's Deno the token that it takes. */
export function serveKv(): KvConnect {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", TOKEN);
  const entries = new Map<string, Entry>();
  const watchers = new Set<Watcher>();
  const closing = new AbortController();
  let hanging = Promise.resolve();
  let loseAnswer = false;
  let commits = 0n;

  function read(request: Fields): Bytes {
    const ranges = all(request, 1).map((bytes) => {
      const range = decode(bytes);
      const [start, end] = [first(range, 1).toHex(), first(range, 2).toHex()];
      const keys = [...entries.keys()].filter((key) => start <= key && key < end).sort();
      if (number(range, 4) !== 0) keys.reverse();
      const values = keys.slice(0, number(range, 3)).map((key) => field(1, entry(key)));
      return field(1, joinBytes(values));
    });
    return joinBytes([...ranges, varintField(4, 1), varintField(8, 1)]);
  }

  function write(request: Fields): Bytes {
    const agrees = all(request, 1).map(decode).every((check) =>
      (entries.get(first(check, 1).toHex())?.versionstamp ?? NOTHING).toHex() ===
        first(check, 2).toHex()
    );
    if (!agrees) return varintField(1, 2);
    const versionstamp = new Uint8Array(10);
    new DataView(versionstamp.buffer).setBigUint64(0, ++commits);
    const changed = new Set<string>();
    for (const mutation of all(request, 2).map(decode)) {
      const key = first(mutation, 1);
      const value = decode(first(mutation, 2));
      changed.add(key.toHex());
      if (number(mutation, 3) === MUTATION_DELETE) entries.delete(key.toHex());
      else {
        const encoding = number(value, 2);
        entries.set(key.toHex(), { key, value: first(value, 1), encoding, versionstamp });
      }
    }
    for (const watcher of watchers) watcher.push(changed);
    return joinBytes([varintField(1, 1), field(2, versionstamp)]);
  }

  function watch(request: Fields): ReadableStream<Bytes> {
    const keys = all(request, 1).map((bytes) => first(decode(bytes), 1).toHex());
    let watcher: Watcher | undefined;
    return new ReadableStream<Bytes>({
      start(controller) {
        const push = (changed: ReadonlySet<string>) => {
          if (!keys.some((key) => changed.has(key))) return;
          const outputs = keys.map((key) => {
            if (!changed.has(key)) return field(2, NOTHING);
            const now = entries.has(key) ? field(2, entry(key)) : NOTHING;
            return field(2, joinBytes([varintField(1, 1), now]));
          });
          controller.enqueue(framed(joinBytes([varintField(1, 1), ...outputs])));
        };
        watcher = { keys, push, end: () => controller.close() };
        watchers.add(watcher);
        push(new Set(keys));
      },
      cancel() {
        if (watcher) watchers.delete(watcher);
      },
    });
  }

  function entry(key: string): Bytes {
    const { key: name, value, encoding, versionstamp } = entries.get(key)!;
    return joinBytes([
      field(1, name),
      field(2, value),
      varintField(3, encoding),
      field(4, versionstamp),
    ]);
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    kv.seen.push(pathname);
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return new Response("bad token", { status: 401 });
    }
    const body = new Uint8Array(await request.arrayBuffer());
    await hanging;
    switch (pathname) {
      case "/":
        return Response.json({
          version: 3,
          databaseId: "00000000-0000-4000-8000-000000000001",
          endpoints: [{ url: "/v2", consistency: "strong" }],
          token: TOKEN,
          expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
        });
      case "/v2/snapshot_read":
        return new Response(read(decode(body)));
      case "/v2/atomic_write": {
        const written = write(decode(body));
        if (!loseAnswer) return new Response(written);
        loseAnswer = false;
        return new Response("try later", { status: 503 });
      }
      case "/v2/watch":
        return new Response(watch(decode(body)));
    }
    return new Response("no such path", { status: 404 });
  }

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {}, signal: closing.signal },
    answer,
  );
  const kv: KvConnect = {
    url: `http://127.0.0.1:${server.addr.port}`,
    token: TOKEN,
    seen: [],
    hang() {
      const { promise, resolve } = Promise.withResolvers<void>();
      hanging = promise;
      return resolve;
    },
    loseNextAnswer() {
      loseAnswer = true;
    },
    watchers: () => watchers.size,
    async close() {
      for (const watcher of watchers) watcher.end();
      closing.abort();
      await server.finished;
    },
  };
  return kv;
}

// Protocol buffers, as far as the protocol needs them: varints and length-delimited fields.

type Fields = ReadonlyMap<number, (bigint | Bytes)[]>;

function decode(bytes: Bytes): Fields {
  const fields = new Map<number, (bigint | Bytes)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    let value: bigint | Bytes = varint();
    if ((tag & 7) === 2) {
      const length = Number(value);
      value = bytes.slice(at, at + length);
      at += length;
    }
    const values = fields.get(tag >> 3);
    if (values) values.push(value);
    else fields.set(tag >> 3, [value]);
  }
  return fields;
}

const all = (fields: Fields, tag: number) => (fields.get(tag) ?? []) as Bytes[];
const first = (fields: Fields, tag: number) => all(fields, tag)[0] ?? NOTHING;
const number = (fields: Fields, tag: number) => Number(fields.get(tag)?.[0] ?? 0);

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}

const varintField = (tag: number, value: number): Bytes =>
  new Uint8Array([...varint(tag << 3), ...varint(value)]);

const field = (tag: number, value: Bytes): Bytes =>
  joinBytes([new Uint8Array([...varint((tag << 3) | 2), ...varint(value.length)]), value]);

/** A message on a watch stream: its length in four bytes, then itself. */
function framed(message: Bytes): Bytes {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, message.length, true);
  return joinBytes([header, message]);
}
