/**
 * Every key that bfa uses in Deno KV. Values are JSON as UTF-8 bytes.
 *
 * | key | value |
 * | --- | --- |
 * | `["bfa","manifest",sequence]` | the signed manifest, as text; create-only |
 * | `["bfa","channel",name]` | `{ sequence, version }` |
 * | `["bfa","version",version]` | the newest sequence that describes it |
 * | `["bfa","log",sequence]` | who moved what, when, why |
 *
 * @module
 */

/** The manifest with a sequence. */
export const manifestKey = (sequence: number): Deno.KvKey => ["bfa", "manifest", sequence];

/** A channel's pointer. */
export const channelKey = (name: string): Deno.KvKey => ["bfa", "channel", name];

/** The newest sequence that describes a version. */
export const versionKey = (version: string): Deno.KvKey => ["bfa", "version", version];

/** The log entry of a sequence. */
export const logKey = (sequence: number): Deno.KvKey => ["bfa", "log", sequence];

/** Prefixes of the lists above. */
export const PREFIXES = {
  manifests: ["bfa", "manifest"],
  channels: ["bfa", "channel"],
  versions: ["bfa", "version"],
  log: ["bfa", "log"],
} as const satisfies Record<string, Deno.KvKey>;
