/**
 * A copy in memory: for platforms without files, and for disks that refuse to be written.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { toHex } from "../core/bytes.ts";
import { IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import type { CopyRecord, CopyStore, PartialObject } from "./copy_store.ts";

/** Makes an empty copy in memory. */
export function memoryStore(): CopyStore {
  const records = new Map<string, CopyRecord>();
  const manifests = new Map<string, Map<number, string>>();
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const locks = new Map<string, Promise<unknown>>();

  return {
    place: "memory",
    durable: false,
    record: (source) => Promise.resolve(records.get(source)),
    setRecord(source, record) {
      records.set(source, record);
      return Promise.resolve();
    },
    manifest: (source, sequence) => Promise.resolve(manifests.get(source)?.get(sequence)),
    setManifest(source, sequence, text) {
      const kept = manifests.get(source) ?? new Map();
      manifests.set(source, kept.set(sequence, text));
      return Promise.resolve();
    },
    sequences: (source) =>
      Promise.resolve([...manifests.get(source)?.keys() ?? []].sort((a, b) => a - b)),
    has: (artifact) => Promise.resolve(objects.has(artifact.sha256)),
    read: (artifact) => Promise.resolve(objects.get(artifact.sha256)),
    putAside(artifact) {
      objects.delete(artifact.sha256);
      return Promise.resolve();
    },
    path: () => Promise.resolve(undefined),
    begin: (artifact) => Promise.resolve(partial(artifact, objects)),
    async withLock(name, waitMs, work) {
      const before = locks.get(name);
      const mine = before ? inTurn(before, waitMs).then(work) : work();
      const done = mine.catch(() => {});
      locks.set(name, done);
      try {
        return await mine;
      } finally {
        if (locks.get(name) === done) locks.delete(name);
      }
    },
    count: () => {},
  };
}

/** Waits for the one before, as long as a lock is worth it. */
async function inTurn(before: Promise<unknown>, waitMs: number): Promise<void> {
  const waiting = new AbortController();
  try {
    await Promise.race([before, delay(waitMs, { signal: waiting.signal }).catch(() => {})]);
  } finally {
    waiting.abort();
  }
}

function partial(artifact: Artifact, objects: Map<string, Uint8Array<ArrayBuffer>>): PartialObject {
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  return {
    get bytes() {
      return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    },
    append(chunk) {
      chunks.push(chunk);
      return Promise.resolve();
    },
    restart() {
      chunks = [];
      return Promise.resolve();
    },
    async commit() {
      const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
      const actual = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
      if (actual !== artifact.sha256) {
        chunks = [];
        throw new IntegrityError(artifact.name, artifact.sha256, actual);
      }
      objects.set(artifact.sha256, bytes);
    },
    close() {},
  };
}
