/**
 * `/llms.txt`: the service in a few lines, for a language model that is to use it.
 *
 * @module
 */

import type { Source } from "../lib/core/answers.ts";
import type { Manifest } from "../lib/core/manifest.ts";
import { QUESTIONS } from "./questions.ts";

/** The text, for a service at an address. `manifest` tells what the version has besides listings. */
export function llmsText(
  origin: string,
  { version, index }: Source,
  manifest: Manifest | undefined,
): string {
  const roles = new Set(manifest?.signed.artifacts.map(({ role }) => role));
  const questions = QUESTIONS.map(({ path, summary, example, needs }) =>
    needs === undefined || roles.has(needs)
      ? `- [\`/v1${path}\`](${origin}${example}): ${summary}`
      : `- \`/v1${path}\`: ${summary}. Not here: this version was published without numbers`
  );
  return `# bfa

> Which Binance USDⓈ-M futures existed, and really traded, on each day; without survivorship bias. Version ${version}: ${index.symbolCount} symbols, ${index.firstDay} to ${index.dataThrough}.

- A day is YYYY-MM-DD (UTC) or \`latest\`. Ranges include both ends.
- \`traded\`: it really traded. \`archived\`: the source has a file, but nothing traded (contracts that settled go on having files for years). \`missing\`: no file. Answers hold \`traded\` symbols unless \`state=\` asks for others.
- A symbol can have several lives: \`LITUSDT#1\`, \`LITUSDT#2\`. A new listing is dated by its first traded day, a delisting by the day after the last traded one.
- JSON by default; \`.csv\`, \`.md\`, \`.ndjson\`, \`.arrow\`, \`.parquet\` at the end of the path give other formats. \`where=COLUMN>=VALUE\` (also = != < <= >; repeatable) and \`sort=-COLUMN\` sift rows, columns named as in CSV. \`limit=N\` cuts; \`next\` leads on.
- Unknown parameters are refused. Failures are problem documents with a \`code\` and a \`detail\` that says what to do.
- \`/v/${version}/…\` instead of \`/v1/…\` never changes.

## Questions

${questions.join("\n")}

## More

- [\`/openapi.json\`](${origin}/openapi.json): all parameters and bodies
- [\`/v1/manifest\`](${origin}/v1/manifest): the signed manifest with the files of this version
- \`${origin}/v/${version}/files/{name}\`: those files, for DuckDB, Polars and their like; all rows are in \`availability.parquet\`, by symbol in \`availability-by-symbol.parquet\`
- [\`/v1/feeds/listings.atom\`](${origin}/v1/feeds/listings.atom): what was listed and delisted lately
`;
}
