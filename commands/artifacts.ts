/**
 * `bfa artifacts`.
 *
 * @module
 */

import type { ListedArtifact } from "../lib/jobs/dataset_options.ts";
import { artifactPath } from "../lib/mirror/mirror.ts";
import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { type ColumnView, counted, formatBytes, print, readFormat } from "./output.ts";

/** The files of a version. */
export const artifacts: Command = {
  name: "artifacts",
  summary: "The files of a version: size, digest, and whether they are here; downloads none",
  about:
    "In a pipe, the lines that `sha256sum --check` reads. Every mirror has a file at its `path`.",
  args: [{
    name: "artifact",
    help: "Such as availability.parquet; `parts/` is all in that folder, 'parts/2024*' a year",
    optional: true,
    many: true,
  }],
  options: { ...OUTPUT_OPTIONS, ...CLIENT_OPTIONS },
  examples: [
    "bfa artifacts",
    "bfa pull --out data && bfa artifacts listings.json parts/ > data/SHA256SUMS",
  ],
  async run(inputs, tools) {
    const dataset = await openDataset(inputs, tools);
    const rows = await dataset.artifacts(inputs.args.length ? inputs.args : undefined);
    const { signed: { version } } = await dataset.manifest();
    const bytes = sum(rows);
    const missing = rows.filter(({ here }) => !here);
    await print<ListedArtifact>(
      {
        answer: {
          version,
          count: rows.length,
          bytes,
          artifacts: rows.map((row) => ({ ...row, path: artifactPath(row) })),
        },
        rows,
        columns: readFormat(inputs, tools.world) === "table" ? COLUMNS : [...COLUMNS, PATH],
        line: (row) => `${row.sha256}  ${row.name}`,
        footer: `${counted(rows.length, "file")} of ${version}, ${formatBytes(bytes)}; ${
          missing.length ? `${formatBytes(sum(missing))} are not here` : "all of it is here"
        }`,
      },
      inputs,
      tools.world,
    );
    await dataset.settled();
  },
};

const COLUMNS: readonly ColumnView<ListedArtifact>[] = [
  { name: "name", type: "VARCHAR", cell: (row) => row.name },
  { name: "role", type: "VARCHAR", cell: (row) => row.role },
  { name: "bytes", type: "BIGINT", title: "SIZE", isSize: true, cell: (row) => row.bytes },
  { name: "rows", type: "BIGINT", cell: (row) => row.parquet?.rows ?? null },
  { name: "here", type: "BOOLEAN", cell: (row) => row.here },
];

/** Too wide for people. */
const PATH: ColumnView<ListedArtifact> = { name: "path", type: "VARCHAR", cell: artifactPath };

function sum(artifacts: readonly ListedArtifact[]): number {
  return artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
}
