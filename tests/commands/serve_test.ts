import { assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { formatListings } from "../../lib/core/listings_file.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { SMALL_LISTINGS } from "../helpers/publisher.ts";

const NOW = new Date("2026-08-10T12:05:00Z");
const LATER = new Date("2026-08-20T12:05:00Z");

for (
  const [dataThrough, what, actions] of [
    ["2026-08-08", "no later than the built-in listings is signed again", ["renew", "publish"]],
    ["2026-08-09", "collected later is left: its publisher is late", ["publish"]],
  ] as const
) {
  Deno.test(`bfa serve --init: data ${what}`, async () => {
    await withCacheDir(async (env) => {
      const run = (now: Date, ...args: string[]) => bfa(args, { env, now });
      const from = `${env.HOME}/listings.json`;
      const file = { dataThrough: parseDay(dataThrough), listings: SMALL_LISTINGS };
      await Deno.writeTextFile(from, formatListings(file));
      await run(NOW, "keys", "new");
      const dir = (await run(NOW, "build", "--from", from)).out.trim();
      assertEquals((await run(NOW, "publish", dir)).code, 0);

      const args = ["serve", "--init", "--port", "0", "--sql", "off"];
      const served = await bfa(args, { env, now: LATER, stop: AbortSignal.abort() });
      assertEquals(served.code, 0, served.err);
      const { entries } = JSON.parse((await run(LATER, "log", "--json")).out);
      assertEquals(entries.map(({ action }: { action: string }) => action), actions);
    });
  });
}
