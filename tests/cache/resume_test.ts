import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { download } from "../../lib/cache/download.ts";
import { folderStore } from "../../lib/cache/folder_store.ts";
import { STALL_MS } from "../../lib/net/body.ts";
import { httpClient } from "../../lib/net/client.ts";
import { ARTIFACT, ETAG, FILE, SIZE, start, withFile, WRONG } from "../helpers/fault_file.ts";
import { type RawRequest, serveFile } from "../helpers/fault_server.ts";
import { codeOf, seededRandom } from "../helpers/fault_world.ts";

Deno.test("a cut after k bytes, 100 random k: resumed with 1 more request, within 1.05 × size + 64 KiB", async () => {
  const random = seededRandom(20240401);
  let cutAfter = 0;
  await withFile(({ number }) => number % 2 ? { cutAfter } : undefined, async (server, dir) => {
    for (let i = 0; i < 100; i++) {
      cutAfter = 1 + Math.floor(random() * (SIZE - 1));
      const before = server.bytes;
      const store = folderStore(join(dir, `${i}`));
      await download(ARTIFACT, { store, http: httpClient(), mirrors: [server.url] });
      assertEquals(server.requests.length, 2 * (i + 1), `cut after ${cutAfter} bytes`);
      assertEquals(server.bytes - before <= 1.05 * SIZE + 64 * 1024, true);
      assertEquals(await store.has(ARTIFACT), true);
    }
  });
});
Deno.test("tries without progress wait twice as long each time, and random shortens each", async () => {
  const server = serveFile(FILE, ETAG, () => ({ cutAfter: 0 }));
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const { random } = Math;
  const { setTimeout } = globalThis;
  const [shares, waits]: [number[], number[]] = [[0.5, 0.25, 1, 0, 0.75], []];
  const limits = [20_000, STALL_MS]; // they are no waits
  try {
    Math.random = () => shares.shift()!;
    globalThis.setTimeout = Object.assign(
      (...[run, ms = 0, ...args]: Parameters<typeof setTimeout>) => {
        if (!limits.includes(ms)) waits.push(ms);
        return setTimeout(run, limits.includes(ms) ? ms : 0, ...args);
      },
      setTimeout,
    );
    const options = { store: folderStore(dir), http: httpClient(), mirrors: [server.url] };
    assertEquals(await codeOf(download(ARTIFACT, options)), "network");
    assertEquals([waits, server.requests.length], [[200, 200, 1600, 0, 4800], 6]);
  } finally {
    Math.random = random;
    globalThis.setTimeout = setTimeout;
    await server.close();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("30 cuts of one file, each after 32 KiB: 31 requests, every byte sent about once", async () => {
  await withFile(() => ({ cutAfter: 32_768 }), async (server, dir) => {
    const store = folderStore(dir);
    await download(ARTIFACT, { store, http: httpClient(), mirrors: [server.url] });
    assertEquals(server.requests.length, Math.ceil(SIZE / 32_768));
    assertEquals(server.bytes, SIZE);
    assertEquals(await store.read(ARTIFACT), FILE);
  });
});

Deno.test("a server that goes silent in the middle is left after stallMs, and resumed from", async () => {
  const ended = Promise.withResolvers<void>();
  const silent = { cutAfter: 500_000, hang: ended.promise };
  await withFile(({ number }) => number === 1 ? silent : undefined, async (server, dir) => {
    const store = folderStore(dir);
    const options = { store, http: httpClient(), mirrors: [server.url], stallMs: 100 };
    await download(ARTIFACT, options);
    assertEquals(server.requests.map(start), [0, 500_000]);
    ended.resolve();
  });
});

Deno.test("a .gz that its server calls encoded is taken as it is, also when its length is not told", async () => {
  let requests = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    requests++;
    return new Response(new Blob([FILE]).stream(), { headers: { "content-encoding": "gzip" } });
  });
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const artifact = { ...ARTIFACT, name: "availability.duckdb.gz" };
  const store = folderStore(dir);
  const mirrors = [`http://127.0.0.1:${server.addr.port}/`];
  await download(artifact, { store, http: httpClient(), mirrors });
  assertEquals([requests, await store.read(artifact)], [1, FILE]);
  await server.shutdown();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("wrong bytes are told with the address that sent them", async () => {
  await withFile(() => ({ body: WRONG }), async (server, dir) => {
    const options = { store: folderStore(dir), http: httpClient(), mirrors: [server.url] };
    const { message } = await download(ARTIFACT, options).catch((error) => error);
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", WRONG)).toHex();
    const url = `${server.url}${ARTIFACT.sha256}/big.bin`;
    assertEquals(
      message,
      `Cannot use "${url}": its SHA-256 is ${sha256}, the manifest says ${ARTIFACT.sha256}`,
    );
  });
});

Deno.test("100 bytes a try are no progress: the next mirror goes on from there after 6 tries", async () => {
  const trickle = ({ path }: RawRequest) =>
    path.startsWith("slow/") ? { cutAfter: 100 } : undefined;
  await withFile(trickle, async (server, dir) => {
    const mirrors = [`${server.url}slow/`, server.url];
    const store = folderStore(dir);
    await download(ARTIFACT, { store, http: httpClient(), mirrors });
    assertEquals(server.requests.map(start), [0, 100, 200, 300, 400, 500, 600]);
    assertEquals(await store.read(ARTIFACT), FILE);
  });
});

Deno.test("the part file of another artifact, or a longer one, is not appended to", async () => {
  await withFile(() => undefined, async (server, dir) => {
    const tmp = join(dir, "v1", "tmp");
    await Deno.mkdir(tmp, { recursive: true });
    await Deno.writeFile(join(tmp, `${"0".repeat(64)}.part`), new Uint8Array(5000));
    await Deno.writeFile(join(tmp, `${ARTIFACT.sha256}.part`), new Uint8Array(SIZE + 1));
    const store = folderStore(dir);
    await download(ARTIFACT, { store, http: httpClient(), mirrors: [server.url] });
    assertEquals(server.requests.map(start), [0]);
    assertEquals(await store.read(ARTIFACT), FILE);
    assertEquals((await Array.fromAsync(Deno.readDir(tmp))).map((file) => file.name), [
      `${"0".repeat(64)}.part`,
    ]);
  });
});

Deno.test("a part file with wrong bytes, as long as the file: found, and fetched whole", async () => {
  await withFile(() => undefined, async (server, dir) => {
    const tmp = join(dir, "v1", "tmp");
    await Deno.mkdir(tmp, { recursive: true });
    await Deno.writeFile(join(tmp, `${ARTIFACT.sha256}.part`), WRONG);
    const store = folderStore(dir);
    await download(ARTIFACT, { store, http: httpClient(), mirrors: [server.url] });
    assertEquals(server.requests.map(start), [0]);
    assertEquals(await store.read(ARTIFACT), FILE);
  });
});

Deno.test("8 downloads of one artifact at once, in one process: 1 request", async () => {
  await withFile(() => undefined, async (server, dir) => {
    await Promise.all(
      Array.from(
        { length: 8 },
        () =>
          download(ARTIFACT, {
            store: folderStore(dir),
            http: httpClient(),
            mirrors: [server.url],
          }),
      ),
    );
    assertEquals(server.requests.length, 1);
  });
});

Deno.test("an artifact with a url of its own is fetched from there first, then from the mirrors", async () => {
  await withFile(() => undefined, async (server, dir) => {
    const options = { http: httpClient(), mirrors: [`${server.url}mirror/`] };
    const url = `${server.url}own/place`;
    await download({ ...ARTIFACT, url }, { ...options, store: folderStore(join(dir, "1")) });
    assertEquals(server.requests.map(({ path }) => path), ["own/place"]);
  });
  const gone = ({ path }: RawRequest) => path.startsWith("own/") ? { status: 404 } : undefined;
  await withFile(gone, async (server, dir) => {
    const options = { http: httpClient(), mirrors: [`${server.url}mirror/`] };
    const url = `${server.url}own/place`;
    await download({ ...ARTIFACT, url }, { ...options, store: folderStore(dir) });
    const mirrored = `mirror/${ARTIFACT.sha256}/big.bin`;
    assertEquals(server.requests.map(({ path }) => path), ["own/place", mirrored]);
  });
});
