/**
 * The routes that are not questions: the manifest, the files, the process itself.
 *
 * @module
 */

import { z } from "zod";
import type { Source } from "../lib/core/answers.ts";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { TABLE_FORMATS } from "../lib/formats/formats.ts";
import { versionLister } from "../lib/jobs/version_list.ts";
import { MEDIA_TYPES } from "../lib/mirror/file_headers.ts";
import { addressOf } from "./address.ts";
import { artifactAnswer } from "./artifacts.ts";
import { sqlBody } from "./bodies.ts";
import { croissantAnswer, dataPackage, describedPage } from "./descriptions.ts";
import { healthBody, manifestBody, readyBody, versionsBody } from "./documents.ts";
import { versionFile } from "./files.ts";
import { CORS, SECURITY, textResponse } from "./headers.ts";
import type { Limits } from "./limits.ts";
import { channelManifest, manifestAnswer, manifestBySequence, versionsAnswer } from "./manifest.ts";
import { manifestEvents } from "./manifest_events.ts";
import { version } from "./parameters.ts";
import { problem } from "./problem.ts";
import { QUESTIONS } from "./questions.ts";
import { QUERY_PATH } from "./query.ts";
import type { Route, RouteFacts } from "./route.ts";
import { pageHandlers, PAGES } from "./pages.ts";
import type { ServiceOptions } from "./service.ts";
import { SQL_PAGE_ROUTES, sqlPageHandlers } from "./sql_page.ts";
import {
  PAGE_FILES,
  PAGE_TEXT,
  pageFileHandlers,
  wantsPage,
  webPage,
  withSqlPage,
} from "./web_page.ts";

const none = z.strictObject({});

/** The declarations, in the order the documentation shows them. */
export const OTHER_ROUTES = {
  query: {
    path: QUERY_PATH,
    summary: "SQL: one SELECT (GET, or POST with JSON)",
    takes: z.strictObject({
      sql: z.string().meta({
        description: "One SELECT over the published tables",
        example: "FROM listings LIMIT 3",
      }),
      params: z.string().optional().meta({
        description: "JSON: an array for `?`, an object for `$name`",
      }),
      format: z.string().optional().meta({ pattern: "^(json|ndjson|csv|md|arrow|parquet)$" }),
    }),
    mediaType: "application/json",
    alsoSends: Object.values(TABLE_FORMATS).map(({ mediaType }) => mediaType),
    body: sqlBody,
    statuses: [304, 406, 408, 413, 415, 422, 501, 504],
  },
  manifest: {
    path: "/v1/manifest",
    summary: "The newest signed manifest",
    takes: z.strictObject({
      channel: z.string().optional().meta({
        description: "`latest` when left out",
        pattern: "^[a-z][a-z0-9-]{0,31}$",
        example: "latest",
      }),
    }),
    mediaType: "application/json",
    body: manifestBody,
    statuses: [304],
  },
  manifestFile: {
    path: "/manifest.json",
    summary: "The same, where plain mirrors have it",
    takes: none,
    mediaType: "application/json",
    body: manifestBody,
    statuses: [304],
  },
  dataPackage: {
    path: "/datapackage.json",
    summary: "The newest version's Data Package descriptor",
    takes: none,
    mediaType: "application/vnd.datapackage+json",
    statuses: [304],
  },
  croissant: {
    path: "/croissant.json",
    summary: "The same as Croissant, which is schema.org's Dataset and more",
    takes: none,
    mediaType: "application/ld+json",
    statuses: [304],
  },
  events: {
    path: "/v1/manifest/events",
    summary: "New manifests, as they come (SSE)",
    takes: none,
    mediaType: "text/event-stream",
  },
  manifestBySequence: {
    path: "/v1/manifests/{sequence}",
    summary: "One signed manifest",
    takes: z.strictObject({ sequence: z.string().meta({ pattern: "^[1-9]\\d{0,14}$" }) }),
    mediaType: "application/json",
    body: manifestBody,
    statuses: [304],
  },
  versions: {
    path: "/v1/versions",
    summary: "All versions and channels",
    takes: none,
    mediaType: "application/json",
    body: versionsBody,
    statuses: [304],
  },
  artifact: {
    path: "/v1/artifacts/{sha256}/{name}",
    summary: "A file of a version",
    takes: z.strictObject({
      sha256: z.string().meta({ pattern: "^[0-9a-f]{64}$" }),
      name: z.string().meta({ description: "May contain slashes", example: "parts/2024.parquet" }),
    }),
    mediaType: "application/octet-stream",
    alsoSends: MEDIA_TYPES,
    statuses: [206, 304, 416],
  },
  file: {
    path: "/v/{version}/files/{name}",
    summary: "The same by version and name: an address for any reader",
    takes: z.strictObject({
      version,
      name: z.string().meta({ description: "May contain slashes", example: "parts/2024.parquet" }),
    }),
    mediaType: "application/octet-stream",
    alsoSends: MEDIA_TYPES,
    statuses: [206, 304, 416],
  },
  health: {
    path: "/healthz",
    summary: "The process lives",
    takes: none,
    mediaType: "application/json",
    body: healthBody,
  },
  ready: {
    path: "/readyz",
    summary: "A version is being served",
    takes: none,
    mediaType: "application/json",
    body: readyBody,
  },
  metrics: {
    path: "/metrics",
    summary: "Counters for Prometheus",
    takes: none,
    mediaType: "text/plain",
  },
  front: {
    path: "/",
    summary: "A page for browsers, this list for others",
    takes: none,
    mediaType: "text/plain",
    alsoSends: ["text/html"],
    statuses: [304],
  },
  ...PAGE_FILES,
  ...SQL_PAGE_ROUTES,
  ...PAGES,
} as const satisfies Record<string, RouteFacts>;

