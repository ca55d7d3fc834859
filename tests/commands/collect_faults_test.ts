import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import {
  brokenOff,
  cutPage,
  type Fault,
  forbidden,
  htmlPage,
  repeatedPage,
  serverError,
  tooMany,
  when,
} from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { bfaIn, smallListings, withCollecting } from "../helpers/collecting.ts";
import { spawnDeno, waitForLine } from "../helpers/process.ts";

const PAST = history(smallListings(), { through: parseDay("2026-03-31") });

/** What the source does to one symbol's page, and what then stands on stderr. */
const FAULTS: readonly (readonly [string, Fault, exit: number, line: RegExp])[] = [
  ["403", forbidden(), 6, /the server answered 403/],
  ["429 without end", tooMany(0), 6, /the server answered 429/],
  ["429 with an hour of Retry-After", tooMany(3_600), 6, /the server answered 429/],
  ["500", serverError(), 6, /the server answered 500/],
  [
    "HTML",
    htmlPage(),
    5,
    /Cannot read a page of the listing: it is no listing.*\(http.*XRPUSDT.*\)/,
  ],
  ["a broken connection", brokenOff(), 6, /Cannot read http.*XRPUSDT.*: its connection broke off/],
  ["a cut page", cutPage(), 5, /Cannot read a page of the listing: .* cut/],
  [
    "a repeated page",
    repeatedPage(),
    5,
    /Cannot read a page of the listing: (it does not go on|an object has no key, or one from before the page)/,
  ],
];

for (const [name, fault, exit, line] of FAULTS) {
  Deno.test(`${name}: daily stops with exit code ${exit} and one line, and publishes nothing`, async () => {
    const random = Math.random;
    Math.random = () => 0; // no waits between tries
    try {
      await withCollecting(PAST, "2026-03-29T12:00:00.000Z", async (world) => {
        await bfaIn(world, "keys", "new");
        assertEquals((await bfaIn(world, "daily", "--full")).code, 0);
        const log = (await bfaIn(world, "log", "--json")).out;
        world.clock = new Date("2026-03-30T12:00:00.000Z");
        world.bucket.fault = when(({ prefix }) => prefix.includes("XRPUSDT"), fault);
        // A page that is to be repeated must start at a marker: XRPUSDT has not its turn to be whole.
        const failed = await bfaIn(world, "daily", "--sweep", "5000");
        assertEquals([failed.code, failed.out], [exit, ""], failed.err);
        assertMatch(failed.err, line);
        assertEquals(failed.err.split("\n").length, 2);
        assertEquals((await bfaIn(world, "log", "--json")).out, log);

        world.bucket.fault = undefined;
        const next = await bfaIn(world, "daily", "--json");
        assertEquals([next.code, JSON.parse(next.out).version], [0, "2026-03-29.1"]);
      });
    } finally {
      Math.random = random;
    }
  });
}

Deno.test("`bfa daily` without a signing key says so before it asks the source for anything", async () => {
  await withCollecting(PAST, "2026-03-29T12:00:00.000Z", async (world) => {
    const { code, err } = await bfaIn(world, "daily");
    assertEquals([code, err], [
      2,
      "bfa: Cannot sign: there is no signing key; make one with `bfa keys new`, or set BFA_SIGNING_KEY\n",
    ]);
    assertEquals(world.bucket.take().prefixes, 0);
  });
});

Deno.test("a second `bfa collect` ends with one line that names who holds the file", async () => {
  const program = fromFileUrl(new URL("../helpers/collect_process.ts", import.meta.url));
  await withCollecting(PAST, "2026-03-29T12:00:00.000Z", async (world) => {
    const child = spawnDeno([
      "run",
      "-A",
      "--no-check",
      "--quiet",
      program,
      "hold",
      world.observations,
    ]);
    try {
      await waitForLine(child, /held/);
      const { code, out, err } = await bfaIn(world, "collect");
      assertEquals([code, out, err.split("\n").length], [6, "", 2], err);
      assertMatch(err, new RegExp(`in use by .*PID ${child.pid}.*wait until that has finished`));
    } finally {
      await child.stop("SIGKILL");
    }
  });
});
