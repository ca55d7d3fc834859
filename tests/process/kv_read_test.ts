import { assertEquals, assertStringIncludes } from "@std/assert";
import { serveKv } from "../helpers/kv_connect.ts";
import { withMain } from "../helpers/main_process.ts";
import { spawnDeno } from "../helpers/process.ts";

Deno.test("BFA_KV_READ_MS says how long main.ts waits for KV", async () => {
  const server = serveKv();
  const kv = { BFA_KV: server.url, DENO_KV_ACCESS_TOKEN: server.token, BFA_SQL: "off" };
  const patience = { ...kv, BFA_KV_READ_MS: "60000" };
  await withMain(async (patient) => {
    await withMain(async (usual) => {
      const versions = async ({ url }: { url: string }) => {
        const response = await fetch(`${url}/v1/versions`);
        await response.body?.cancel();
        return response.status;
      };
      const goOn = server.hang();
      const waiting = versions(patient);
      assertEquals(await versions(usual), 503); // its time is up, which began later
      goOn();
      assertEquals(await waiting, 200);
    }, { env: kv });
  }, { env: patience });
  await server.close();
});

Deno.test("main.ts refuses a BFA_KV_READ_MS that is none", async () => {
  const env = { BFA_KV: ":memory:", BFA_KV_READ_MS: "0" };
  const { code, err } = await spawnDeno(["run", "-A", "--quiet", "main.ts"], env).finished;
  assertEquals(code, 1);
  assertStringIncludes(err, 'bfa: Cannot read BFA_KV_READ_MS "0": give 1 to 60000');
});
