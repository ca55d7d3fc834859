/**
 * `bfa monitor`.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { BfaError } from "../lib/core/errors.ts";
import { PLATFORMS } from "../lib/core/platforms.ts";
import { SIGNALS } from "../lib/core/signals.ts";
import { inParallel } from "../lib/jobs/in_parallel.ts";
import { type Finding, findings, type State, STATE_CODES } from "../lib/jobs/monitor.ts";
import {
  bytesPerVersion,
  lookAt,
  metricsAt,
  type MetricsLook,
  type Place,
  type PlaceLook,
} from "../lib/jobs/monitor_looks.ts";
import { parseEndpoint } from "../lib/manifest/endpoint_address.ts";
import { httpClient } from "../lib/net/client.ts";
import { DEFAULT_RETRY } from "../lib/net/retry.ts";
import type { Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, PUBLISHER_OPTIONS, readDuration } from "./options.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatInstant,
  print,
  readFormat,
} from "./output.ts";
import type { Tools } from "./tools.ts";

/** Whoever monitors asks again by itself. */
const RETRY = { ...DEFAULT_RETRY, tries: 2 };
const FIRST_BYTE_MS = 5_000;

/** How many places are looked at at once. */
const AT_ONCE = 4;

/** Looks at services and mirrors, and says when to grow. */
export const monitor: Command = {
  name: "monitor",
  summary: "Whether publisher, services and mirrors are on time and sound, and when to grow",
  about:
    `An ADDRESS is a service, or a mirror as \`bfa mirror\` takes it. Without one, --endpoint and --mirror are looked at.
The mirrors that the newest manifest names are looked at in any case.

What a service counted is taken since it began, or with --over from that long a time: it is asked twice then.
Exit code, the most urgent first: 5 something is damaged or not signed by a trusted key, 6 something cannot be
reached or fails, 4 late or behind, 8 time to grow; 0 all is well. docs/monitoring.md says what each line means.`,
  args: [{ name: "address", help: "A service or a mirror", optional: true, many: true }],
  options: {
    over: { value: "DURATION", help: "Count what comes in that time, such as 5m: 90s, 30m, 12h" },
    ignore: {
      value: "SIGNAL",
      many: true,
      help: "Leave out what has a limit that you do not have, such as `requests a month`",
    },
    endpoint: CLIENT_OPTIONS.endpoint,
    mirror: { ...PUBLISHER_OPTIONS.mirror, help: "PLACE of a mirror" },
    "trusted-keys": CLIENT_OPTIONS["trusted-keys"],
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "bfa monitor https://bfa.example.org/ s3://bucket/bfa",
    "bfa monitor --over 5m --format table",
  ],
  async run(inputs, tools) {
    const format = readFormat(inputs, tools.world);
    const ignored = ignoredIn(inputs);
    const found = (await look(inputs, tools)).filter(({ signal }) => !ignored.includes(signal));
    await print<Finding>(
      {
        answer: { ok: found.every(({ state }) => state === "ok"), findings: found },
        rows: found,
        columns: [
          { name: "place", type: "VARCHAR", cell: (row) => row.place },
          { name: "signal", type: "VARCHAR", cell: (row) => row.signal },
          { name: "now", type: "VARCHAR", cell: nowText },
          { name: "limit", type: "VARCHAR", cell: limitText },
          { name: "state", type: "VARCHAR", cell: (row) => row.state },
          // On a terminal and in a mail it stands under the table.
          ...(format === "table"
            ? []
            : [{ name: "next", type: "VARCHAR", cell: (row: Finding) => row.next } as const]),
        ],
        picture: found.filter(({ next }) => next !== null)
          .map((row) => `\n${row.place}: ${row.signal} ${nowText(row)}\n  ${row.next}`)
          .join("\n"),
      },
      inputs,
      tools.world,
    );
    const worst = worstOf(found);
    if (worst) throw worst;
  },
};

