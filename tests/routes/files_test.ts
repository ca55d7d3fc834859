import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DAILY_AVAILABILITY } from "../../lib/core/schema.ts";
import { service } from "../../routes/service.ts";
import { sqlService } from "../../lib/jobs/sql_service.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { withNumbers } from "../helpers/numbers_service.ts";
import { LISTINGS, SEED, type TestService, VERSION, withService } from "../helpers/service.ts";

const VERSIONED = "2024-03-31.2";

/** A service whose newest version has all files and numbers, and an older one with its listings alone. */
async function withFiles(test: (running: TestService) => Promise<void>): Promise<void> {
  await withNumbers(test, { version: VERSIONED, listings: LISTINGS });
}

Deno.test("/v/{version}/files/{name} is the artifact, of any version, for ever", async () => {
  await withFiles(async ({ ask, json }) => {
    const { signed } = await json("/v1/manifest");
    for (const { name, sha256, bytes } of signed.artifacts) {
      const [file, artifact] = await Promise.all([
        ask(`/v/${VERSIONED}/files/${name}`),
        ask(`/v1/artifacts/${sha256}/${name}`),
      ]);
      assertEquals([name, file.status], [name, 200]);
      for (const header of ["etag", "content-type", "cache-control", "content-length"]) {
        assertEquals(file.headers.get(header), artifact.headers.get(header));
      }
      assertEquals(file.headers.get("x-dataset-version"), VERSIONED);
      assertEquals((await file.bytes()).length, bytes);
      await artifact.body?.cancel();
    }
    const old = await ask(`/v/${VERSION}/files/listings.json`);
    assertEquals([old.status, old.headers.get("x-dataset-version")], [200, VERSION]);
    await old.body?.cancel();
    const part = await ask(`/v/${VERSIONED}/files/parts/2023.parquet`, {
      headers: { range: "bytes=0-3" },
    });
    assertEquals([part.status, await part.text()], [206, "PAR1"]);
  });
});

Deno.test("/v/{version}/files/{name}: what is not there, and what is no name", async () => {
  await withFiles(async ({ ask }) => {
    const cases: [path: string, status: number, detail: string][] = [
      [`/v/${VERSIONED}/files/other.parquet`, 404, "no artifact"],
      [`/v/${VERSIONED}/files/..%2f..%2fkv.sqlite3`, 404, "no artifact"],
      [`/v/${VERSION}/files/availability.parquet`, 404, "it has listings.json"],
      ["/v/2024-03-31.9/files/listings.json", 404, "no version 2024-03-31.9"],
      ["/v/latest/files/listings.json", 400, "version"],
      [`/v/${VERSIONED}/files/availability.duckdb`, 404, "unpack availability.duckdb.gz"],
      [`/v/${VERSIONED}/files/listings.json?x=1`, 400, "x"],
    ];
    for (const [path, status, detail] of cases) {
      const answer = await ask(path);
      assertEquals([path, answer.status], [path, status]);
      assertStringIncludes((await answer.json()).detail, detail);
    }
  });
});

Deno.test("availability.duckdb is there unpacked, with ranges, where SQL runs; of the newest version alone", async () => {
  await withFiles(async ({ world, followed, ask }) => {
    const { store: reader, mirrors: [mirror] } = world.publisher;
    const onProblem = (error: unknown) => {
      throw error;
    };
    const sql = sqlService({ reader, mirror: mirror!, followed, onProblem });
    try {
      const options = { reader, mirror: mirror!, followed, seed: SEED, onProblem, sql };
      const served = service({ ...options, now: () => world.clock });
      const get = async (version: string, headers = {}) =>
        await served.fetch(
          new Request(`http://127.0.0.1/v/${version}/files/availability.duckdb`, { headers }),
        );
      const whole = await get(VERSIONED);
      const bytes = await whole.bytes();
      assertEquals([whole.status, whole.headers.get("accept-ranges")], [200, "bytes"]);
      assertEquals(new TextDecoder().decode(bytes.subarray(8, 12)), "DUCK");
      const packed = await ask(`/v/${VERSIONED}/files/availability.duckdb.gz`);
      const unpacked = packed.body!.pipeThrough(new DecompressionStream("gzip"));
      assertEquals(bytes, await new Response(unpacked).bytes());
      const range = await get(VERSIONED, { range: "bytes=8-11" });
      assertEquals([range.status, await range.text()], [206, "DUCK"]);
      const etag = whole.headers.get("etag")!;
      assert(etag !== packed.headers.get("etag"), "other bytes, another tag");
      assertEquals((await get(VERSIONED, { "if-none-match": etag })).status, 304);
      const old = await get(VERSION);
      assertEquals(old.status, 404);
      assertStringIncludes((await old.json()).detail, `unpacked is that of ${VERSIONED}`);
    } finally {
      await sql.close();
    }
  });
});

