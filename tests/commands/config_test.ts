import { assertEquals } from "@std/assert";
import { SETTINGS } from "../../commands/options.ts";
import { bfa } from "../helpers/cli.ts";

interface Row {
  setting: string;
  value: string | null;
  from: string;
}

async function settings(options: Parameters<typeof bfa>[1]): Promise<Map<string, Row>> {
  const { code, out } = await bfa(["config", "--json"], options);
  assertEquals(code, 0);
  const { settings } = JSON.parse(out) as { settings: Row[] };
  return new Map(settings.map((row) => [row.setting, row]));
}

Deno.test("bfa config prints every setting that a file may hold", async () => {
  const rows = await settings({});
  assertEquals([...rows.keys()].sort(), [...SETTINGS].sort());
  assertEquals([...rows.values()].filter(({ from, value }) => from !== "default" || value), []);
});

Deno.test("bfa config says where each value comes from: environment, ./bfa.json, the user's file", async () => {
  const rows = await settings({
    env: { BFA_ENDPOINT: "http://127.0.0.1:1", XDG_CONFIG_HOME: "/u", BFA_CHANNEL: "" },
    files: {
      "bfa.json": '{"endpoint":"http://127.0.0.1:2","cacheDir":"/c","offline":true}',
      "/u/bfa/config.json": '{"cacheDir":"/d","channel":"candidate","trustedKeys":["a","b"]}',
    },
  });
  const shown = (name: string) => [rows.get(name)!.value, rows.get(name)!.from];
  assertEquals(shown("endpoint"), ["http://127.0.0.1:1", "BFA_ENDPOINT"]);
  assertEquals(shown("cacheDir"), ["/c", "bfa.json"]);
  assertEquals(shown("offline"), ["true", "bfa.json"]);
  assertEquals(shown("channel"), ["candidate", "/u/bfa/config.json"]);
  assertEquals(shown("trustedKeys"), ["a,b", "/u/bfa/config.json"]);
  assertEquals(shown("maxAge"), [null, "default"]);
});