async function look(inputs: Inputs, tools: Tools): Promise<Finding[]> {
  const { world } = tools;
  const http = httpClient({ retry: RETRY, firstByteMs: FIRST_BYTE_MS });
  const options = { http, now: world.now(), trustedKeys: inputs.texts("trusted-keys") };
  const known = new Map<string, Place>();

  /** Those of some addresses that are not known yet. */
  async function open(addresses: readonly string[]): Promise<Place[]> {
    const opened: Place[] = [];
    for (const name of addresses) {
      const key = /^(https?|oci|github):/.test(name) ? await parseEndpoint(name) : name;
      if (known.has(key)) continue;
      const reader = await tools.openReader(name, RETRY);
      const place = { name, reader, base: /^https?:/.test(name) ? key : undefined };
      known.set(key, place);
      opened.push(place);
    }
    return opened;
  }

  async function lookAtAll(places: readonly Place[]): Promise<PlaceLook[]> {
    const looks: PlaceLook[] = [];
    await inParallel([...places.entries()], AT_ONCE, async ([at, place]) => {
      looks[at] = await lookAt(place, options);
    });
    return looks;
  }

  const given = await open(addressesIn(inputs));
  const overMs = readDuration(inputs, "over");
  const earlier = new Map<string, MetricsLook>();
  if (overMs !== undefined) {
    await inParallel(given, AT_ONCE, async ({ name, base }) => {
      const metrics = base && await metricsAt(base, http).catch(() => undefined);
      if (metrics) earlier.set(name, metrics);
    });
    if (earlier.size > 0) await delay(overMs);
  }
  const places = await lookAtAll(given);
  const named = new Set(places.flatMap(({ signed }) => signed?.mirrors ?? []));
  places.push(...await lookAtAll(await open([...named])));
  const newest = places.filter(({ signed }) => signed)
    .toSorted((a, b) => b.signed!.sequence - a.signed!.sequence)[0];
  const reader = [...known.values()].find(({ name }) => name === newest?.name)?.reader;
  return findings({
    places,
    earlier,
    bytesPerVersion: reader && await bytesPerVersion(reader).catch(() => undefined),
    now: world.now(),
  });
}

function ignoredIn(inputs: Inputs): readonly string[] {
  const names = inputs.texts("ignore") ?? [];
  const known = [...SIGNALS, ...PLATFORMS.flatMap(({ signals }) => signals)];
  const unknown = names.find((name) =>
    !known.some((signal) => signal.limit && signal.name === name)
  );
  if (unknown === undefined) return names;
  const shown = JSON.stringify(unknown.slice(0, 40));
  throw new BfaError(
    "usage",
    `Cannot ignore ${shown}: there is no signal of that name with a limit`,
  );
}

function addressesIn(inputs: Inputs): readonly string[] {
  if (inputs.args.length) return inputs.args;
  const endpoint = inputs.text("endpoint");
  const set = [...(endpoint === undefined ? [] : [endpoint]), ...inputs.texts("mirror") ?? []];
  if (set.length) return set;
  throw new BfaError("usage", "Cannot monitor: give an ADDRESS, or set BFA_ENDPOINT or BFA_MIRROR");
}

/** The most urgent of what was found. */
function worstOf(found: readonly Finding[]): BfaError | undefined {
  const states = Object.keys(STATE_CODES) as Exclude<State, "ok">[];
  const worst = states.find((state) => found.some((row) => row.state === state));
  if (!worst) return undefined;
  const wrong = found.filter(({ state }) => state !== "ok");
  const told = wrong.map(({ place, signal, state }) => `${place} ${signal} ${state}`).join(", ");
  return new BfaError(STATE_CODES[worst], `${counted(wrong.length, "thing")} to do: ${told}`);
}

function nowText(row: Finding): string {
  const { value, unit, whole } = row;
  if (typeof value === "string") return unit === "instant" ? formatInstant(value) : value;
  if (unit === "level") return `${Math.round(value * whole!)} of ${whole}`;
  if (unit === "bytes level") return `${formatBytes(value * whole!)} of ${formatBytes(whole!)}`;
  if (unit === "share" && whole !== null) return `${percent(value)} of ${whole}`;
  return quantity(value, unit);
}

function limitText({ most, unit }: Finding): string {
  if (most === null) return "";
  if (typeof most === "string") return unit === "instant" ? formatInstant(most) : most;
  return quantity(most, unit);
}

function quantity(value: number, unit: Finding["unit"]): string {
  switch (unit) {
    case "share":
    case "level":
    case "bytes level":
      return percent(value);
    case "seconds":
      return value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(2)} s`;
    case "duration":
      return formatDuration(value * 1000);
    case "a second":
    case "a month":
      return `${Number(value.toPrecision(3)).toLocaleString("en")} ${unit}`;
    case "bytes a second":
    case "bytes a month":
      return `${formatBytes(Math.round(value))} ${unit.slice("bytes ".length)}`;
    default:
      return formatBytes(Math.round(value));
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
