/**
 * `/reference`: the description of the API as a page that needs no script.
 *
 * @module
 */

import { html } from "hono/html";
import { QUESTIONS } from "./questions.ts";

/** The parts of the description that the page shows. */
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Readonly<Record<string, unknown>>;
  }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

/** The page. Everything in it is text: nothing that the description holds is markup. */
export function referencePage(description: Record<string, unknown>): string {
  const paths = description["paths"] as Record<string, Record<string, Operation>>;
  const { title, version, summary } = description["info"] as Record<string, string>;
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
    )
    .filter(({ operation }) => !operation.operationId.endsWith("OfVersion"));
  return String(html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title} ${version}: reference</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="web/app.css">
      </head>
      <body class="reference">
        <header>
          <h1><a href="./">${title}</a> ${version}</h1>
          <p>${summary}. <a href="openapi.json">openapi.json</a></p>
          <p>Every <code>/v1/…</code> question has a twin <code>/v/{version}/…</code> that never changes.</p>
        </header>
        <main>
        <ul class="paths">${operations.map(({ path, method, operation }) =>
          html`
            <li><a href="#${operation.operationId}"><code>${method === "get"
              ? ""
              : `${method.toUpperCase()} `}${path}</code></a> ${operation.summary}</li>
          `
        )}</ul>
        ${operations.map(({ path, method, operation }) =>
          html`
            <h2 id="${operation.operationId}"><code>${method.toUpperCase()} ${path}</code></h2>
            <p>${operation.summary}${exampleLink(operation)}</p>
            ${parametersTable(operation)}
            <p class="note">Statuses: ${Object.keys(operation.responses).join(", ")}</p>
          `
        )}</main>
      </body>
    </html>
  `);
}

/** An example to press, where the operation is a question. */
function exampleLink({ operationId }: Operation) {
  const example = QUESTIONS.find(({ id }) => id === operationId)?.example;
  return example === undefined
    ? ""
    : html`. For example <a href="${example.slice(1)}"><code>${example}</code></a>`;
}

/** The page with a description of the dataset that search engines read; nothing in it can end the element it is in. */
export function withJsonLd(page: string, described: Record<string, unknown>): string {
  const json = JSON.stringify(described).replaceAll("<", "\\u003c");
  // A function: in a text, `$` would have a meaning.
  return page.replace(
    "</head>",
    () => `<script type="application/ld+json">${json}</script>\n      </head>`,
  );
}

function parametersTable({ operationId, parameters = [] }: Operation) {
  if (parameters.length === 0) return "";
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Parameters of ${operationId}">
      <table>
        <thead>
          <tr>
            <th scope="col">parameter</th>
            <th scope="col">in</th>
            <th scope="col">form</th>
            <th scope="col">what</th>
          </tr>
        </thead>
        <tbody>${parameters.map(({ name, in: place, required, description, schema }) =>
          html`
            <tr>
              <td><code>${name}</code>${required ? "" : " (optional)"}</td>
              <td>${place}</td>
              <td><code>${formOf(schema)}</code></td>
              <td>${described(description ?? "")}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}

/** A text whose pieces between backticks are code. */
function described(text: string) {
  return text.split("`").map((piece, i) => i % 2 ? html`<code>${piece}</code>` : piece);
}

function formOf(schema: Readonly<Record<string, unknown>>): string {
  const of = (schema["items"] ?? schema) as Record<string, unknown>;
  const values = of["enum"] as string[] | undefined;
  return values ? values.join(" | ") : String(of["pattern"] ?? of["type"] ?? "");
}
