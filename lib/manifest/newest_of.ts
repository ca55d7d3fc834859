/**
 * Several readers of one publisher's manifests as one: the highest sequence is the newest, whoever shows it.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { inTime } from "../core/in_time.ts";
import type { ChannelPointer, ManifestReader, VersionEntry } from "./store.ts";

/** How long readers may take to say where a channel is, once another has said it, ms. */
const PATIENCE_MS = 2_000;

/** Reads what any of the readers shows; one that fails is passed over, as long as another answers. */
export function newestOf(
  readers: readonly ManifestReader[],
  patienceMs = PATIENCE_MS,
): ManifestReader {
  /** The highest sequence seen of each channel: what is behind it is not news. */
  const highest = new Map<string, number>();
  const all = <T>(ask: (reader: ManifestReader) => Promise<T>) =>
    answersOf(readers.map(ask), patienceMs);

  const bySequence: ManifestReader["bySequence"] = async (sequence) => {
    const failures: unknown[] = [];
    for (const reader of readers) {
      try {
        const stored = await reader.bySequence(sequence);
        if (stored) return stored;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return undefined;
  };

  return {
    bySequence,
    async head(channel) {
      const heads = await all((reader) => reader.head(channel));
      const head = heads.reduce((a, b) => sequenceIn(b.pointer) > sequenceIn(a.pointer) ? b : a);
      highest.set(channel, Math.max(sequenceIn(head.pointer), highest.get(channel) ?? 0));
      return head;
    },
    bySequences: (sequences) => Promise.all(sequences.map(bySequence)),
    async sequenceOf(version) {
      const found = await all((reader) => reader.sequenceOf(version));
      const sequences = found.filter((sequence) => sequence !== undefined);
      return sequences.length > 0 ? Math.max(...sequences) : undefined;
    },
    async versions() {
      const newest = new Map<string, VersionEntry>();
      for (const entry of (await all((reader) => reader.versions())).flat()) {
        const known = newest.get(entry.version);
        if (!known || known.sequence < entry.sequence) newest.set(entry.version, entry);
      }
      return [...newest.values()].sort((a, b) => a.sequence - b.sequence);
    },
    async channels() {
      const newest: Record<string, ChannelPointer> = {};
      for (const channels of await all((reader) => reader.channels())) {
        for (const [name, pointer] of Object.entries(channels)) {
          if (!newest[name] || newest[name].sequence < pointer.sequence) newest[name] = pointer;
        }
      }
      return newest;
    },
    async *watch(channel, signal) {
      let told = -1;
      for await (const pointer of merged(readers.map((reader) => reader.watch(channel, signal)))) {
        const sequence = sequenceIn(pointer);
        if (sequence === told || sequence < (highest.get(channel) ?? 0)) continue;
        highest.set(channel, told = sequence);
        yield pointer;
      }
    },
  };
}

function sequenceIn(pointer: ChannelPointer | null): number {
  return pointer?.sequence ?? 0;
}

/** The answers that came, of all or of those that were in time; throws when none came. */
async function answersOf<T>(asked: readonly Promise<T>[], patienceMs: number): Promise<T[]> {
  const answers: T[] = [];
  const failures: unknown[] = [];
  const settled = asked.map((answer) =>
    answer.then((value) => void answers.push(value), (error) => void failures.push(error))
  );
  await inTime(Promise.all(settled), patienceMs, () => {});
  if (answers.length > 0) return answers;
  if (failures.length > 0) throw failures[0];
  throw new BfaError("unavailable", `Cannot read manifests: no answer in ${patienceMs} ms`);
}

/** Everything that several sources give, as it comes. */
async function* merged<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const waiting: T[] = [];
  let running = sources.length;
  let failure: { error: unknown } | undefined;
  let wake = Promise.withResolvers<void>();
  for (const source of sources) {
    (async () => {
      for await (const item of source) {
        waiting.push(item);
        wake.resolve();
      }
    })().catch((error) => failure ??= { error }).finally(() => {
      running--;
      wake.resolve();
    });
  }
  while (running > 0 || waiting.length > 0) {
    while (waiting.length > 0) yield waiting.shift()!;
    if (running === 0) break;
    await wake.promise;
    wake = Promise.withResolvers();
  }
  if (failure) throw failure.error;
}