Deno.test("/datapackage.json leads to the files", async () => {
  await withFiles(async ({ ask }) => {
    const answer = await ask("/datapackage.json");
    assertEquals(answer.headers.get("content-type"), "application/vnd.datapackage+json");
    const { resources } = await answer.json();
    for (const { path, bytes } of resources) {
      assertMatch(path, new RegExp(`^http://127\\.0\\.0\\.1/v/${VERSIONED}/files/`));
      const file = await ask(new URL(path).pathname, { method: "HEAD" });
      assertEquals([path, file.status, file.headers.get("content-length")], [
        path,
        200,
        `${bytes}`,
      ]);
    }
    const etag = answer.headers.get("etag")!;
    const again = await ask("/datapackage.json", { headers: { "if-none-match": etag } });
    assertEquals(again.status, 304);
  });
});

Deno.test("/datapackage.json is read once a version, and never told when it is damaged", async () => {
  let opened = 0;
  let damaged = true;
  const wrapMirror = (mirror: Mirror): Mirror => ({
    ...mirror,
    async open(path, range) {
      const file = await mirror.open(path, range);
      if (!file || !path.endsWith("/datapackage.json")) return file;
      opened++;
      if (!damaged) return file;
      const bytes = await new Response(file.body).bytes();
      bytes[bytes.length >> 1]! ^= 1;
      return { ...file, body: new Blob([bytes]).stream() };
    },
  });
  await withService(async ({ ask, world, problems, followed }) => {
    const switched = new Promise<void>((resolve) => followed.onChange(() => resolve()));
    await publishNumbers(world, VERSIONED, MANY_LISTINGS);
    await switched;
    const wrong = await ask("/datapackage.json");
    const { code, detail } = await wrong.json();
    assertEquals([wrong.status, code, detail], [500, "integrity", undefined]);
    assertEquals(problems.length, 1);
    damaged = false;
    for (const host of ["a.test", "b.test", "a.test"]) {
      const response = await ask("/datapackage.json", { headers: { host } });
      assertEquals((await response.json()).resources.length > 3, true);
    }
    assertEquals(opened, 2);
  }, { listings: [], wrapMirror });
});

Deno.test("/croissant.json describes every file and table of the newest version; 404 before there is one", async () => {
  await withService(async ({ ask }) => {
    assertEquals((await ask("/croissant.json")).status, 404);
  }, { listings: [] });
  await withFiles(async ({ ask, json }) => {
    const answer = await ask("/croissant.json");
    assertEquals(answer.headers.get("content-type"), "application/ld+json");
    const { distribution, recordSet, version, temporalCoverage } = await answer.json();
    const { signed } = await json("/v1/manifest");
    assertEquals([version, temporalCoverage], [VERSIONED, "2023-12-03/2024-03-31"]);
    assertEquals(
      distribution.map((file: Record<string, unknown>) => [file["@id"], file["sha256"]]),
      signed.artifacts.map((a: { name: string; sha256: string }) => [a.name, a.sha256]),
    );
    const [daily] = recordSet;
    assertEquals(
      daily.field.map(({ name }: { name: string }) => name),
      DAILY_AVAILABILITY.map(({ name }) => name),
    );
  });
});

Deno.test("/reference has what Google Dataset Search asks for, as JSON-LD that cannot end its element", async () => {
  await withFiles(async ({ ask }) => {
    const page = await (await ask("/reference")).text();
    const scripts = [...page.matchAll(/<script type="application\/ld\+json">(.*?)<\/script>/gs)];
    assertEquals(scripts.length, 1);
    const [, text] = scripts[0]!;
    assert(!text!.includes("<"));
    const described = JSON.parse(text!);
    assertEquals([described["@context"], described["@type"]], ["https://schema.org/", "Dataset"]);
    // Required: name, and a description of 50 to 5,000 characters.
    assert(described.name.length > 0);
    assert(described.description.length >= 50 && described.description.length <= 5_000);
    for (
      const recommended of ["creator", "license", "temporalCoverage", "variableMeasured", "url"]
    ) {
      assert(described[recommended], recommended);
    }
    assertEquals([described.version, described.isAccessibleForFree], [VERSIONED, true]);
    for (const { contentUrl, encodingFormat } of described.distribution) {
      const file = await ask(new URL(contentUrl).pathname, { method: "HEAD" });
      assertEquals([contentUrl, file.status], [contentUrl, 200]);
      assert(encodingFormat.includes("/"));
    }
  });
  await withService(async ({ ask }) => {
    assert(!(await (await ask("/reference")).text()).includes("ld+json"), "nothing is published");
  }, { listings: [] });
});
