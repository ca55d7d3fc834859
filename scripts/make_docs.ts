/**
 * Makes the reference pages from the declarations of commands, routes and library, and the web page's module from its files:
 *
 *     deno run -A scripts/make_docs.ts [--check]
 *
 * With `--check`, nothing is written, and a page that is not up to date is an error.
 *
 * @module
 */

import { EXIT_CODES, EXIT_MEANINGS } from "../commands/failure.ts";
import { commandHelp } from "../commands/help.ts";
import { allCommands, COMMAND_GROUPS } from "../commands/registry.ts";
import { OTHER_ROUTES } from "../routes/other_routes.ts";
import { isRepeatable } from "../routes/parameters.ts";
import { HTTP_STATUS } from "../routes/problem.ts";
import { QUESTIONS } from "../routes/questions.ts";
import { alertsFile } from "./alerts.ts";
import { libraryPage } from "./library_page.ts";
import { monitoringPage } from "./monitoring_page.ts";

const pages: Record<string, string> = {
  "docs/cli.md": await cliPage(),
  "docs/http.md": httpPage(),
  "docs/library.md": await libraryPage(),
  "docs/monitoring.md": await monitoringPage(),
  "deploy/monitoring/alerts.yaml": alertsFile(),
  "web/assets.json": await webAssets(),
};
let outdated = false;
for (const [path, text] of Object.entries(pages)) {
  if (await Deno.readTextFile(path).catch(() => "") === text) continue;
  if (Deno.args.includes("--check")) {
    console.error(`${path} is not up to date: run \`deno task docs\``);
    outdated = true;
  } else {
    await Deno.writeTextFile(path, text);
  }
}
if (outdated) Deno.exit(1);

/** The page's files as one module: a package from a registry cannot read files of its own. */
async function webAssets(): Promise<string> {
  const files = ["page.html", "app.css", "app.js", "elements.js"];
  const texts = files.map(async (name) => [name, await Deno.readTextFile(`web/${name}`)]);
  return JSON.stringify(Object.fromEntries(await Promise.all(texts)), null, 1) + "\n";
}

async function cliPage(): Promise<string> {
  const sections = (await allCommands()).map((command) =>
    `## bfa ${command.name}\n\n\`\`\`text\n${commandHelp(command)}\`\`\`\n`
  );
  const summaries = new Map((await allCommands()).map(({ name, summary }) => [name, summary]));
  const index = Object.entries(COMMAND_GROUPS).map(([title, group]) => {
    const rows = Object.keys(group).map((name) =>
      `| [${name}](#bfa-${name}) | ${summaries.get(name)!.replaceAll("|", "\\|")} |`
    );
    return `| ${title} | |\n| --- | --- |\n${rows.join("\n")}\n`;
  });
  const codes = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => {
    const names = Object.entries(EXIT_CODES).filter(([, exit]) => exit === Number(code))
      .map(([name]) => `\`${name}\``);
    return `| ${code} | ${meaning} | ${names.join(", ")} |`;
  });
  return `# Commands

Data goes to stdout, everything else to stderr. On a terminal answers are tables; in a pipe they are
plain lines. \`--json\` prints the same bytes as the service. A setting is looked for on the command
line, in the environment, in \`./bfa.json\`, in the user's settings file, in that order; in the files an option's name is
written in camelCase (\`cacheDir\`).

This page is made from the commands' own declarations (\`deno task docs\`).

${index.join("\n")}
[Exit codes](#exit-codes)

${sections.join("\n")}
## Exit codes

| code | meaning | errors |
| --- | --- | --- |
${codes.join("\n")}
`;
}

function httpPage(): string {
  const answers = QUESTIONS.map(({ path, summary, inQuery, example }) => {
    const parameters = Object.entries(inQuery.shape).map(([name, type]) =>
      `\`${name}\`${isRepeatable(type) ? " (repeatable)" : ""}`
    );
    return `| \`/v1${path}\` | ${summary} | ${parameters.join(", ")} | \`${example}\` |`;
  });
  const others = Object.values(OTHER_ROUTES)
    .map(({ path, summary }) => `| \`${path}\` | ${summary} |`);
  const statuses = Map.groupBy(Object.entries(HTTP_STATUS), ([, status]) => status);
  const codes = [...statuses].sort(([a], [b]) => a - b)
    .map(([status, rows]) => `| ${status} | ${rows.map(([code]) => `\`${code}\``).join(", ")} |`);
  return `# HTTP

