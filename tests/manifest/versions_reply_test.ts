import { assertEquals } from "@std/assert";
import { parseVersionsReply } from "../../lib/manifest/versions_reply.ts";

const ENTRY = { version: "2024-03-31.1", sequence: 7 };

Deno.test("`parseVersionsReply()` reads a list; one without channels has none", () => {
  const list = { versions: [ENTRY], channels: { latest: ENTRY } };
  assertEquals(parseVersionsReply(JSON.stringify(list)) as unknown, list);
  assertEquals(parseVersionsReply('{"versions":[]}'), { versions: [], channels: {} });
});

const NO_LISTS: [what: string, list: unknown][] = [
  ["null", null],
  ["a text", "versions"],
  ["no versions", { channels: {} }],
  ["an object of versions", { versions: {} }],
  ["no channels", { versions: [], channels: null }],
  ["nothing for a version", { versions: [null] }],
  ["a path for a sequence", { versions: [{ ...ENTRY, sequence: "../../secret" }] }],
  ["a fraction", { versions: [{ ...ENTRY, sequence: 1.5 }] }],
  ["a sequence that nobody gives", { versions: [{ ...ENTRY, sequence: 0 }] }],
  ["a path for a version", { versions: [{ ...ENTRY, version: "../x" }] }],
  ["a channel that leads elsewhere", {
    versions: [],
    channels: { latest: { ...ENTRY, sequence: "1/../.." } },
  }],
];

for (const [what, list] of NO_LISTS) {
  Deno.test(`\`parseVersionsReply()\` takes for no list: ${what}`, () => {
    assertEquals(parseVersionsReply(JSON.stringify(list)), undefined);
  });
}

Deno.test("`parseVersionsReply()` takes for no list what is no JSON", () => {
  assertEquals(parseVersionsReply("<html>"), undefined);
});
