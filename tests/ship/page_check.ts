/** The page in a real browser. Needs Debian's `chromium`, or another named by `CHROMIUM_BIN`. @module */

import { assertEquals, assertMatch } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { type BrowserPage, withBrowser } from "../helpers/browser.ts";
import { withQueryService } from "../helpers/query.ts";

/** A browser at the page. */
interface Seen extends BrowserPage {
  open(hash: string): Promise<void>;
}

async function inBrowser(test: (seen: Seen) => Promise<void>): Promise<void> {
  await withQueryService(async ({ service }) => {
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => service.fetch(request),
    );
    try {
      await withBrowser(async ({ page, requests, complaints }) => {
        const open = async (hash: string) => {
          await page.goto("about:blank");
          await page.goto(`http://127.0.0.1:${server.addr.port}/${hash}`);
          await page.waitForSelector("#history svg");
        };
        await test({ page, requests, complaints, open });
      });
    } finally {
      await server.shutdown();
    }
  });
}

async function cells(page: Page, place: string): Promise<string[][]> {
  await page.waitForSelector(`${place} table`);
  const rows = await page.$$(`${place} tbody tr`);
  return await Promise.all(
    rows.map(async (row) =>
      await Promise.all((await row.$$("td")).map(async (cell) => (await cell.textContent())!))
    ),
  );
}

const BROWSER = { sanitizeOps: false, sanitizeResources: false }; // the browser's own pipes and timers

Deno.test("page: a day, a symbol, what is new, SQL", BROWSER, async () => {
  await inBrowser(async ({ page, complaints, open }) => {
    await open("#day=2024-01-11");
    assertMatch((await page.textContent("#version"))!, /2024-03-31\.1: 6 symbols, 2024-01-01 to/);
    assertEquals((await cells(page, "#day-answer")).map((row) => row[0]), [
      "AAAUSDT",
      "CCCUSDT",
      "DDDUSDC",
    ]);

    await page.check('input[value="archived"]');
    await page.selectOption('select[name="quote"]', "USDT");
    await page.click("#day-form button");
    await page.waitForSelector('#day-answer .note:has-text("archived")');
    const withArchived = await cells(page, "#day-answer");
    const chosen = "#day=2024-01-11&state=traded&state=archived&quote=USDT";
    assertEquals(await page.evaluate("location.hash"), chosen);
    const csv = await page.getAttribute("#day-answer .note a:has-text('CSV')", "href");
    const address = `v1/snapshot/2024-01-11.csv?${new URLSearchParams([
      ["state", "traded"],
      ["state", "archived"],
      ["detail", "1"],
      ["where", "quote_asset=USDT"],
    ])}`;
    assertEquals(csv, address);
    await open(chosen);
    await page.waitForSelector('#day-answer .note:has-text("archived")');
    assertEquals(await cells(page, "#day-answer"), withArchived);
    assertEquals(withArchived.map((row) => row.slice(0, 2)), [["AAAUSDT", "traded"]]);

    await page.click("#day-answer tbody button");
    assertEquals((await cells(page, "#symbol-answer"))[0]![0], "AAAUSDT#1");
    assertEquals(await page.evaluate("location.hash"), "#symbol=AAAUSDT");
    assertEquals((await page.$$("#symbol-answer .years svg rect")).length, 1);

    const events = await cells(page, "#events-answer");
    assertEquals(events.map((row) => row.slice(0, 3)), [
      ["2024-03-30", "gone", "EEEUSDT_240329"],
      ["2024-03-15", "new", "币安人生USDT"],
      ["2024-03-01", "relisted", "BBBUSDT"],
    ]);

    await page.fill("textarea", "SELECT count(*) AS n, max(symbol) AS last FROM listings");
    await page.press("textarea", "Control+Enter");
    assertEquals(await cells(page, "#sql-answer"), [["7", "币安人生USDT"]]);
    assertEquals(complaints, []);
  });
});

Deno.test("page: what is wrong is said in one line, as text", BROWSER, async () => {
  await inBrowser(async ({ page, complaints, open }) => {
    await open("#symbol=<img src=x onerror=alert(1)>");
    const problem = await page.waitForSelector("#symbol-answer .problem");
    assertMatch((await problem.textContent())!, /no symbol <img src=x onerror=alert\(1\)>/i);
    assertEquals((await page.$$("#symbol-answer img")).length, 0);

    await page.fill("textarea", "SELECT '<b>bold</b>' AS cell");
    await page.click("#sql-form button");
    assertEquals(await cells(page, "#sql-answer"), [["<b>bold</b>"]]);

    await page.fill("textarea", "DROP TABLE listings");
    await page.click("#sql-form button");
    assertMatch(
      (await (await page.waitForSelector("#sql-answer .problem")).textContent())!,
      /SELECT/,
    );
    assertEquals(complaints.filter((text) => !text.includes("Failed to load resource")), []);
  });
});

