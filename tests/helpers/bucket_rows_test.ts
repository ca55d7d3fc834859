import { assert, assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { toBinary } from "./bucket_bytes.ts";
import { history } from "./bucket_history.ts";
import { KeySpace } from "./bucket_keys.ts";
import { KLINES_ROOT, quarantineKeys } from "./bucket_odd.ts";
import { RowWriter } from "./bucket_rows.ts";
import { pageOfRows, pageXml } from "./bucket_xml.ts";
import { LATER, THROUGH } from "./bucket_served.ts";
import { listing } from "./listing.ts";

const PAST = history([
  listing("BTCUSDT#1", "2022-12-31"),
  listing("BTCUSDT_260925#1", "2026-07-30"),
  listing("LITUSDT#1", "2025-02-18", "2025-06-30", "2025-11-20"),
  listing("ODDUSDT#1", "2026-07-30"),
  listing("龙虾USDT#1", "2026-08-01"),
], {
  through: THROUGH,
  gaps: [{ symbol: "LITUSDT", from: "2025-03-01", to: "2025-03-04" }],
  relistings: [{ symbol: "LITUSDT", first: "2025-12-23" }],
  uploads: [{ from: "2025-06-20", to: "2026-02-03", at: "2026-08-04T09:00:00.000Z" }],
  removals: [{ symbol: "BTCUSDT", from: "2025-06-21", at: "2026-08-04T09:00:00.000Z" }],
  odd: quarantineKeys("ODDUSDT", parseDay("2026-08-04"), "2026-08-05T07:00:00.000Z"),
});

/** Pages as rows, one after another, each compared with the one of objects. */
function pagesOf(symbol: string, first: string, now = LATER) {
  const [keys, rows] = [new KeySpace(PAST), new RowWriter(PAST)];
  const prefix = toBinary(`${KLINES_ROOT}${symbol}/1m/`);
  const counts: number[] = [];
  for (let marker = first && `${prefix}${symbol}-1m-${first}`, more = true; more;) {
    const query = { prefix, marker, delimiter: "", maxKeys: 1_000 };
    const [page, written] = [keys.page(query, now), rows.write(query, now)];
    if (!written) return undefined;
    const { count, isTruncated } = written;
    for (const bare of [false, true]) {
      const text = new TextDecoder().decode(pageOfRows(query, written, { bare }));
      assert(text === pageXml(query, page, { bare }), `${symbol} after ${marker}`);
    }
    assertEquals([count, isTruncated], [page.objects.length, page.isTruncated]);
    counts.push(count);
    marker = page.next;
    more = isTruncated;
  }
  return counts;
}

Deno.test("pages written as rows are those written of objects, byte by byte", () => {
  assertEquals(pagesOf("BTCUSDT", ""), [1_000, 1_000, 632]);
  assertEquals(pagesOf("BTCUSDT_260925", ""), [20]);
  assertEquals(pagesOf("LITUSDT", ""), [1_000, 2]);
  // From any kind of marker: then a page can end between a ZIP and its CHECKSUM.
  assertEquals(pagesOf("BTCUSDT", "2023-01-01"), [1_000, 1_000, 630]);
  assertEquals(pagesOf("BTCUSDT", "2023-01-01.zip"), [1_000, 1_000, 629]);
  assertEquals(pagesOf("BTCUSDT", "2023-01-01.zip.CHECKSUM"), [1_000, 1_000, 628]);
  assertEquals(pagesOf("BTCUSDT", "2025-03-25.zip.CHECKSUM"), [1_000]);
  assertEquals(pagesOf("BTCUSDT", "2025-03-25.zip"), [1_000, 1]);
  assertEquals(pagesOf("BTCUSDT", "2026-08-08.zip.CHECKSUM"), [0]);
  assertEquals(pagesOf("LITUSDT", "2025-03-02"), [980]);
});

Deno.test("what is not plain is left to the usual way", () => {
  assertEquals(pagesOf("ODDUSDT", ""), undefined);
  assertEquals(pagesOf("龙虾USDT", ""), undefined);
  assertEquals(pagesOf("NOUSDT", ""), undefined);
  assertEquals(pagesOf("BTCUSDT", "2025-02-30"), undefined);
  assertEquals(pagesOf("BTCUSDT", "2025-02-28.zap"), undefined);
  // In the second between a CHECKSUM and its ZIP.
  const { lastModified } = PAST.file("BTCUSDT", "1m", THROUGH)!;
  const at = Date.parse(lastModified);
  assertEquals(pagesOf("BTCUSDT", "2026-08-01", at - 1_001), [14]);
  assertEquals(pagesOf("BTCUSDT", "2026-08-01", at - 1), undefined);
  assertEquals(pagesOf("BTCUSDT", "2026-08-01", at), [16]);
});
