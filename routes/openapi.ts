/**
 * The description of the API, OpenAPI 3.1: made from the declarations that route and validate.
 *
 * @module
 */

import { z } from "zod";
import { ANSWER_FORMATS } from "./negotiation.ts";
import { OTHER_ROUTES } from "./other_routes.ts";
import { isRepeatable, type Parameters, version as versionName } from "./parameters.ts";
import { HTTP_STATUS } from "./problem.ts";
import { type Question, takenByAll } from "./question.ts";
import { QUESTIONS } from "./questions.ts";
import type { OtherStatus, RouteFacts } from "./route.ts";

type Json = Record<string, unknown>;

const DESCRIPTION =
  `Formats: end a question's path with ${suffixes()}, or send Accept. Every GET answers HEAD and OPTIONS too; other methods get 405. \`/snapshot/{day}\` and \`/timeline/{symbol}\` are short for \`/v1/…\`.`;

/** What can go wrong with a question. */
const QUESTION_PROBLEMS = [400, 404, 406, 429, 500, 503];

/** What can go wrong elsewhere. */
const OTHER_PROBLEMS = [400, 404, 429, 500, 503];

/** What only some routes answer. */
const OTHER_STATUSES: Readonly<Record<OtherStatus, Json>> = {
  206: { description: "The range of bytes that was asked for", content: {} },
  304: { description: "What If-None-Match names is what you would get" },
  406: { $ref: "#/components/responses/406" },
  408: { $ref: "#/components/responses/408" },
  412: { $ref: "#/components/responses/412" },
  413: { $ref: "#/components/responses/413" },
  415: { $ref: "#/components/responses/415" },
  416: { $ref: "#/components/responses/416" },
  422: { $ref: "#/components/responses/422" },
  501: { $ref: "#/components/responses/501" },
  504: { $ref: "#/components/responses/504" },
};

/**
 * Describes the API.
 *
 * @param publicUrl Where clients reach the service; where they read this, when left out.
 */
export function openApi(version: string, publicUrl?: string): Json {
  const paths: Record<string, Json> = {};
  for (const question of QUESTIONS) {
    paths[`/v1${question.path}`] = { get: questionOperation(question, question.id) };
    paths[`/v/{version}${question.path}`] = {
      get: questionOperation(question, `${question.id}OfVersion`, { version: versionName }),
    };
  }
  for (const [id, route] of Object.entries(OTHER_ROUTES)) {
    paths[route.path] = { get: otherOperation(id, route) };
  }
  const { query } = OTHER_ROUTES;
  paths[query.path] = { get: otherOperation("query", query), post: postedQuery("query", query) };
  const old = {
    ...query,
    path: "/v/{version}/query",
    summary: "SQL on one version; of those that are not the newest, one is open at a time",
    takes: query.takes.extend({ version: versionName }),
  };
  paths[old.path] = {
    get: otherOperation("queryOfVersion", old, "query"),
    post: postedQuery("queryOfVersion", old),
  };
  return {
    openapi: "3.1.0",
    info: {
      title: "bfa",
      version,
      summary: "Which Binance USDⓈ-M futures existed, and really traded, on a day",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl ?? "/" }],
    paths,
    components: {
      schemas: {
        Problem: {
          type: "object",
          description: "RFC 9457",
          required: ["type", "title", "status", "code"],
          properties: {
            type: { const: "about:blank" },
            title: { type: "string" },
            status: { type: "integer" },
            code: { enum: [...Object.keys(HTTP_STATUS), "internal"] },
            detail: { type: "string" },
            suggestions: { type: "array", items: { type: "string" } },
          },
          additionalProperties: false,
        },
        ...Object.fromEntries(QUESTIONS.map(({ id, body }) => [id, schemaOf(body, "output")])),
        ...Object.fromEntries(
          Object.entries<RouteFacts>(OTHER_ROUTES).flatMap(([id, { body }]) =>
            body ? [[id, schemaOf(body, "output")]] : []
          ),
        ),
      },
      responses: Object.fromEntries(
        [
          ...new Set([...QUESTION_PROBLEMS, ...OTHER_PROBLEMS]),
          ...Object.keys(OTHER_STATUSES).map(Number).filter((status) => status > 406),
        ].map((status) => [status, {
          description: codesOf(status),
          content: {
            "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
          },
        }]),
      ),
    },
  };
}