/** The routes. `source` tells what is served now. */
export function otherRoutes(
  options: ServiceOptions & Pick<Required<ServiceOptions>, "versions"> & { limits?: Limits },
  source: () => Source,
): Route[] {
  const { reader, mirror, followed, now, versions } = options;
  const signed = () => followed.current()?.stored.manifest.signed;
  const at = async (version: string) => {
    const served = followed.current();
    return version === served?.source.version ? served : await versions.at(version);
  };
  const list = versionLister(reader);
  const descriptor = dataPackage(mirror);
  const events = manifestEvents(followed, options);
  const manifest: Route["handle"] = async (request, { channel = "latest" }) => {
    const served = followed.current()?.stored;
    const stored = served?.manifest.signed.channel === channel
      ? served
      : await channelManifest(reader, channel);
    return manifestAnswer(request, stored, now());
  };
  const handlers: Record<Exclude<keyof typeof OTHER_ROUTES, "query">, Route["handle"]> = {
    ...pageFileHandlers,
    ...sqlPageHandlers(options.sqlPage),
    ...pageHandlers({
      source,
      manifest: () => followed.current()?.stored.manifest,
      publicUrl: options.publicUrl,
    }),
    manifest,
    manifestFile: (request) => manifest(request, {}),
    dataPackage: (request) => descriptor(request, signed(), addressOf(request, options.publicUrl)),
    croissant: (request) =>
      croissantAnswer(request, source(), signed(), addressOf(request, options.publicUrl)),
    file: (request, { version, name }, from) =>
      versionFile(request, { mirror, at, sql: options.sql, client: from?.client }, {
        version: version!,
        name: name!,
      }),
    events: (request, _, from) => events(request, from?.client),
    manifestBySequence: (request, { sequence }) => manifestBySequence(request, reader, sequence!),
    versions: (request) => versionsAnswer(request, list, source().version),
    artifact: (request, { sha256, name }, from) =>
      artifactAnswer(request, mirror, sha256!, name!, from?.client),
    health: () => status({ status: "ok" }),
    ready() {
      const version = followed.current()?.source.version;
      if (!version) {
        return problem(new BfaError("unavailable", "Cannot answer from a published version yet"));
      }
      // Answers come from memory: a mirror that fails is told of, and takes nobody out of service.
      const health = options.mirrorHealth?.();
      const mirror = health && {
        status: health.faults.length ? "failing" : "ok",
        version: health.version,
        checkedAt: health.checkedAt,
        faults: health.faults.map(({ name, code }) => ({ name, code })),
      };
      return status({ status: "ready", version, ...(mirror ? { mirror } : {}) });
    },
    // Counted where requests pass, which is not here (operation.ts).
    metrics: () => problem(new NotFoundError("nothing is counted here")),
    async front(request) {
      const address = addressOf(request, options.publicUrl);
      const { vary, ...kept } = address.headers(FRONT_SECONDS);
      if (wantsPage(request)) {
        const text = options.sqlPage ? withSqlPage(PAGE_TEXT) : PAGE_TEXT;
        const page = await describedPage(text, source(), signed(), address);
        return webPage(request, page, vary);
      }
      return textResponse(frontPage(address.url, source()), {
        headers: {
          ...CORS,
          ...SECURITY,
          ...kept,
          "content-type": "text/plain; charset=UTF-8",
          "vary": vary ? `Accept, ${vary}` : "Accept",
        },
      });
    },
  };
  // Mounted by its own file: it is more than a GET.
  const { query: _, ...mounted } = OTHER_ROUTES;
  return Object.entries(mounted).map(([name, facts]) => ({
    ...facts,
    handle: handlers[name as keyof typeof mounted],
  }));
}

function status(body: unknown): Response {
  const headers = {
    ...CORS,
    ...SECURITY,
    "cache-control": "no-store",
    "content-type": "application/json",
  };
  return textResponse(JSON.stringify(body) + "\n", { headers });
}

/** How long the list may be kept: it names the version. */
const FRONT_SECONDS = 60;

function frontPage(origin: string, { version, index }: Source): string {
  const questions = QUESTIONS.map(({ path, summary }) => ({ path: `/v1${path}`, summary }));
  const lines = [...questions, ...Object.values(OTHER_ROUTES)].map(({ path, summary }) =>
    `  ${path.padEnd(36)} ${summary}`
  );
  const examples = QUESTIONS.slice(0, 3).map(({ example }) => `  curl '${origin}${example}'`);
  return `bfa: which Binance USDⓈ-M futures existed, and really traded, on a day

version ${version}: ${index.symbolCount} symbols, ${index.firstDay} to ${index.dataThrough}

${lines.join("\n")}

${examples.join("\n")}
`;
}
