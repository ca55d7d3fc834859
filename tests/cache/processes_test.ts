import { assertEquals } from "@std/assert";
import { Copy } from "../../lib/cache/copy.ts";
import { folderStore } from "../../lib/cache/folder_store.ts";
import { withFileLock } from "../../lib/cache/folder_writing.ts";
import { artifactNamed } from "../../lib/core/manifest.ts";
import { open } from "../../lib/mod.ts";
import { httpClient } from "../../lib/net/client.ts";
import { hashFile } from "../../lib/files/file_facts.ts";
import { startRefresh } from "../helpers/refresh_process.ts";
import {
  type CopyWorld,
  NEW,
  OLD,
  seededRandom,
  someBytes,
  withCopy,
} from "../helpers/fault_world.ts";

const SIZE = 1_000_003;
const KILLS = 40;

/** A world whose copy keeps a file of 1 MB up to date, on the real clock of other processes. */
async function withBigCopy(test: (world: CopyWorld) => Promise<void>): Promise<void> {
  await withCopy(async (world) => {
    world.clock = new Date();
    await world.publishFiles(NEW, { "big.bin": someBytes(SIZE, 1) });
    await (await world.open()).pull(["big.bin"]);
    world.endpoint.take();
    await test(world);
  });
}

const artifactRequests = (world: CopyWorld) =>
  world.endpoint.seen.map((seen) => seen.path).filter((path) => /^[0-9a-f]{64}\//.test(path));

/** Refreshes in 8 processes, and holds one or all answers back until everybody is there: how each ended. */
async function refreshAtOnce(world: CopyWorld, held: "one" | "all") {
  const allReady = Promise.withResolvers<void>();
  const before = world.endpoint.seen.length;
  world.endpoint.fault = (_, path) =>
    path === "manifest.json" && (held === "all" || world.endpoint.seen.length === before + 1)
      ? allReady.promise.then(() =>
        new Response(Deno.readFileSync(`${world.mirrorDir}/manifest.json`))
      )
      : undefined;
  const processes = Array.from(
    { length: 8 },
    () => startRefresh(world.endpoint.url, world.cacheDir),
  );
  await Promise.all(processes.map((process) => process.ready));
  allReady.resolve();
  return await Promise.all(processes.map((process) => process.ended));
}

const all8 = (output: string) =>
  Array.from({ length: 8 }, () => ({ code: 0, signal: null, output }));

Deno.test("8 processes refresh one cache at once: 1 download per artifact, all exit 0, same sequence", async () => {
  await withCopy(async (world) => {
    world.clock = new Date();
    await world.publishFiles(NEW, { "big.bin": someBytes(SIZE, 1) });
    assertEquals(await refreshAtOnce(world, "all"), all8(`${NEW} 2`));
    assertEquals(artifactRequests(world).length, 1);
    assertEquals(await world.offlineVersion(), NEW);
  });
});

Deno.test("8 processes refresh a copy with a pulled file at once: each artifact is downloaded once", async () => {
  await withBigCopy(async (world) => {
    await world.publishFiles("2024-04-02.1", { "big.bin": someBytes(SIZE, 2) });
    assertEquals(await refreshAtOnce(world, "one"), all8("2024-04-02.1 3"));
    assertEquals(
      artifactRequests(world).slice(-2).map((path) => path.split("/")[1]),
      ["listings.json", "big.bin"],
    );
    assertEquals(artifactRequests(world).length, 4);
  });
});

/** Watches how this process waits for locks: what each look finds, and how long it means to wait until the next. */
function watchLooks(): { looks: boolean[]; waitsMs: number[]; second: Promise<void>; end(): void } {
  const { promise: second, resolve } = Promise.withResolvers<void>();
  const { tryLock } = Deno.FsFile.prototype;
  const { setTimeout } = globalThis;
  const [looks, waitsMs]: [boolean[], number[]] = [[], []];
  Deno.FsFile.prototype.tryLock = async function (exclusive) {
    const got = await tryLock.call(this, exclusive);
    if (looks.push(got) === 2) resolve();
    return got;
  };
  globalThis.setTimeout = Object.assign((...args: Parameters<typeof setTimeout>) => {
    if (looks.at(-1) === false) waitsMs.push(args[1] ?? 0);
    return setTimeout(...args);
  }, setTimeout);
  const end = () => {
    Deno.FsFile.prototype.tryLock = tryLock;
    globalThis.setTimeout = setTimeout;
  };
  return { looks, waitsMs, second, end };
}

Deno.test("the holder of the lock is killed: the one who waits has it at its next look, which is a moment later", async () => {
  await withCopy(async (world) => {
    world.clock = new Date();
    const asked = Promise.withResolvers<void>();
    world.endpoint.fault = () => {
      asked.resolve();
      return world.ending.then(() => new Response());
    };
    const holder = startRefresh(world.endpoint.url, world.cacheDir);
    await asked.promise;
    world.endpoint.fault = undefined;
    const dataset = await world.open();
    const { looks, waitsMs, second, end } = watchLooks();
    try {
      const waiting = dataset.refresh();
      await second;
      assertEquals([looks, world.endpoint.seen.length], [[false, false], 1]);
      holder.kill();
      assertEquals((await holder.ended).signal, "SIGKILL");
      const before = looks.length;
      assertEquals((await waiting).version, OLD);
      // A look may have been under way when it died.
      assertEquals(looks.slice(before).indexOf(true) <= 1, true, `${looks}`);
      assertEquals(Math.max(...waitsMs) < 500, true, `${waitsMs}`);
    } finally {
      end();
    }
  });
});

Deno.test("a holder of the lock that hangs: the one who waits goes on without it when its time is up", async () => {
  const path = `${await Deno.makeTempDir({ prefix: "bfa-test-" })}/lock`;
  const { looks, end } = watchLooks();
  try {
    await withFileLock(path, 0, async () => {
      const waiting = withFileLock(path, 200, () => Promise.resolve("done without"));
      assertEquals(await waiting, "done without");
    });
    assertEquals([looks[0], looks.slice(1).includes(true)], [true, false]);
    assertEquals(looks.length <= 10, true, `${looks.length} looks, one each 25 ms`);
  } finally {
    end();
    await Deno.remove(path.slice(0, -"/lock".length), { recursive: true });
  }
});

Deno.test("whoever waited for another's refresh uses what it found: no request of its own", async () => {
  await withCopy(async ({ endpoint, cacheDir }) => {
    const store = folderStore(cacheDir);
    const options = {
      endpoint: endpoint.url,
      channel: "latest",
      http: httpClient(),
      trustedKeys: [],
      now: () => new Date(),
    };
    const other = new Copy({ ...options, store });
    let waited = 0;
    const waiting = new Copy({
      ...options,
      store: {
        ...store,
        async withLock(name, waitMs, work) {
          if (waited++ === 0) await other.refresh();
          return await store.withLock(name, waitMs, work);
        },
      },
    });
    const { manifest, changed } = await waiting.refresh();
    assertEquals([manifest.signed.version, changed], [OLD, false]);
    assertEquals(endpoint.seen.map(({ path }) => path.split("/").at(-1)), [
      "manifest.json",
      "listings.json",
    ]);
  });
});

// From the source tree, modules that are loaded later are read as files.
for (const permissions of [["--allow-net", "--allow-read=."], ["--allow-net", "--allow-read"]]) {
  Deno.test(`a process with ${permissions.join(" ")} alone: answers from memory`, async () => {
    await withCopy(async (world) => {
      world.clock = new Date();
      const process = startRefresh(world.endpoint.url, world.cacheDir, permissions);
      assertEquals(await process.ended, { code: 0, signal: null, output: `${OLD} 1` });
    });
  });
}

/** Sends a body in pieces, telling of each one. */
function trickle(body: Uint8Array<ArrayBuffer>, tell: (piece: number) => void): ReadableStream {
  const piece = 32_768;
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((done) => setTimeout(done, 0)); // lets the piece before it leave
      if (at >= body.length) return controller.close();
      controller.enqueue(body.subarray(at, at + piece));
      at += piece;
      tell(at / piece);
    },
  }, { highWaterMark: 0 });
}

