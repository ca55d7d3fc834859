/** A mirror on a server, every request that goes there, and bytes to put on it. @module */

import { hashStream } from "../../lib/files/file_facts.ts";
import type { MirrorWorld } from "../../lib/jobs/open_mirrors.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";

/** A mirror that is watched. */
export interface CountedMirror {
  readonly mirror: Mirror;
  /** Requests, as `METHOD name`. */
  readonly sent: string[];
  /** What it told of waiting. */
  readonly waits: string[];
}

/** What a mirror lives in. */
export interface CountedOptions {
  env?: Record<string, string>;
  /** Answers the nth request instead of the server, or does something before that does. */
  answer?: ((n: number) => Response | undefined | Promise<Response | undefined>) | undefined;
}

/** Opens a mirror that tries three times, at once. */
export async function countedMirror(
  open: (world: MirrorWorld) => Promise<Mirror>,
  nameOf: (url: string) => string,
  { env = {}, answer }: CountedOptions,
): Promise<CountedMirror> {
  const sent: string[] = [];
  const waits: string[] = [];
  const mirror = await open({
    env: (name) => env[name],
    now: () => new Date(),
    onWait: (line) => waits.push(line),
    retry: { tries: 3, baseMs: 0, mostMs: 0 },
    async fetch(url, init) {
      sent.push(`${init.method} ${nameOf(url)}`);
      return await answer?.(sent.length) ?? await fetch(url, init);
    },
  });
  return { mirror, sent, waits };
}

/** Bytes as a body. */
export const bodyOf = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream();

/** Where bytes are on every mirror, under a name. */
export const pathOf = async (bytes: Uint8Array<ArrayBuffer>, name: string) =>
  `${(await hashStream(bodyOf(bytes))).sha256}/${name}`;

/** The bytes that a mirror has. */
export const bytesOf = async (mirror: Mirror, path: string) =>
  await new Response((await mirror.open(path))!.body).bytes();