Deno.test("page: a link fills a statement in, and never runs it", BROWSER, async () => {
  await inBrowser(async ({ page, requests, open }) => {
    await open(`#sql=${encodeURIComponent("SELECT 1 + 1 AS two")}`);
    await page.waitForSelector("#events-answer table");
    assertEquals(await page.inputValue("textarea"), "SELECT 1 + 1 AS two");
    assertEquals(requests.filter((url) => new URL(url).pathname === "/v1/query"), []);
    await page.click("#sql-form button");
    assertEquals(await cells(page, "#sql-answer"), [["2"]]);
  });
});

Deno.test(
  "page: the keyboard stays where it was, and what is typed meanwhile stays",
  BROWSER,
  async () => {
    await inBrowser(async ({ page, open }) => {
      await open("");
      await page.waitForSelector("#events-answer table");
      for (const place of ["day", "events"]) {
        await page.focus(`#${place}-form button`);
        await page.keyboard.press("Enter");
        await page.waitForSelector(`#${place}-form button:not([disabled])`);
        await page.waitForSelector(`#${place}-form button:focus`);
      }

      const address = page.url();
      const arrived = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      await page.route("**/v1/symbols*", async (route) => {
        arrived.resolve();
        await release.promise;
        await route.continue();
      });
      await page.goto("about:blank");
      await page.goto(address.split("#")[0]!);
      await arrived.promise;
      await page.fill("textarea", "SELECT 42");
      await page.fill('#day-form input[type="date"]', "2024-01-11");
      release.resolve();
      await page.waitForSelector("#history svg");
      assertEquals(await page.inputValue("textarea"), "SELECT 42");
      assertMatch((await page.textContent("#day-answer .note"))!, /on 2024-01-11/);
    });
  },
);

Deno.test(
  "page: what cannot be asked, and an answer that does not come, is said in words",
  BROWSER,
  async () => {
    await inBrowser(async ({ page, open }) => {
      const problem = async (place: string) =>
        (await page.textContent(`#${place}-answer .problem`))!;
      await open("#day=tomorrow");
      assertEquals(await problem("day"), "Give a day, such as 2024-01-15.");
      await open("#symbol=");
      assertEquals(await problem("symbol"), "Give a symbol, such as BTCUSDT.");

      await open("");
      const snapshots = "**/v1/snapshot/**";
      await page.route(snapshots, (route) => route.abort());
      await page.click("#day-form button");
      assertEquals(await problem("day"), "The service cannot be reached: try again.");
      await page.unroute(snapshots);
      await page.route(snapshots, (route) => route.fulfill({ status: 200, body: '{"rows": [' }));
      await page.click("#day-form button");
      await page.waitForSelector('.problem:has-text("broke off")');
      assertEquals(await problem("day"), "The answer broke off: try again.");
    });
  },
);

Deno.test("page: what is asked has an address to share, and Back leads back", BROWSER, async () => {
  await inBrowser(async ({ page, complaints, open }) => {
    await open("#day=2024-01-11&state=traded&state=archived&quote=USDC");
    assertEquals((await cells(page, "#day-answer")).map((row) => row[0]), ["DDDUSDC"]);
    assertEquals(await page.isChecked('input[value="archived"]'), true);
    assertEquals(await page.inputValue('select[name="quote"]'), "USDC");

    await page.fill('input[name="symbol"]', "币安人生USDT");
    await page.click("#symbol-form button");
    assertEquals((await cells(page, "#symbol-answer"))[0]![0], "币安人生USDT#1");
    assertEquals(await page.evaluate("decodeURIComponent(location.hash)"), "#symbol=币安人生USDT");
    await page.fill('input[name="from"]', "2024-03-01");
    await page.fill('input[name="to"]', "2024-03-01");
    await page.click("#events-form button");
    await page.waitForSelector('#said:has-text("1 new, 0 gone")', { state: "attached" });
    assertEquals(await page.evaluate("location.hash"), "#from=2024-03-01&to=2024-03-01");
    assertEquals(await page.evaluate("history.length"), 4); // the blank page, and three questions

    await page.fill('input[name="symbol"]', "");
    await page.goBack();
    await page.waitForSelector("#symbol-form button:not([disabled])");
    assertEquals(await page.inputValue('input[name="symbol"]'), "币安人生USDT");
    await page.uncheck('input[value="archived"]');
    await page.goBack();
    await page.waitForSelector('#day-answer .note:has-text("archived")');
    assertEquals(await page.isChecked('input[value="archived"]'), true);

    await open("#from=2024-01-02&to=2024-01-02");
    await page.waitForSelector('#events-answer .note:has-text("0 gone")');
    assertEquals((await page.$$("#events-answer table")).length, 0, "no table without rows");
    assertEquals(complaints, []);
  });
});

