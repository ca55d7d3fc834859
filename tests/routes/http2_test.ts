import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { largeAnswers } from "../helpers/large_answers.ts";
import { listing } from "../helpers/listing.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { withServer } from "../helpers/server.ts";

/** 1,000 of them: the symbols with their days are some 150 KB. */
const LISTINGS = Array.from(
  { length: 1_000 },
  (_, i) => listing(`S${String(i).padStart(4, "0")}USDT#1`, "2024-01-01"),
);

/** So many answers may one client leave untaken. */
const MOST = 64;

Deno.test("answers over HTTP/2 that a client does not take are few; taken, they are those of HTTP/1.1", async () => {
  await withPublisher(async (world) => {
    await world.publishListings("2024-03-31.1", LISTINGS);
    await withServer(world, async (server) => {
      const address = server.url;
      const paths = [
        ...Array.from({ length: MOST }, (_, i) => `/v1/symbols?detail=1&limit=${1_000 - i}`),
        "/v1/symbols?detail=1", // made now
        "/v1/symbols?detail=1&limit=1000", // in memory
      ];
      const wanted = await (await fetch(`${address}${paths[0]}`)).text();

      const session = connect(address, { settings: { initialWindowSize: 0 } });
      const ids = new Set<unknown>();
      const ask = async (path: string): Promise<[ClientHttp2Stream, number]> => {
        const stream = session.request({ ":path": path });
        const [headers] = await once(stream, "response");
        ids.add(headers["x-request-id"]);
        return [stream, headers[":status"]];
      };
      const held: ClientHttp2Stream[] = [];
      const statuses: number[] = [];
      for (const path of paths) {
        const [stream, status] = await ask(path);
        held.push(stream);
        statuses.push(status);
      }
      assertEquals(statuses, [...Array(MOST).fill(200), 429, 429]);
      ids.delete(undefined);
      assertEquals(ids.size, MOST + 2, "what is refused has an id, too");
      assertEquals(largeAnswers(), MOST);
      const [small, status] = await ask("/v1/snapshot/2024-01-15?limit=1");
      assertEquals(status, 200);
      assertEquals((await (await fetch(`${address}${paths.at(-1)}`)).json()).count, 1_000);
      for (const stream of [...held, small]) stream.close();
      session.destroy();
      while (largeAnswers() > 0) await new Promise((turn) => setTimeout(turn));

      const taking = connect(address);
      const stream = taking.request({ ":path": paths[0]! });
      let text = "";
      stream.setEncoding("utf8");
      for await (const part of stream) text += part;
      taking.close();
      assertEquals(text, wanted);
    });
  });
});
