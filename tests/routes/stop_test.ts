import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const SHA = "a".repeat(64);

/** The deadline for a clean exit, ms. */
const EXIT_MS = 5_000;

/** Runs main.ts over an empty KV and a mirror with one large file, until the test has ended it. */
async function withMain(
  test: (url: URL, child: Deno.ChildProcess) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  await Deno.mkdir(join(dir, SHA));
  await Deno.writeFile(join(dir, SHA, "large.parquet"), new Uint8Array());
  await Deno.truncate(join(dir, SHA, "large.parquet"), 64 * 1024 * 1024);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", MAIN],
    env: { BFA_KV: join(dir, "kv.sqlite3"), BFA_MIRROR: dir, PORT: "0", BFA_HOST: "127.0.0.1" },
    stderr: "piped",
  }).spawn();
  const log = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let said = "";
    while (!/serves on \S+\n/.test(said)) said += (await log.read()).value;
    await test(new URL(/serves on (\S+)\n/.exec(said)![1]!), child);
  } finally {
    await log.cancel();
    await child.status;
    await Deno.remove(dir, { recursive: true });
  }
}

/** Asks the process to stop, and kills it when it is not gone in time; returns how it ended. */
async function stopInTime(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  const kill = setTimeout(() => child.kill("SIGKILL"), EXIT_MS);
  child.kill("SIGTERM");
  const status = await child.status;
  clearTimeout(kill);
  return status;
}

Deno.test("main.ts stops on SIGTERM while a client listens to events", async () => {
  await withMain(async (url, child) => {
    const events = await fetch(new URL("/v1/manifest/events", url));
    const status = await stopInTime(child);
    assertEquals(await events.text(), "retry: 5000\n\n");
    assertEquals([status.code, status.signal], [0, null]);
  });
});

Deno.test("main.ts stops on SIGTERM within 5 s, even when a client never reads its answer", async () => {
  await withMain(async (url, child) => {
    using connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
    const request = `GET /v1/artifacts/${SHA}/large.parquet HTTP/1.1\r\nHost: x\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    await connection.read(new Uint8Array(100));
    const status = await stopInTime(child);
    assertEquals([status.code, status.signal], [0, null]);
  });
});
