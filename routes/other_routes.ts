/**
 * The routes that are not questions: the manifest, the files, the process itself.
 *
 * @module
 */

import { z } from "zod";
import type { Source } from "../lib/core/answers.ts";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { artifactAnswer } from "./artifacts.ts";
import { healthBody, manifestBody, readyBody, versionsBody } from "./documents.ts";
import { CORS, SECURITY, textResponse } from "./headers.ts";
import { channelManifest, manifestAnswer, manifestBySequence, versionsAnswer } from "./manifest.ts";
import { manifestEvents } from "./manifest_events.ts";
import { problem } from "./problem.ts";
import { QUESTIONS } from "./questions.ts";
import type { Route, RouteFacts } from "./route.ts";
import { pageHandlers, PAGES } from "./pages.ts";
import type { ServiceOptions } from "./service.ts";

const none = z.strictObject({});

/** The declarations, in the order the documentation shows them. */
export const OTHER_ROUTES = {
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
  front: { path: "/", summary: "This list", takes: none, mediaType: "text/plain" },
  ...PAGES,
} as const satisfies Record<string, RouteFacts>;

/** The routes. `source` tells what is served now. */
export function otherRoutes(options: ServiceOptions, source: () => Source): Route[] {
  const { reader, mirror, followed, now } = options;
  const events = manifestEvents(followed, options);
  const handlers: Record<keyof typeof OTHER_ROUTES, Route["handle"]> = {
    ...pageHandlers(source),
    async manifest(request, { channel = "latest" }) {
      const served = followed.current()?.stored;
      const stored = served?.manifest.signed.channel === channel
        ? served
        : await channelManifest(reader, channel);
      return manifestAnswer(request, stored, now());
    },
    events: (request) =>
      events(request) ??
        problem(new BfaError("unavailable", "Cannot open another event stream: too many are open")),
    manifestBySequence: (request, { sequence }) => manifestBySequence(request, reader, sequence!),
    versions: (request) => versionsAnswer(request, reader, source().version),
    artifact: (request, { sha256, name }) => artifactAnswer(request, mirror, sha256!, name!),
    health: () => status({ status: "ok" }),
    ready() {
      const version = followed.current()?.source.version;
      if (version) return status({ status: "ready", version });
      return problem(new BfaError("unavailable", "Cannot answer from a published version yet"));
    },
    // Counted where requests pass, which is not here (operation.ts).
    metrics: () => problem(new NotFoundError("nothing is counted here")),
    front: (request) =>
      textResponse(frontPage(new URL(request.url).origin, source()), {
        headers: { ...CORS, ...SECURITY, "content-type": "text/plain; charset=UTF-8" },
      }),
  };
  return Object.entries(OTHER_ROUTES).map(([name, facts]) => ({
    ...facts,
    handle: handlers[name as keyof typeof OTHER_ROUTES],
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
