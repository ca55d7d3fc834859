/**
 * `bfa mirror`.
 *
 * @module
 */

import { asBfaError, BfaError, type ErrorCode } from "../lib/core/errors.ts";
import { checkMirror, type MirrorFault } from "../lib/jobs/mirror_health.ts";
import { requireLatest, versionsOn } from "../lib/jobs/mirror_documents.ts";
import { syncMirror } from "../lib/jobs/sync_mirror.ts";
import { verifyMirror } from "../lib/jobs/verify_mirror.ts";
import { type Actions, runAction } from "./actions.ts";
import type { Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, dataDirOf, OUTPUT_OPTIONS, PUBLISHER_OPTIONS } from "./options.ts";
import { counted, formatBytes, print, readFormat, TEXT_FORMATS } from "./output.ts";
import type { Tools } from "./tools.ts";

const ACTIONS: Actions = { list, verify, sync };

/** The places that serve versions. */
export const mirror: Command = {
  name: "mirror",
  summary:
    "The places that serve versions: what each has, whether it is sound; bring versions over",
  about: `ACTION is one of:
  list     each mirror's newest version, and whether it has all of it; the exit code is that of the
           first one with something wrong, 5 where files are
  verify   read everything back and hash it; exit code 5 when something is wrong
  sync     bring a version from one mirror to another, only what is missing

A PLACE is a folder, s3://BUCKET/PREFIX, oci://HOST/REPOSITORY, github:OWNER/REPO, or an http(s)://
address of a plain mirror or a service; the last two are only read. No KV and no signing key is needed.`,
  args: [
    { name: "action", help: Object.keys(ACTIONS).join(", "), choices: Object.keys(ACTIONS) },
    { name: "version", help: "Such as 2026-08-08.1; the newest when left out", optional: true },
  ],
  options: {
    mirror: { ...PUBLISHER_OPTIONS.mirror, help: "For list and verify: PLACE (DATA_DIR/mirror)" },
    from: { value: "PLACE", many: true, help: "For sync: where to read; more of them help out" },
    to: { value: "PLACE", help: "For sync: where to write" },
    all: { help: "Every version, not the newest alone" },
    "trusted-keys": CLIENT_OPTIONS["trusted-keys"],
    "data-dir": PUBLISHER_OPTIONS["data-dir"],
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "bfa mirror verify --all --mirror s3://bucket/bfa",
    "bfa mirror sync --from https://bfa.example.org/ --to .bfa/mirror",
  ],
  run: (inputs, tools) => runAction(ACTIONS, inputs, tools),
};

/** One line of `bfa mirror list`. */
interface MirrorRow {
  readonly mirror: string;
  readonly version: string | null;
  readonly sequence: number | null;
  readonly versions: number | null;
  readonly bytes: number | null;
  /** `ok`, or what is wrong. */
  readonly health: string;
}

/** A line, and what is wrong when something is. */
interface Look {
  readonly row: MirrorRow;
  readonly code?: ErrorCode;
}

async function list(inputs: Inputs, tools: Tools): Promise<void> {
  if (inputs.args[1] !== undefined) throw tooMany(inputs.args[1], "list");
  const looks: Look[] = [];
  for (const place of placesOf(inputs)) looks.push(await lookAt(place, tools));
  const rows = looks.map(({ row }) => row);
  await print<MirrorRow>(
    {
      answer: { count: rows.length, mirrors: rows },
      rows,
      columns: [
        { name: "mirror", type: "VARCHAR", cell: (row) => row.mirror },
        { name: "version", type: "VARCHAR", cell: (row) => row.version },
        { name: "sequence", type: "BIGINT", cell: (row) => row.sequence },
        { name: "versions", type: "BIGINT", cell: (row) => row.versions },
        { name: "bytes", type: "BIGINT", title: "SIZE", isSize: true, cell: (row) => row.bytes },
        { name: "health", type: "VARCHAR", cell: (row) => row.health },
      ],
      footer: counted(rows.length, "mirror"),
    },
    inputs,
    tools.world,
  );
  const bad = looks.filter(({ code }) => code !== undefined);
  if (!bad[0]) return;
  const names = bad.map(({ row }) => row.mirror).join(", ");
  throw new BfaError(bad[0].code!, `Cannot rely on ${names}: see the list`);
}

