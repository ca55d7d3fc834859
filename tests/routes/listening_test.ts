import { assertEquals, assertStringIncludes } from "@std/assert";
import { spawn, waitForLine } from "../helpers/process.ts";

/** Files that the service may have open: a quarter of them are its own. */
const FILES = 160;

Deno.test({
  name: "more connections than files: the service drops them, listens again, and stops cleanly",
  ignore: Deno.build.os === "windows", // has no such limit
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
    const deno = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", "main.ts"];
    const process = spawn("/bin/sh", ["-c", `ulimit -n ${FILES}; exec "$@"`, "sh", ...deno], {
      BFA_KV: `${dir}/kv.sqlite3`,
      BFA_MIRROR: dir,
      BFA_HOST: "127.0.0.1",
      BFA_SQL: "off",
      PORT: "0",
    });
    const idle: Deno.Conn[] = [];
    try {
      const url = (await waitForLine(process, /bfa serves on (\S+)\n/))[1]!;
      const port = Number(new URL(url).port);
      for (let i = 0; i < 2 * FILES; i++) {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => {});
        if (connection) idle.push(connection);
      }
      await waitForLine(process, /Too many open files/);
      const isHealthy = async () => {
        const answer = await fetch(`${url}/healthz`).catch(() => undefined);
        await answer?.body?.cancel();
        return answer?.status === 200;
      };
      while (!await isHealthy());
      assertEquals((await process.stop("SIGTERM")).code, 0);
      assertStringIncludes(process.errText(), "problem: Http: Error: Too many open files");
    } finally {
      for (const connection of idle) connection.close();
      await process.stop("SIGKILL");
      await Deno.remove(dir, { recursive: true });
    }
  },
});