Deno.test(
  "page: the keyboard passes a table in one step, and goes through it by arrows",
  BROWSER,
  async () => {
    await inBrowser(async ({ page, open }) => {
      await open("#day=2024-01-11");
      await page.waitForSelector("#events-answer table");
      const focused = async () => await page.evaluate("document.activeElement.textContent");
      await page.focus("#day-answer .scroll");
      await page.keyboard.press("Tab");
      assertEquals(await focused(), "AAAUSDT");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      assertEquals(await focused(), "DDDUSDC");
      await page.keyboard.press("ArrowDown");
      assertEquals(await focused(), "DDDUSDC");
      await page.keyboard.press("Tab");
      assertEquals(await page.getAttribute(":focus", "name"), "symbol");
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Home");
      await page.keyboard.press("Enter");
      assertEquals((await cells(page, "#symbol-answer"))[0]![0], "AAAUSDT#1");
    });
  },
);

Deno.test(
  "page: a day after the last one says which that is, and leads there",
  BROWSER,
  async () => {
    await inBrowser(async ({ page, open }) => {
      await open("#day=2030-01-01");
      const problem = await page.waitForSelector("#day-answer .problem");
      assertMatch((await problem.textContent())!, /ends on 2024-03-31; `latest` is that day/);
      assertEquals(await page.getAttribute("#history line", "visibility"), "hidden");
      await page.click('#day-answer button:has-text("2024-03-31")');
      await page.waitForSelector('#day-answer .note:has-text("on 2024-03-31")');
      assertEquals(await page.getAttribute("#history line", "visibility"), "visible");
      assertEquals(await page.evaluate("location.hash"), "#day=2024-03-31");
    });
  },
);

Deno.test("page: a symbol that was mistyped is one press away", BROWSER, async () => {
  await inBrowser(async ({ page, open }) => {
    await open("#symbol=AAAUSD");
    await page.waitForSelector("#symbol-answer .problem");
    await page.click("#symbol-answer .note button");
    assertEquals((await cells(page, "#symbol-answer"))[0]![0], "AAAUSDT#1");
    assertEquals(await page.getAttribute("#symbol-answer .years svg", "aria-label"), LIFE_OF_AAA);
  });
});

const LIFE_OF_AAA = "2024: 91 days traded";

Deno.test(
  "pages: they fit a telephone, and axe finds no fault in them, light or dark",
  BROWSER,
  async () => {
    await inBrowser(async ({ page, open }) => {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const path of ["#symbol=AAAUSDT", "reference"]) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width: 360, height: 800 });
          if (path === "reference") await page.goto(new URL("/reference", page.url()).href);
          else {
            await open(path);
            await page.waitForSelector("#events-answer table");
            await page.waitForSelector("#symbol-answer table");
          }
          const wide = "document.documentElement.scrollWidth";
          assertEquals([path, await page.evaluate(wide)], [path, 360]);
          await page.evaluate(axe.source);
          const { violations } = await page.evaluate("axe.run()") as {
            violations: { id: string; nodes: { html: string }[] }[];
          };
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
          assertEquals([path, colorScheme, found], [path, colorScheme, []]);
        }
      }
    });
  },
);

Deno.test(
  "pages: without a script there are links, and the reference as it is",
  BROWSER,
  async () => {
    await inBrowser(async ({ page, open }) => {
      await open("");
      const browser = page.context().browser()!;
      const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
      await plain.goto(page.url());
      assertEquals(await plain.isVisible("main"), false);
      const links = await plain.$$("noscript a");
      assertEquals(links.length, 4);
      await plain.click('noscript a[href="reference"]');
      await plain.waitForURL("**/reference");
      assertEquals(await plain.isVisible("main"), true);
      const example = plain.locator('#snapshot + p a[href^="v1/snapshot/"]');
      assertEquals(await example.textContent(), "/v1/snapshot/2024-01-15?state=archived");
    });
  },
);
