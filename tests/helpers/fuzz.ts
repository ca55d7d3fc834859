/** Requests made from a description of the API: good ones, and hostile ones. @module */

import fc from "fast-check";

type Json = Record<string, unknown>;

/** One parameter of an operation. */
interface Parameter {
  readonly description?: string;
  readonly name: string;
  readonly in: "path" | "query";
  readonly schema: Json;
}

/** One operation of the description. */
export interface Operation {
  readonly path: string;
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, Json>>;
}

/** A request, and the operation it was made from. */
export interface Fuzzed {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** Values that exist in the data, by the name of the parameter. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

/** The operations of a description. */
export function operationsOf(description: Json): Operation[] {
  return Object.entries(description["paths"] as Record<string, { get: Operation }>)
    .map(([path, { get }]) => ({ ...get, path }));
}

/** Percent-encoded, as they would stand in a URL. */
const HOSTILE = [
  "",
  "%00",
  "%",
  "%zz",
  "%E0%A4%A",
  "%FF%FE",
  "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
  "..%5c..%5cetc",
  "__proto__",
  "constructor",
  "toString",
  "%F0%9F%92%A9",
  "%ED%A0%80",
  "null",
  "undefined",
  "NaN",
  "-1",
  "1e9",
  "0x10",
  "9".repeat(40),
  "A".repeat(200),
  "A".repeat(201),
  "%41".repeat(300),
  "2024-02-30",
  "0000-00-00",
  "9999-12-31",
  "2024-01-15T00:00:00Z",
  "latest%20",
  "latest.json",
  "%3Cscript%3E",
  "'%20OR%201=1--",
  "%0d%0aSet-Cookie:%20a=b",
  "a%26b%3Dc",
  "%252e%252e",
  "+",
  "~",
  "*",
  "[]",
  "{}",
];

const SUFFIXES = [
  ".json",
  ".csv",
  ".ndjson",
  ".md",
  ".arrow",
  ".parquet",
  ".xml",
  ".",
  ".json.csv",
  "%2Ecsv",
  ".CSV",
  "/",
];

const ACCEPTS = [
  "*/*",
  "application/json",
  "text/csv",
  "text/markdown",
  "application/x-ndjson",
  "application/vnd.apache.arrow.stream",
  "application/vnd.apache.parquet",
  "text/html",
  "text/*;q=0.5, application/json;q=0",
  "application/json;q=2",
  "application/*",
  "*",
  "/",
  ";;;",
  "text/csv;q=",
  "a".repeat(3_000),
  "text/csv;q=0.1,".repeat(200),
];

/** Whole header values. `ETAG` stands for the tag of what is asked for. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  "accept": ACCEPTS,
  "accept-encoding": ["gzip", "identity", "gzip;q=0", "br", "*", "gzip;q=x", ",,,", "*;q=0"],
  "if-none-match": ["*", "ETAG", "W/ETAG", '"x", ETAG', '"x"', "x", '"', ",,", '"\\"', "W/"],
  "if-match": ["*", "ETAG", "W/ETAG", '"x", ETAG', '"x"', "x", ",,", "W/"],
  "if-unmodified-since": [
    "Mon, 01 Apr 2030 00:00:00 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "yesterday",
    "",
  ],
  "if-range": ["ETAG", "W/ETAG", '"x"', "Mon, 01 Apr 2024 00:00:00 GMT", "yesterday"],
  "range": [
    "bytes=0-9",
    "bytes=-5",
    "bytes=5-",
    "bytes=0-0",
    "bytes=1-",
    "bytes=0-99",
    "bytes=-1",
    "bytes=9-5",
    "bytes=99999999-",
    "bytes=-0",
    "bytes=0-1,4-5",
    "bytes=a-b",
    "lines=0-1",
    `bytes=0-${"9".repeat(30)}`,
    `bytes=${"9".repeat(15)}-`,
    "",
  ],
  "x-request-id": ["abc-1", "a b", "x".repeat(100), "é"],
  "last-event-id": ["1", "-1", "NaN", "999999999999999999999"],
  "origin": ["https://a.test", "null"],
  "content-type": ["application/json"],
};

const METHODS = ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"];

/** Requests to any of the operations. */
export function requests(
  operations: readonly Operation[],
  known: KnownValues,
): fc.Arbitrary<Fuzzed> {
  const method = fc.oneof(
    { weight: 12, arbitrary: fc.constant("GET") },
    { weight: 3, arbitrary: fc.constantFrom(...METHODS) },
  );
  return fc.oneof(...operations.map((operation) =>
    fc.record({
      operation: fc.constant(operation),
      method,
      path: pathOf(operation, known),
      headers: headers(),
    })
  ));
}

function headers(): fc.Arbitrary<Record<string, string>> {
  const some = Object.entries(HEADERS).map(([name, values]) =>
    fc.constantFrom(...values).map((value): [string, string] => [name, value])
  );
  return fc.array(fc.oneof(...some), { maxLength: 3 }).map(Object.fromEntries);
}

function pathOf(operation: Operation, known: KnownValues): fc.Arbitrary<string> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
  const inQuery = operation.parameters.filter((parameter) => parameter.in === "query");
  const parts = fc.tuple(...inPath.map((parameter) => valueOf(parameter, known)));
  const suffix = sometimes(4, fc.constant(""), fc.constantFrom(...SUFFIXES));
  return fc.tuple(parts, suffix, queryOf(inQuery, known)).map(([parts, suffix, query]) => {
    let i = 0;
    const path = operation.path.replace(/\{\w+\}/g, () => parts[i++]!);
    return path + suffix + query;
  });
}

function queryOf(parameters: readonly Parameter[], known: KnownValues): fc.Arbitrary<string> {
  const unknown = fc.tuple(
    fc.constantFrom("x", "__proto__", "constructor", "%00", "", "FROM", "state%5B%5D", "%ff"),
    fc.constantFrom(...HOSTILE),
  );
  const given = parameters.map((parameter) =>
    valueOf(parameter, known).map((value): [string, string] => [parameter.name, value])
  );
  const pair = given.length ? sometimes(20, fc.oneof(...given), unknown) : unknown;
  return fc.array(pair, { maxLength: given.length ? 4 : 1 }).map((pairs) =>
    pairs.length ? `?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}` : ""
  );
}

/** A value for a parameter: one that the data knows, one that its schema allows, or a hostile one. */
function valueOf({ name, schema }: Parameter, known: KnownValues): fc.Arbitrary<string> {
  const good = known[name];
  const allowed = bySchema(schema).map(encodeURIComponent);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: good
        ? fc.constantFrom(...good).map((value) =>
          value.split("/").map(encodeURIComponent).join("/")
        )
        : allowed,
    },
    { weight: 1, arbitrary: allowed },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE) },
  );
}

function bySchema(schema: Json): fc.Arbitrary<string> {
  const of = (schema["items"] ?? schema) as Json;
  if (of["enum"]) return fc.constantFrom(...of["enum"] as string[]);
  if (of["type"] === "integer") {
    const { minimum, maximum } = of as { minimum: number; maximum: number };
    return fc.integer({ min: minimum, max: maximum }).map(String);
  }
  if (of["pattern"]) return fc.stringMatching(new RegExp(of["pattern"] as string));
  return fc.string({ maxLength: 20, unit: "binary" }).map((text) => text.toWellFormed());
}

function sometimes<T>(
  weight: number,
  mostly: fc.Arbitrary<T>,
  seldom: fc.Arbitrary<T>,
): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: mostly }, { weight: 1, arbitrary: seldom });
}