function questionOperation(question: Question, id: string, more: z.ZodRawShape = {}): Json {
  const { asof, ...pages } = takenByAll(question);
  const inVersion = "version" in more;
  const formats = Object.values(ANSWER_FORMATS).slice(1, question.whole && 1);
  return {
    operationId: id,
    summary: question.summary + (inVersion ? ", in one version; never changes" : ""),
    parameters: [
      ...parametersOf({ ...more, ...question.inPath.shape }, "path"),
      ...parametersOf(
        { ...question.inQuery.shape, ...pages, ...inVersion ? {} : { asof: asof! } },
        "query",
      ),
    ],
    responses: {
      200: {
        description: question.summary,
        headers: {
          ETag: { schema: { type: "string" } },
          "X-Dataset-Version": { schema: { type: "string" } },
          Link: { schema: { type: "string" }, description: 'The next page, rel="next"' },
        },
        content: {
          "application/json": { schema: { $ref: `#/components/schemas/${question.id}` } },
          ...Object.fromEntries(formats.map(({ mediaType }) => [mediaType, {}])),
        },
      },
      304: OTHER_STATUSES[304],
      412: OTHER_STATUSES[412],
      ...others(question.statuses),
      ...problems(QUESTION_PROBLEMS),
    },
  };
}

/** The same as a GET; for texts too long for a URL. */
function postedQuery(id: string, route: RouteFacts): Json {
  const { parameters, ...get } = otherOperation(id, route, "query");
  const { sql, format } = OTHER_ROUTES.query.takes.shape;
  const schema = {
    type: "object",
    required: ["sql"],
    properties: {
      sql: schemaOf(sql, "input"),
      params: { type: ["array", "object"], description: "An array for `?`, an object for `$name`" },
      format: schemaOf(format, "input"),
    },
    additionalProperties: false,
  };
  const content = { "application/json": { schema } };
  const requestBody = { required: true, content };
  const inPath = (parameters as Json[]).filter((parameter) => parameter["in"] === "path");
  const operationId = `post${id[0]!.toUpperCase()}${id.slice(1)}`;
  return { ...get, operationId, parameters: inPath, requestBody };
}

/** `bodyOf` is the route whose body it answers with: its own, or that of another form of it. */
function otherOperation(id: string, route: RouteFacts, bodyOf = id): Json {
  const { path, summary, takes, mediaType, alsoSends = [], body, statuses = [] } = route;
  const inPath = Object.fromEntries(
    Object.entries(takes.shape).filter(([name]) => path.includes(`{${name}}`)),
  );
  const inQuery = Object.fromEntries(
    Object.entries(takes.shape).filter(([name]) => !(name in inPath)),
  );
  return {
    operationId: id,
    summary,
    parameters: [...parametersOf(inPath, "path"), ...parametersOf(inQuery, "query")],
    responses: {
      200: {
        description: summary,
        content: {
          [mediaType]: body ? { schema: { $ref: `#/components/schemas/${bodyOf}` } } : {},
          ...Object.fromEntries(alsoSends.map((type) => [type, {}])),
        },
      },
      // What has a tag takes conditions.
      ...others(statuses.includes(304) ? [...statuses, 412] : statuses),
      ...problems(OTHER_PROBLEMS),
    },
  };
}

function others(statuses: readonly OtherStatus[] = []): Json {
  return Object.fromEntries(statuses.map((status) => [status, OTHER_STATUSES[status]]));
}

function problems(statuses: readonly number[]): Json {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${status}` }]),
  );
}

function suffixes(): string {
  return Object.keys(ANSWER_FORMATS).map((name) => `\`.${name}\``).join(", ");
}

function codesOf(status: number): string {
  if (status === 416) return "not_found: no such range";
  if (status === 408) return "usage: the body did not come in time";
  if (status === 413) return "usage: the body is too large";
  if (status === 415) return "usage: the body must be JSON";
  const codes = Object.entries(HTTP_STATUS).filter(([, s]) => s === status).map(([code]) => code);
  return codes.join(", ") || "internal";
}

function parametersOf(shape: Parameters["shape"], where: "path" | "query"): Json[] {
  return Object.entries(shape).map(([name, type]) => {
    const { description, ...schema } = schemaOf(type as z.ZodType, "input");
    return {
      name,
      in: where,
      required: where === "path" || !(type as z.ZodType).safeParse(undefined).success,
      ...(description ? { description } : {}),
      ...(isRepeatable(type) ? { style: "form", explode: true } : {}),
      schema,
    };
  });
}

function schemaOf(type: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io }) as Json;
  return schema;
}