Deno.test(`${KILLS} kills of a refresh at random points: old or new, never torn; the last one succeeds`, async () => {
  const random = seededRandom(7);
  await withBigCopy(async (world) => {
    let build = 1;
    let expected = [NEW];
    const publishNext = async () => {
      const version = `2024-04-02.${build}`;
      await world.publishFiles(version, { "big.bin": someBytes(SIZE, ++build) });
      expected = [expected.at(-1)!, version];
    };
    await publishNext();
    for (let kills = 0; kills < KILLS;) {
      // At a request, in the middle of a body, or in the milliseconds after it.
      const killAtRequest = random() < 0.2 ? 1 + Math.floor(random() * 3) : Infinity;
      const killAtPiece = Math.floor(random() * 45);
      const lateMs = random() * 20;
      let requests = 0;
      let late: ReturnType<typeof setTimeout> | undefined;
      const process = startRefresh(world.endpoint.url, world.cacheDir);
      world.endpoint.fault = (request, path) => {
        if (++requests >= killAtRequest) process.kill();
        return path.endsWith("/big.bin")
          ? serveBig(world, request, path, (piece) => {
            if (piece >= killAtPiece) process.kill();
            else if (piece >= SIZE / 32_768) late = setTimeout(process.kill, lateMs);
          })
          : undefined;
      };
      const { signal } = await process.ended;
      clearTimeout(late);
      if (signal === "SIGKILL") kills++;
      const version = await soundVersion(world);
      assertEquals(expected.includes(version), true, `${version} after ${kills} kills`);
      if (version === expected.at(-1)) await publishNext();
    }
    world.endpoint.fault = undefined;
    world.clock = new Date();
    const { version } = await (await world.open()).refresh();
    assertEquals(version, expected.at(-1));
    assertEquals(await soundVersion(world), version);
  });
});

/** Answers with a file of the mirror, or the rest of it, in pieces. */
async function serveBig(
  world: CopyWorld,
  request: Request,
  path: string,
  tell: (piece: number) => void,
): Promise<Response> {
  const bytes = await Deno.readFile(`${world.mirrorDir}/${path}`);
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "bytes=0-")![1]);
  const headers = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  return new Response(trickle(bytes.subarray(from), (piece) => tell(piece + from / 32_768)), {
    status: from > 0 ? 206 : 200,
    headers,
  });
}

/** The version that answers offline, after its artifacts were compared with its manifest. */
async function soundVersion({ endpoint, cacheDir }: CopyWorld): Promise<string> {
  const dataset = await open({ endpoint: endpoint.url, cacheDir, offline: true });
  const { version } = await dataset.symbols();
  const { signed } = await dataset.manifest();
  assertEquals(signed.version, version);
  for (const name of ["listings.json", "big.bin"]) {
    const { sha256 } = await hashFile(await dataset.path(name));
    assertEquals(sha256, artifactNamed(signed, name).sha256, `${name} of ${version}`);
  }
  return version;
}
