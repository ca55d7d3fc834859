/** Descriptions of the dataset, as the validators of their formats read them. */

import { assert, assertEquals } from "@std/assert";
import { DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../../lib/core/schema.ts";
import { docBlock } from "../helpers/doc_blocks.ts";
import { python, withServed } from "../helpers/interop.ts";

Deno.test("frictionless takes the descriptor, over HTTP and in a folder; lengths and digests hold", async () => {
  await withServed(async (served) => {
    const code = await docBlock("frictionless", served);
    const answer = await python(`${code}
from frictionless import Package as Local
from frictionless.resources import FileResource

local = Local("${served.dir}/datapackage.json")
answer = {
    "fields": fields,
    "errors": [str(e) for p in (package, local) for e in Local.metadata_validate(p.to_descriptor())],
    "invalid": [],
}
for r in local.resources:
    report = FileResource(name=r.name, path=r.path, basepath="${served.dir}", hash=r.hash, bytes=r.bytes).validate()
    if not report.valid:
        answer["invalid"].append(report.flatten(["type", "message"]))
answer["count"] = len(local.resources)`);
    const { signed } = await served.dataset.manifest();
    assertEquals(answer, {
      fields: DAILY_AVAILABILITY.map(({ name }) => name),
      errors: [],
      invalid: [],
      count: signed.artifacts.length - 1,
    });
  });
});

Deno.test("frictionless: a wrong digest is found", async () => {
  await withServed(async ({ dir }) => {
    const answer = await python(`from frictionless.resources import FileResource
answer = FileResource(name="x", path="listings.json", basepath="${dir}", hash="sha256:${
      "0".repeat(64)
    }").validate().flatten(["type"])`);
    assertEquals(answer, [["hash-count"]]);
  });
});

Deno.test("the rows are what the descriptor's schema says: types, keys, foreign keys", async () => {
  await withServed(async ({ dir, scratch }) => {
    // As CSV: of Parquet, frictionless sees a missing integer as NaN.
    const answer = await python(`import json
import pyarrow.compute as pc, pyarrow.csv as csv, pyarrow.parquet as pq
from frictionless import Package

described = {r["path"]: r for r in json.load(open("${dir}/datapackage.json"))["resources"]}
resources = []
for path in ["availability.parquet", "volume-rankings.parquet"]:
    rows = pq.read_table("${dir}/" + path).slice(0, 900 if path.startswith("av") else 600)
    name = described[path]["name"]
    times = rows.schema.get_field_index("last_modified")
    if times >= 0:
        rows = rows.set_column(times, "last_modified", pc.strftime(rows["last_modified"], "%Y-%m-%dT%H:%M:%SZ"))
    csv.write_csv(rows, "${scratch}/" + name + ".csv")
    resources.append({"name": name, "path": name + ".csv", "type": "table", "format": "csv",
        "schema": described[path]["schema"]})

def errors():
    report = Package({"name": "rows", "resources": resources}, basepath="${scratch}").validate()
    return sorted({tuple(e) for e in report.flatten(["type", "fieldName"])}, key=str)

right = errors()
resources[0]["schema"]["fields"][3]["constraints"]["enum"] = ["archived"]
answer = [right, errors()]`);
    assertEquals(answer, [[], [["constraint-error", "state"]]]);
  });
});

Deno.test("dplib reads the descriptor as Data Package v2", async () => {
  await withServed(async ({ url, version, dataset }) => {
    const answer = await python(`from dplib.models import Package
package = Package.from_path("${url}/datapackage.json")
first = next(r for r in package.resources if r.name == "volume-rankings-parquet")
schema = first.get_schema()
answer = {
    "profile": package.profile,
    "version": package.version,
    "licenses": [l.name for l in package.licenses],
    "sources": [s.path for s in package.sources],
    "roles": package.contributors[0].roles,
    "key": schema.primaryKey,
    "foreign": schema.foreignKeys[0].reference.resource,
    "types": [f.type for f in schema.fields],
    "path": first.path.removeprefix("http://").partition("/")[1:],
}`);
    answer.path = answer.path.join("");
    assertEquals(answer, {
      profile: "https://datapackage.org/profiles/2.0/datapackage.json",
      version: (await dataset.status()).version ?? version,
      licenses: ["MIT"],
      sources: ["https://data.binance.vision/"],
      roles: ["wrangler", "publisher"],
      key: ["date", "symbol"],
      foreign: "availability-parquet",
      types: VOLUME_RANKINGS.map(({ type }) =>
        ({ DATE: "date", VARCHAR: "string", BIGINT: "integer", DOUBLE: "number" })[type as "DATE"]
      ),
      path: `/v/${version}/files/volume-rankings.parquet`,
    });
  });
});

Deno.test("mlcroissant takes the Croissant description, and reads records with it", async () => {
  await withServed(async (served) => {
    const code = await docBlock("croissant", served);
    const answer = await python(
      `import logging
logging.disable(logging.CRITICAL)
${code}
issues = dataset.metadata.ctx.issues
answer = {"errors": [str(e) for e in issues.errors], "sets": [s.name for s in dataset.metadata.record_sets],
  "first": {k.split("/")[1]: (v.decode() if isinstance(v, bytes) else str(v)) for k, v in first.items()}}`,
      { env: { HOME: served.scratch } },
    );
    assertEquals(answer.errors, []);
    assertEquals(answer.sets, ["daily_availability", "volume_rankings"]);
    const { rows: [[date, symbol, rank] = []] } = await served.dataset.sql(
      "SELECT date, symbol, rank FROM volume_rankings ORDER BY date, rank, symbol LIMIT 1",
    );
    const { first } = answer;
    assert(first.date.startsWith(date), first.date);
    assertEquals([first.symbol, Number(first.rank)], [symbol, rank]);
  });
});
