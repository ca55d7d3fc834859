/**
 * Options that several commands share. A command takes only the groups it needs.
 *
 * @module
 */

import { type Inputs, type Option, type Options, settingName } from "./command.ts";
import { BfaError } from "../lib/core/errors.ts";
import { FORMATS } from "./output.ts";

/** For commands that ask the dataset. */
export const CLIENT_OPTIONS = {
  endpoint: {
    value: "URL",
    help: "Service or static mirror to use, github:OWNER/REPO or oci://HOST/REPOSITORY",
    env: "BFA_ENDPOINT",
  },
  "download-hosts": {
    value: "HOST",
    many: true,
    help: "Also follow redirects of downloads to this host (GitHub's are known)",
    env: "BFA_DOWNLOAD_HOSTS",
  },
  channel: { value: "NAME", help: "Channel to follow (latest)", env: "BFA_CHANNEL" },
  at: { value: "VERSION", help: "Answer from this version; it never goes stale" },
  "as-of": { value: "DAY", help: "Answer from what was published by the end of this day" },
  offline: { help: "Never use the network", env: "BFA_OFFLINE" },
  "no-copy": {
    help: "Keep nothing on disk; numbers are read by ranges of the published files",
    env: "BFA_NO_COPY",
  },
  "refresh-cache": { help: "Ask the publisher for a newer version first" },
  "max-age": {
    value: "DURATION",
    help: "Ask first when the last check is older: 90s, 30m, 12h, 7d",
    env: "BFA_MAX_AGE",
  },
  "accept-expired": { help: "Answer even when the copy's signature has ended" },
  "trusted-keys": {
    value: "KEY",
    many: true,
    help: "Trust only manifests signed by these keys",
    env: "BFA_TRUSTED_KEYS",
  },
  "cache-dir": { value: "DIR", help: "Where the copy is kept", env: "BFA_CACHE_DIR" },
} as const satisfies Options;

const { "refresh-cache": _, ...silent } = CLIENT_OPTIONS;

/** For commands that ask nobody, or ask in any case. */
export const SILENT_CLIENT_OPTIONS: Options = silent;

/** For commands that print answers. */
export const OUTPUT_OPTIONS = {
  format: {
    value: "FORMAT",
    help:
      "table, json, ndjson, csv, md, arrow, parquet or lines (table on a terminal, lines in a pipe)",
    choices: FORMATS,
    env: "BFA_FORMAT",
  },
  json: { help: "Same as --format json" },
} as const satisfies Options;

/** For commands whose rows can be sifted. */
export const SIFT_OPTIONS: Options = {
  where: {
    value: "CONDITION",
    many: true,
    help:
      "Only such rows: a column, = != < <= > or >=, and a value: quote_asset=USDT, 'trade_count>=1e6'",
  },
  sort: {
    value: "COLUMN",
    many: true,
    help: "Sort by a column; --sort=-COLUMN has the largest first",
  },
};

/** For all commands. */
export const COMMON_OPTIONS: Options = {
  quiet: { short: "q", help: "No notices" },
  verbose: { short: "v", help: "Also the cause of a failure" },
  "no-progress": { help: "No progress bar", env: "BFA_NO_PROGRESS" },
  help: { short: "h", help: "This text" },
};

/** For commands that publish, or serve what was published. */
export const PUBLISHER_OPTIONS = {
  "data-dir": {
    value: "DIR",
    help: "Publisher's state: KV file, mirror, builds, key (.bfa)",
    env: "BFA_DATA_DIR",
  },
  kv: { value: "PLACE", help: "Deno KV: a file, or http(s)://\u2026 (KV Connect)", env: "BFA_KV" },
  mirror: {
    value: "PLACE",
    many: true,
    commas: true,
    help:
      "A folder, s3://BUCKET/PREFIX, oci://HOST/REPOSITORY or github:OWNER/REPO (DATA_DIR/mirror)",
    env: "BFA_MIRROR",
  },
} as const satisfies Options;

/** For commands that build. */
export const BUILD_OPTIONS: Options = {
  "whole-files": {
    value: "HOW_OFTEN",
    help:
      "How far files of all days go: daily (the newest day), weekly or monthly (the last settled one)",
    choices: ["daily", "weekly", "monthly"],
    env: "BFA_WHOLE_FILES",
  },
};

/** For commands that sign. */
export const SIGNING_OPTIONS = {
  ...PUBLISHER_OPTIONS,
  "mirror-url": {
    value: "URL",
    many: true,
    help: "Public address of a mirror, to name in the manifest",
    env: "BFA_MIRROR_URLS",
  },
  channel: { value: "NAME", help: "Channel to move (latest)", env: "BFA_CHANNEL" },
  reason: { value: "TEXT", help: "Why; kept in the log" },
  "next-key": {
    value: "KEY",
    many: true,
    help: "Key that signs from the next manifest on: the first step of changing keys",
  },
} as const satisfies Options;

/** What a settings file may hold: every option that an environment variable can set too. */
export const SETTINGS: ReadonlySet<string> = new Set(
  Object.entries<Option>({
    ...CLIENT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...COMMON_OPTIONS,
    ...SIGNING_OPTIONS,
    ...BUILD_OPTIONS,
  })
    .filter(([, option]) => option.env !== undefined)
    .map(([name]) => settingName(name))
    .concat("port", "host", "listUrl", "filesUrl")
    .concat(
      "rateLimit",
      "rateLimitAll",
      "clientHeader",
      "logRequests",
      "sql",
      "sqlPage",
      "publicUrl",
    ),
);

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };

/** Reads a duration such as `--max-age`, in ms. */
export function readDuration(inputs: Inputs, option: string): number | undefined {
  const text = inputs.text(option);
  if (text === undefined) return undefined;
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (!match) {
    throw new BfaError(
      "usage",
      `Cannot read --${option} ${JSON.stringify(text)}: write 90s, 30m, 12h or 7d`,
    );
  }
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** Where the publisher's signing key is. */
export function secretKeyFile(inputs: Inputs): string {
  return `${dataDirOf(inputs)}/keys/signing.jwk`;
}

/** Where the publisher's observations are. */
export function observationsFile(inputs: Inputs): string {
  return `${dataDirOf(inputs)}/observations.duckdb`;
}

/** Where the publisher's and the service's state is. */
export function dataDirOf(inputs: Inputs): string {
  return inputs.text("data-dir") ?? ".bfa";
}
