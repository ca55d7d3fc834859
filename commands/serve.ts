/**
 * `bfa serve`.
 *
 * @module
 */

import { readChannel } from "../lib/core/manifest.ts";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { BfaError } from "../lib/core/errors.ts";
import { freshnessAt } from "../lib/core/freshness.ts";
import { daysInRange } from "../lib/core/day.ts";
import { nextVersion } from "../lib/core/version.ts";
import { build } from "../lib/jobs/build.ts";
import { readBuild } from "../lib/jobs/build_folder.ts";
import { publish, renew } from "../lib/jobs/publish.ts";
import { currentManifest, type StoredManifest } from "../lib/manifest/store.ts";
import { seedListings, seedSource } from "../lib/source/seed.ts";
import { ensureSecretKey } from "../lib/manifest/secret_key_file.ts";
import { LogPipe } from "../routes/log_pipe.ts";
import { readPublicUrl } from "../routes/address.ts";
import { readLimits } from "../routes/rate_limit.ts";
import { readPort, readSql, startServer } from "../routes/server.ts";
import type { Command, Inputs } from "./command.ts";
import { PUBLISHER_OPTIONS, secretKeyFile } from "./options.ts";
import type { PublisherSide, World } from "./tools.ts";

/** How often a version that nobody replaces is looked at, ms. */
const RENEW_EVERY_MS = 60_000;

/** How long the last lines of the log may take at the end, ms. */
const LOG_MS = 500;

/** Serves the dataset over HTTP. */
export const serve: Command = {
  name: "serve",
  summary: "Serve the dataset over HTTP",
  about:
    "Answers from the newest published version, and switches by itself when another is published.",
  args: [],
  options: {
    port: { value: "PORT", help: "Port to listen on (8000); 0 takes a free one", env: "PORT" },
    host: { value: "ADDRESS", help: "Address to listen on (127.0.0.1)", env: "BFA_HOST" },
    init: { help: "Make and publish a first version from the built-in listings if there is none" },
    channel: { value: "NAME", help: "Channel to serve (latest)", env: "BFA_CHANNEL" },
    "public-url": {
      value: "URL",
      help: "Where clients reach the service, for its links (what each request says)",
      env: "BFA_PUBLIC_URL",
    },
    "rate-limit": {
      value: "N/SECONDSs",
      help: "How often one client may ask, such as 1200/60s (off)",
      env: "BFA_RATE_LIMIT",
    },
    "rate-limit-all": {
      value: "N/SECONDSs",
      help: "How often all may ask together (off)",
      env: "BFA_RATE_LIMIT_ALL",
    },
    "client-header": {
      value: "NAME",
      help: "Header by which a proxy in front tells clients apart",
      env: "BFA_CLIENT_HEADER",
    },
    "log-requests": { help: "One line of JSON per request on stderr", env: "BFA_LOG_REQUESTS" },
    sql: {
      value: "on|off|N",
      help: "Whether /v1/query runs SQL, and how many statements at once (on, which is 2)",
      env: "BFA_SQL",
    },
    "sql-page": {
      value: "DIR",
      help: "Folder of SQL in the browser, served at /sql/ (none)",
      env: "BFA_SQL_PAGE",
    },
    ...PUBLISHER_OPTIONS,
  },
  examples: ["bfa serve", "bfa serve --init --port 8080"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async (opened) => {
      const { world } = tools;
      const init = inputs.flag("init");
      const side = init ? await ensureVersion(inputs, opened, world) : opened;
      const channel = readChannel(inputs.text("channel"));
      // Before anything listens: a KV that does not answer is one line, and an exit code.
      const served = await currentManifest(side.store, channel);
      const stop = world.onInterrupt();
      // From here on nobody may keep the service waiting, whoever reads its log.
      const pipe = world.errSink && new LogPipe(world.errSink);
      const log = pipe ? (text: string) => pipe.write(text) : world.err;
      const server = await startServer({
        reader: side.store,
        mirror: side.mirror,
        channel,
        port: readPort(inputs.text("port")),
        hostname: inputs.text("host") ?? "127.0.0.1",
        now: world.now,
        publicUrl: readPublicUrl(inputs.text("public-url")),
        limits: {
          ...readLimits({
            perClient: inputs.text("rate-limit") ?? "off",
            forAll: inputs.text("rate-limit-all"),
          }),
          clientHeader: inputs.text("client-header"),
        },
        logRequests: inputs.flag("log-requests") ? log : undefined,
        sql: readSql(inputs.text("sql")),
        sqlPage: inputs.text("sql-page"),
        log: (line) => log(`${line}\n`),
        signal: stop,
      });
      if (!inputs.flag("quiet")) tools.world.out(await greeting(server.url, served));
      const signing = init ? keepSigned(side, channel, { ...world, err: log }, stop) : undefined;
      await server.finished;
      await signing;
      await pipe?.flushed(LOG_MS);
    }),
};