\`\`\`text
$ curl 'http://127.0.0.1:8000/v1/snapshot/2024-01-15'
{"version":"2026-08-08.1","date":"2024-01-15","states":["traded"],"count":251,"symbols":["1000BONKUSDT",…]}
\`\`\`

A day is \`YYYY-MM-DD\` (UTC) or \`latest\`; ranges include both ends, and \`from\` or \`to\` alone means that one day
(for a timeline and rows: from then on, or until then).
Unknown parameters are refused. \`/openapi.json\` describes all of this for programs.

| path | answers | parameters | example |
| --- | --- | --- | --- |
${answers.join("\n")}

| path | what |
| --- | --- |
${others.join("\n")}

| to get | do |
| --- | --- |
| another format | end the path with \`.ndjson\`, \`.csv\`, \`.md\`, \`.arrow\` or \`.parquet\`, or send \`Accept\` |
| one version, for ever the same | \`/v/{version}/…\` instead of \`/v1/…\` |
| what was known at the end of a day | \`asof=YYYY-MM-DD\` |
| some rows | \`where=COLUMN=VALUE\`, repeatable; also \`!=\`, \`<\`, \`<=\`, \`>\`, \`>=\`. Columns are called as in CSV; \`A,B\` is either, nothing is no value |
| another order | \`sort=COLUMN\`; \`sort=-COLUMN\` has the largest first |
| a part | \`limit=N\`; then \`"truncated":true\`, and \`"next"\` or the \`Link\` header leads on, in the same version |
| fewer letters | \`/snapshot/{day}\` and \`/timeline/{symbol}\` are short for \`/v1/…\` |

Every answer has \`X-Dataset-Version\` and a strong \`ETag\` (version and question); send it back in \`If-None-Match\`
and get 304 while nothing changed. \`If-Match\` gets 412 (\`precondition_failed\`) when it is no longer that answer, and so does
\`If-Unmodified-Since\` when the version was published later; in RFC 9110's order: these, then \`If-None-Match\`, then \`Range\`. Artifacts never change and take single byte ranges with \`If-Range\`.
\`/v1/manifest\` may be kept until the next version is expected (\`max-age\`); shared caches ask every minute.
\`/v1/manifest/events\` sends the newest manifest's name at once and after every publish; after a reconnect with
\`Last-Event-ID\`, only when something was missed.

## Bodies

| path | body |
| --- | --- |
| \`/v1/snapshot/{day}\` | \`{"version","date","states","count","symbols":[…]}\`; \`detail=1\` adds \`"rows"\` |
| \`/v1/timeline/{symbol}\` | \`{"version","symbol","listings":[{"id","first","lastTraded","last","contractType","quoteAsset","gaps","halts"}],"days":{"traded","archived","missing"}}\`; \`detail=1\` adds \`"from"\`, \`"to"\` and \`"rows"\`, one a day |
| \`/v1/range\` | \`{"version","from","to","states","count","symbols":[…]}\` |
| \`/v1/new-listings\` | \`{"version","from","to","count","events":[{"date","symbol","listing","contractType","quoteAsset","relisting"}]}\` |
| \`/v1/delistings\` | the same, with \`"lastTraded"\` instead of \`"relisting"\` |
| \`/v1/summary\` | \`{"version","from","to","count","rows":[{"date","traded","archived","missing"}]}\` |
| \`/v1/symbols\` | \`{"version","count","symbols":[…]}\`; \`detail=1\` adds \`"rows"\` |
| \`/v1/top/{day}\` | \`{"version","date","count","ranked","rows":[{"rank","symbol","quoteVolumeUsdt","marketShare","percentile","rankChange1d",…,"daysAvailable30d"}]}\` |
| \`/v1/rows\` | \`{"version","symbol"?,"from","to","columns":[…],"count","rows":[{"date","symbol","state",…}]}\` |
| \`/v1/pairlist/{day}\` | \`{"pairs":["BTC/USDT:USDT",…],"refresh_period":3600}\` |
| \`/v1/diff/{a}..{b}\` | \`{"a","b","schema","numbers","listings":[{"listing","change","fields"}],"count","classes":{"new day","listing","revision"},"rows":[{"date","symbol","change","class","before","after","fields"?}]}\` |

## Comparing versions

\`/v1/diff/{a}..{b}\` reads only what the versions do not share: of two listings files the whole, of the rows the blocks whose digest differs.
Why a row differs (\`class\`, also a filter; \`classes\` counts all):

| class | the row |
| --- | --- |
| \`new day\` | is of a day that one of the versions did not know yet |
| \`listing\` | is in one version alone: a listing begins, ends or exists there only |
| \`revision\` | is in both, with another state (\`before\`, \`after\`), or with other numbers: \`"fields":{"fileSizeBytes":[48211,48990]}\` |

Another schema is said once: \`"schema":[1,2]\`; then, and where a version was published without rows, \`"numbers"\` is false and only states are compared.
A page has 20,000 rows at most.

## Failures

A failure is a problem document (RFC 9457, \`application/problem+json\`) with a stable \`code\`; other methods than GET, HEAD
and OPTIONS get 405, a range outside the file 416.

| status | code |
| --- | --- |
${codes.join("\n")}
| 500 | \`internal\`: a bug |

This page is made from the routes' own declarations (\`deno task docs\`).
`;
}
