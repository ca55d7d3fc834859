import { assertEquals, assertMatch } from "@std/assert";
import { spawnDeno } from "../helpers/process.ts";

Deno.test({
  name: "an answer that the disk has no room for is one line, and exit code 8",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const cacheDir = await Deno.makeTempDir({ prefix: "bfa-output-" });
    try {
      const child = new Deno.Command("sh", {
        args: [
          "-c",
          'exec "$0" run -A cli.ts snapshot 2024-01-15 --quiet >/dev/full',
          Deno.execPath(),
        ],
        env: { BFA_CACHE_DIR: cacheDir, BFA_ENDPOINT: "", NO_COLOR: "1" },
      });
      const { code, stderr } = await child.output();
      assertEquals(
        [code, new TextDecoder().decode(stderr)],
        [8, "bfa: Cannot write the answer: the disk is full\n"],
      );
    } finally {
      await Deno.remove(cacheDir, { recursive: true });
    }
  },
});

for (const command of ["config", "doctor"]) {
  Deno.test(`bfa ${command} has printed its table when the process ends`, async () => {
    const env = { BFA_CACHE_DIR: await Deno.makeTempDir({ prefix: "bfa-output-" }) };
    try {
      const { code, out, err } = await spawnDeno(
        ["run", "-A", "cli.ts", command, "--format", "csv"],
        env,
      ).finished;
      assertEquals([code, err], [0, ""]);
      assertMatch(out, /^(setting,value,from,env|check,state,found)\r\n(.+\r\n)+$/);
    } finally {
      await Deno.remove(env.BFA_CACHE_DIR, { recursive: true });
    }
  });
}
