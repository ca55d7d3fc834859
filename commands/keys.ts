/**
 * `bfa keys`.
 *
 * @module
 */

import { readChannel } from "../lib/core/manifest.ts";
import { newRecord, sourceName } from "../lib/cache/copy.ts";
import { folderStore } from "../lib/cache/folder_store.ts";
import { cachedSources } from "../lib/cache/upkeep.ts";
import { BfaError } from "../lib/core/errors.ts";
import { parseEndpoint } from "../lib/manifest/endpoint_address.ts";
import { makeSecretKey, parseSecretKey, readSecretKey } from "../lib/manifest/secret_key_file.ts";
import { isKeyId } from "../lib/manifest/signature.ts";
import { type Actions, runAction } from "./actions.ts";
import type { Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, PUBLISHER_OPTIONS, secretKeyFile } from "./options.ts";
import { counted, PLAIN_FORMATS, print, readFormat } from "./output.ts";
import type { Tools } from "./tools.ts";

/** How long to wait for another process that refreshes the same copy, ms. */
const LOCK_WAIT_MS = 30_000;

const ACTIONS: Actions = { new: newKey, show, list, trust };

/** Signing keys, and whom this machine trusts. */
export const keys: Command = {
  name: "keys",
  summary: "The publisher's signing key, and the keys that this machine trusts",
  about: `ACTION is one of:
  new          make a signing key, for a publisher
  show         the name of the publisher's signing key
  list         the keys pinned for each endpoint
  trust KEY…   trust these keys, and no others, for the endpoint`,
  args: [
    { name: "action", help: "new, show, list or trust", choices: Object.keys(ACTIONS) },
    { name: "key", help: "ed25519:…, for trust", optional: true, many: true },
  ],
  options: {
    out: { value: "FILE", help: "Where to put a new key (DATA_DIR/keys/signing.jwk)" },
    "data-dir": PUBLISHER_OPTIONS["data-dir"],
    endpoint: CLIENT_OPTIONS.endpoint,
    channel: CLIENT_OPTIONS.channel,
    "cache-dir": CLIENT_OPTIONS["cache-dir"],
    ...OUTPUT_OPTIONS,
  },
  examples: ["bfa keys list", "bfa keys trust ed25519:… --endpoint https://bfa.example.org"],
  async run(inputs, tools) {
    const [name, extra] = inputs.args;
    if (name !== "trust" && extra !== undefined) {
      throw new BfaError(
        "usage",
        `Cannot use ${JSON.stringify(extra)}: \`keys ${name}\` takes no key`,
      );
    }
    if (name !== "list") readFormat(inputs, tools.world, PLAIN_FORMATS);
    await runAction(ACTIONS, inputs, tools);
  },
};

async function newKey(inputs: Inputs, { world }: Tools): Promise<void> {
  const path = inputs.text("out") ?? secretKeyFile(inputs);
  const { keyId } = await makeSecretKey(path);
  world.out(`${keyId}\n`);
  if (!inputs.flag("quiet")) {
    world.err(`the secret key is in ${path}: keep it, and keep it secret\n`);
  }
}

async function show(inputs: Inputs, { world }: Tools): Promise<void> {
  const path = secretKeyFile(inputs);
  const own = world.env("BFA_SIGNING_KEY");
  const key = own ? await parseSecretKey(own, "BFA_SIGNING_KEY") : await readSecretKey(path);
  if (!key) {
    throw new BfaError("not_found", `no signing key in ${path}; make one with \`bfa keys new\``);
  }
  world.out(`${key.keyId}\n`);
}

async function list(inputs: Inputs, tools: Tools): Promise<void> {
  const sources = await cachedSources(tools.cacheDir(inputs));
  const rows = sources.flatMap(({ record }) =>
    record.pins.map((key) => ({ endpoint: record.endpoint, channel: record.channel, key }))
  );
  await print(
    {
      answer: { count: rows.length, keys: rows },
      rows,
      columns: [
        { name: "endpoint", type: "VARCHAR", cell: (row) => row.endpoint },
        { name: "channel", type: "VARCHAR", cell: (row) => row.channel },
        { name: "key", type: "VARCHAR", cell: (row) => row.key },
      ],
      footer: counted(rows.length, "pinned key"),
    },
    inputs,
    tools.world,
  );
}

async function trust(inputs: Inputs, tools: Tools): Promise<void> {
  const pins = inputs.args.slice(1);
  if (pins.length === 0) throw new BfaError("usage", "Cannot trust nothing: give at least one KEY");
  for (const key of pins) {
    if (!isKeyId(key)) {
      throw new BfaError(
        "usage",
        `Cannot trust ${JSON.stringify(key.slice(0, 60))}: a key looks like ed25519:…`,
      );
    }
  }
  const endpoint = inputs.text("endpoint");
  if (endpoint === undefined) throw new BfaError("usage", "Cannot tell for whom: give --endpoint");
  const base = await parseEndpoint(endpoint);
  const channel = readChannel(inputs.text("channel"));
  const store = folderStore(tools.cacheDir(inputs));
  const source = await sourceName(base, channel);
  await store.withLock(source, LOCK_WAIT_MS, async () => {
    const record = await store.record(source) ?? newRecord(base, channel);
    const { failed: _, ...known } = record; // it may have failed for want of these keys
    await store.setRecord(source, { ...known, pins });
  });
  tools.world.out(`${base} (${channel}): trusting ${pins.join(", ")}\n`);
}
