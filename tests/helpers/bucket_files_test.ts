import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { unzipSync } from "fflate";
import { addDays, type Day, parseDay } from "../../lib/core/day.ts";
import { listing } from "./listing.ts";
import type { Bucket } from "./bucket.ts";
import {
  changesBefore,
  cutPage,
  everyFirst,
  firstTimes,
  forbidden,
  htmlPage,
  ofKind,
  repeatedPage,
  serverError,
  tooMany,
  wrongChecksum,
} from "./bucket_faults.ts";
import { KLINE_HEADER } from "./bucket_klines.ts";
import { KLINES_ROOT as ROOT } from "./bucket_odd.ts";
import { serve } from "./bucket_served.ts";

Deno.test("a 1d ZIP is what its listing and its CHECKSUM say, with the numbers of the truth", async () => {
  await using served = serve([listing("龙虾USDT#1", "2021-12-30")]);
  const rows = new Map([...served.history.expectedRows()].map((row) => [row.date, row]));
  for (const day of ["2021-12-31", "2022-07-01"] as Day[]) {
    const name = `龙虾USDT-1d-${day}.zip`;
    const url = `${served.bucket.filesUrl}${ROOT}龙虾USDT/1d/${name}`;
    const zip = await fetch(url);
    const bytes = new Uint8Array(await zip.arrayBuffer());
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    assertEquals(await (await fetch(`${url}.CHECKSUM`)).text(), `${sha256}  ${name}\n`);
    const marker = `${ROOT}龙虾USDT/1d/龙虾USDT-1d-${addDays(day, -1)}.zip.CHECKSUM`;
    const page = await served.list({ prefix: `${ROOT}龙虾USDT/1d/`, marker, "max-keys": "1" });
    assertStringIncludes(page, `<Key>${ROOT}龙虾USDT/1d/${name}</Key>`);
    assertStringIncludes(page, `<Size>${bytes.length}</Size>`);
    assertStringIncludes(page, `<ETag>&quot;${zip.headers.get("etag")!.replaceAll('"', "")}&quot;`);
    const [csv] = Object.values(unzipSync(bytes));
    const lines = new TextDecoder().decode(csv).split("\n");
    assertEquals(lines[0] === KLINE_HEADER, day > "2022");
    const fields = lines.at(-2)!.split(",").map(Number);
    assertEquals([...Object.values(rows.get(day)!.numbers!), 0], fields);
  }
});

Deno.test("a 1m ZIP answers HEAD and GET with its size; what is not there is 404", async () => {
  await using served = serve([listing("BTCUSDT#1", "2026-08-01")]);
  const url = `${served.bucket.filesUrl}${ROOT}BTCUSDT/1m/BTCUSDT-1m-2026-08-02.zip`;
  const { size } = served.history.file("BTCUSDT", "1m", parseDay("2026-08-02"))!;
  assertEquals((await fetch(url, { method: "HEAD" })).headers.get("content-length"), String(size));
  assertEquals((await (await fetch(url)).bytes()).length, size);
  const missing = await fetch(url.replace("08-02", "08-09"));
  assertEquals(missing.status, 404);
  assertStringIncludes(await missing.text(), "<Code>NoSuchKey</Code>");
  const counts = { prefixes: 0, keys: 0, zip: 3, checksum: 0, other: 0, served: 0 };
  assertEquals(served.bucket.take(), counts);
});

Deno.test("each fault breaks what it says, and then no more", async () => {
  await using served = serve([listing("BTCUSDT#1", "2026-08-01")]);
  const { bucket } = served;
  const prefix = `${ROOT}BTCUSDT/1m/`;
  const usual = await served.list({ prefix });
  const broken = async (fault: Bucket["fault"]) => {
    bucket.fault = fault;
    const answer = await served.get(`?prefix=${prefix}`);
    return [answer.status, await answer.text(), answer.headers] as const;
  };
  assertEquals((await broken(forbidden()))[0], 403);
  assertEquals((await broken(tooMany(7)))[2].get("retry-after"), "7");
  assertEquals((await broken(serverError(503)))[0], 503);
  assertStringIncludes((await broken(htmlPage()))[1], "<!DOCTYPE html>");
  assertEquals((await broken(cutPage()))[1], usual.slice(0, usual.length / 2));
  assertEquals((await broken(repeatedPage()))[1], usual.replace("false", "true"));
  assertEquals((await broken(ofKind("zip", forbidden())))[0], 200);
  bucket.fault = firstTimes(1, forbidden());
  assertEquals(await served.statuses(`?prefix=${prefix}`, 3), [403, 200, 200]);
  bucket.fault = everyFirst(2, serverError());
  assertEquals(await served.statuses(`?prefix=${prefix}`, 3), [500, 500, 200]);

  const zip = `${bucket.filesUrl}${ROOT}BTCUSDT/1d/BTCUSDT-1d-2026-08-02.zip`;
  bucket.fault = undefined;
  const right = await (await fetch(`${zip}.CHECKSUM`)).text();
  bucket.fault = wrongChecksum();
  const wrong = await (await fetch(`${zip}.CHECKSUM`)).text();
  assert(right !== wrong && right.slice(1) === wrong.slice(1));
  bucket.fault = undefined;
  const before = (await (await fetch(zip)).bytes()).toHex();
  bucket.fault = changesBefore("zip", served.history, () => bucket.now);
  assert((await (await fetch(zip)).bytes()).toHex() !== before);
  assert(await (await fetch(`${zip}.CHECKSUM`)).text() !== right);
});

Deno.test("bytes that should be encoded, and other versions of the API, are refused", async () => {
  await using served = serve([listing("龙虾USDT#1", "2026-08-01")]);
  assertEquals(await served.statuses("?prefix=%E9%BE%9", 1), [400]);
  assertEquals(await served.statuses("?list-type=2", 1), [400]);
  const { hostname, port } = new URL(served.bucket.listUrl);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET /data.binance.vision?marker=${ROOT}龙虾USDT/ HTTP/1.1\r\nhost: test\r\n`;
  await connection.write(new TextEncoder().encode(`${request}connection: close\r\n\r\n`));
  const answer = await new Response(connection.readable).text();
  assertStringIncludes(answer, "HTTP/1.1 400");
});
