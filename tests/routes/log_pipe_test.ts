import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { LogPipe } from "../../routes/log_pipe.ts";

/** A sink that takes what it is allowed to. */
function slowSink() {
  const text = new TextDecoder();
  const sink = {
    taken: "",
    allowed: Promise.withResolvers<void>(),
    async write(bytes: Uint8Array) {
      await sink.allowed.promise;
      const some = bytes.subarray(0, 5); // as pipes may
      sink.taken += text.decode(some);
      return some.length;
    },
  };
  return sink;
}

Deno.test("lines are written whole and in order, however little the sink takes at once", async () => {
  const sink = slowSink();
  sink.allowed.resolve();
  const log = new LogPipe(sink);
  for (const line of ["one\n", "two two two\n", "three\n"]) log.write(line);
  await log.flushed(10_000);
  assertEquals(sink.taken, "one\ntwo two two\nthree\n");
});

Deno.test("what a sink does not take is left out beyond a limit, and counted when it takes again", async () => {
  const sink = slowSink();
  const log = new LogPipe(sink, 20);
  for (let i = 0; i < 10; i++) log.write(`line ${i}\n`);
  await log.flushed(1); // nobody waits for ever
  assertEquals(sink.taken, "");
  sink.allowed.resolve();
  await log.flushed(10_000);
  // The first was on its way; three filled the room up to its limit.
  assertEquals(sink.taken, "line 0\nline 1\nline 2\nline 3\n");
  log.write("later\nand later\n");
  await log.flushed(10_000);
  assertEquals(sink.taken.slice(28), '{"linesLeftOut":6}\nlater\nand later\n');
});

Deno.test("a sink that fails is not written to again", async () => {
  let writes = 0;
  const log = new LogPipe({
    write() {
      writes++;
      return Promise.reject(new Deno.errors.BrokenPipe());
    },
  });
  for (let i = 0; i < 3; i++) {
    log.write("lost\n");
    await log.flushed(10_000);
  }
  assertEquals(writes, 1);
});

/** Reads what a process prints until it matches, and nothing after that. */
async function untilPrinted(child: Deno.ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  const readers = [child.stdout.getReader(), child.stderr.getReader()];
  try {
    return await Promise.any(readers.map(async (reader) => {
      const decoder = new TextDecoder();
      for (let text = "";;) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`It ended before it printed ${wanted}: ${text}`);
        text += decoder.decode(value, { stream: true });
        const match = wanted.exec(text);
        if (match) return match;
      }
    }));
  } finally {
    for (const reader of readers) reader.releaseLock();
  }
}

/** A service whose log nobody reads once it listens. */
async function withServe(
  args: readonly string[],
  onLog: (child: Deno.ChildProcess) => Promise<unknown>,
) {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", "--no-check", "--quiet", ...args],
    env: {
      BFA_DATA_DIR: dir,
      BFA_KV: join(dir, "kv.sqlite3"),
      BFA_MIRROR: join(dir, "mirror"),
      BFA_HOST: "127.0.0.1",
      BFA_SQL: "off",
      BFA_RATE_LIMIT: "off",
      BFA_LOG_REQUESTS: "1",
      PORT: "0",
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Its own connections: an earlier service may have had this port, and idle connections to it are kept.
  const client = Deno.createHttpClient({});
  try {
    const [, url] = await untilPrinted(child, /bfa serves on (\S+)\n/);
    await onLog(child);
    // More lines than a pipe holds, and many times a flush of the log.
    const path = `/v1/snapshot/2024-01-15?state=archived&${"x".repeat(150)}`;
    const asked = Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 500; i++) {
        const answer = await fetch(url + path, { client });
        await answer.body?.cancel();
        assertEquals(answer.status, 400);
      }
    });
    await Promise.all(asked);
    const answer = await fetch(`${url}/v1/snapshot/2024-01-15`, { client });
    assertEquals((await answer.json()).date, "2024-01-15");
    child.kill("SIGTERM");
    const { code } = await child.status;
    assertEquals(code, 0);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await child.status;
    client.close();
    await Promise.allSettled([child.stdout.cancel(), child.stderr.cancel()]);
    await Deno.remove(dir, { recursive: true });
  }
}

for (const args of [["main.ts"], ["cli.ts", "serve"]]) {
  Deno.test(`${args.join(" ")}: a reader of the log that dies ends nothing, and slows nothing`, async () => {
    await withServe(args, (child) => Promise.all([child.stdout.cancel(), child.stderr.cancel()]));
  });

  Deno.test(`${args.join(" ")}: a reader of the log that takes nothing keeps nobody waiting`, async () => {
    await withServe(args, () => Promise.resolve());
  });
}
