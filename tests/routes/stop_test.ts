import { assert, assertEquals } from "@std/assert";
import { LARGE_FILE, LARGE_FILE_BYTES, stopInTime, withMain } from "../helpers/main_process.ts";

/** How often the process is stopped under load; the whole number takes a minute. */
const STOPS = Number(Deno.env.get("BFA_STOPS") ?? 5);

Deno.test("main.ts stops on SIGTERM while a client listens to events", async () => {
  await withMain(async ({ url, process }) => {
    const events = await fetch(`${url}/v1/manifest/events`);
    const code = await stopInTime(process, "SIGTERM");
    assertEquals(await events.text(), "retry: 5000\n\n");
    assertEquals(code, 0);
  });
});

Deno.test("main.ts stops on SIGTERM within 5 s, even when a client never reads its answer", async () => {
  await withMain(async ({ url, process }) => {
    const { hostname, port } = new URL(url);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const request = `GET ${LARGE_FILE} HTTP/1.1\r\nHost: x\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    await connection.read(new Uint8Array(100));
    assertEquals(await stopInTime(process, "SIGTERM"), 0);
  });
});

Deno.test(`SIGINT under load, ${STOPS} times: exit code 0, and no answer is cut short`, async () => {
  for (let i = 0; i < STOPS; i++) {
    await withMain(async ({ url, process }) => {
      const answered = Promise.withResolvers<void>();
      let answers = 0;
      /** Asks until nobody answers any more; an answer that has begun must be whole. */
      const ask = async (path: string, bytes?: number) => {
        for (;;) {
          let response: Response;
          try {
            response = await fetch(url + path, { headers: { "accept-encoding": "identity" } });
          } catch {
            return; // no server any more
          }
          const length = (await response.bytes()).length;
          assert(response.status === 200 || response.status === 503, `${path} ${response.status}`);
          if (response.status === 200) {
            const said = response.headers.get("content-length");
            if (said !== null) assertEquals(length, Number(said), path);
            if (bytes !== undefined) assertEquals(length, bytes, path);
          }
          if (++answers === 50) answered.resolve();
        }
      };
      const clients = [
        ask("/v1/snapshot/2024-01-15"),
        ask("/v1/symbols?detail=1"),
        ask("/v1/summary.csv?from=2020-01-01&to=latest"),
        ask("/v1/timeline/BTCUSDT?detail=1"),
        ask("/v1/feeds/listings.atom"),
        ask(LARGE_FILE, LARGE_FILE_BYTES),
      ];
      await answered.promise;
      const code = await stopInTime(process, "SIGINT");
      await Promise.all(clients);
      assertEquals([code, process.errText().includes("rror")], [0, false], process.errText());
    }, { env: { BFA_LOG_REQUESTS: "0" } });
  }
});