/** Makes the first version from the built-in listings, unless there is one. */
async function ensureVersion(
  inputs: Inputs,
  side: PublisherSide,
  world: World,
): Promise<PublisherSide> {
  const { store, dataDir } = side;
  const channel = readChannel(inputs.text("channel"));
  if (await currentManifest(store, channel)) {
    if (side.publisher.signers.length === 0) {
      // A new key would shut out every client that trusts the old one.
      world.err("the signing key is not here: the version is served as it was signed\n");
    }
    await renewWhenDue(side, channel, world);
    return side;
  }
  const signers = side.publisher.signers.length
    ? side.publisher.signers
    : [await ensureSecretKey(secretKeyFile(inputs))];
  const publisher = { ...side.publisher, signers };
  const listings = await seedListings();
  const version = nextVersion(listings.dataThrough, (await store.versions()).map((v) => v.version));
  const dir = join(dataDir, "builds", version);
  world.err(`building ${version} from the built-in listings …\n`);
  const made = await readBuild(dir) ?? await build(listings, { version, outDir: dir });
  try {
    await publish(publisher, made, dir, { channel, reason: "first start" });
  } catch (error) {
    // Another start was faster: its version is served.
    if (!(error instanceof BfaError) || error.code !== "conflict") throw error;
  }
  return { ...side, publisher };
}

/**
 * Signs the version again once it is no longer fresh, where nobody else will publish a newer one: it has no later day
 * than the built-in listings. Of collected data, a late publisher is to be seen.
 */
async function renewWhenDue(
  { store, publisher }: PublisherSide,
  channel: string,
  world: World,
): Promise<void> {
  const current = await currentManifest(store, channel);
  if (!current || publisher.signers.length === 0) return;
  const { freshness, version, dataThrough } = current.manifest.signed;
  if (freshnessAt(freshness, world.now()) === "fresh") return;
  if (dataThrough > (await seedListings()).dataThrough) return;
  const { stored } = await renew(publisher, { channel, reason: "still the newest" });
  const { sequence } = stored.manifest.signed;
  world.err(`signed ${version} again: still the newest (sequence ${sequence})\n`);
}

/** Looks every minute whether the version is due to be signed again, until the server stops. */
async function keepSigned(side: PublisherSide, channel: string, world: World, stop: AbortSignal) {
  while (!stop.aborted) {
    await delay(RENEW_EVERY_MS, { signal: stop, persistent: false }).catch(() => {});
    if (stop.aborted) return;
    await renewWhenDue(side, channel, world).catch((error) => world.err(`${error.message}\n`));
  }
}

async function greeting(url: string, stored: StoredManifest | undefined): Promise<string> {
  const { index } = await seedSource();
  const what = stored
    ? `version ${stored.manifest.signed.version}: ${stored.manifest.signed.symbols} symbols, ${
      daysInRange([index.firstDay, stored.manifest.signed.dataThrough])
    } days (${index.firstDay} to ${stored.manifest.signed.dataThrough})`
    : "nothing published yet: answering from the built-in listings";
  return `bfa serves on ${url}
${what}

try:
  curl ${url}/v1/snapshot/2024-01-15
  curl ${url}/v1/timeline/LITUSDT
  BFA_ENDPOINT=${url} ${calledAs()} snapshot latest
`;
}

/** How this program is called: a clone, a copy from JSR, or an executable or package, which is a bundle. */
function calledAs(): string {
  const { protocol, pathname } = new URL(import.meta.url);
  if (!pathname.endsWith(".ts")) return "bfa";
  return protocol === "file:" ? "npx -y deno@2.9.6 task -q bfa" : "deno run -A jsr:@bfa/cli";
}