async function lookAt(place: string, tools: Tools): Promise<Look> {
  const empty = { version: null, sequence: null, versions: null, bytes: null };
  try {
    const reader = await tools.openReader(place);
    const { manifest: { signed } } = await requireLatest(reader);
    const { versions } = await versionsOn(reader);
    const options = { now: tools.world.now(), chance: Math.random() };
    const { faults } = await checkMirror(reader, signed, options);
    const row = {
      mirror: place,
      version: signed.version,
      sequence: signed.sequence,
      versions: versions.length,
      bytes: signed.artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
      health: faults[0] ? `${counted(faults.length, "fault")}: ${faults[0].message}` : "ok",
    };
    return faults[0] ? { row, code: "integrity" } : { row };
  } catch (error) {
    const { code, message } = asBfaError(error, "network", "read");
    return { row: { mirror: place, ...empty, health: message }, code };
  }
}

async function verify(inputs: Inputs, tools: Tools): Promise<void> {
  const { world } = tools;
  const reports = [];
  for (const place of placesOf(inputs)) {
    const options = { versions: versionsIn(inputs), trustedKeys: inputs.texts("trusted-keys") };
    reports.push(await verifyMirror(await tools.openReader(place), options));
  }
  const faults = reports.flatMap(({ mirror, faults }) =>
    faults.map((fault) => ({ mirror, ...fault }))
  );
  const read = reports.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = reports.reduce((sum, { artifacts }) => sum + artifacts, 0);
  await print<MirrorFault & { mirror: string }>(
    {
      answer: { sound: faults.length === 0, mirrors: reports },
      rows: faults,
      columns: [
        { name: "mirror", type: "VARCHAR", cell: (row) => row.mirror },
        {
          name: "name",
          type: "VARCHAR",
          cell: (row) => row.name.replace(/^([0-9a-f]{8})[0-9a-f]{56}/, "$1…"),
        },
        { name: "code", type: "VARCHAR", cell: (row) => row.code },
        { name: "message", type: "VARCHAR", cell: (row) => row.message },
      ],
      footer: `${counted(files, "artifact")} read, ${formatBytes(read)}`,
    },
    inputs,
    world,
  );
  if (faults.length === 0) return;
  const bad = reports.filter((report) => report.faults.length > 0).map(({ mirror }) => mirror);
  throw new BfaError(
    "integrity",
    `Cannot rely on ${bad.join(", ")}: ${
      counted(faults.length, "fault")
    }; \`bfa mirror sync\` from a sound one repairs it`,
  );
}

async function sync(inputs: Inputs, tools: Tools): Promise<void> {
  const { world } = tools;
  const [from, to] = [inputs.texts("from"), inputs.text("to")];
  if (!from || to === undefined) {
    throw new BfaError("usage", "Cannot sync: give --from PLACE and --to PLACE");
  }
  const format = readFormat(inputs, world, TEXT_FORMATS);
  const sources = await Promise.all(from.map((place) => tools.openReader(place)));
  const quiet = inputs.flag("quiet");
  const report = await syncMirror(sources, await tools.openFileMirror(to), {
    versions: versionsIn(inputs),
    trustedKeys: inputs.texts("trusted-keys") ?? [],
    onArtifact: (version, { name, bytes }) => {
      if (!quiet) world.err(`${version}  ${name}  ${formatBytes(bytes)}\n`);
    },
  });
  if (format === "json") return world.out(JSON.stringify(report) + "\n");
  for (const { version, had, copied, bytes } of report.versions) {
    world.out(`${version}: ${copied} of ${had + copied} copied, ${formatBytes(bytes)}\n`);
  }
  world.out(
    `${counted(report.manifests, "manifest")} written; latest ${
      report.moved ? "moved" : "stays"
    }\n`,
  );
}

function placesOf(inputs: Inputs): string[] {
  const given = inputs.texts("mirror");
  return given?.length ? given : [`${dataDirOf(inputs)}/mirror`];
}

function versionsIn(inputs: Inputs): readonly string[] | "all" | undefined {
  const version = inputs.args[1];
  if (!inputs.flag("all")) return version === undefined ? undefined : [version];
  if (version !== undefined) throw tooMany(version, "--all");
  return "all";
}

function tooMany(version: string, what: string): BfaError {
  return new BfaError("usage", `Cannot use ${JSON.stringify(version.slice(0, 40))} with ${what}`);
}
