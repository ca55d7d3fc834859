import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { isOlder, nextVersion, parseVersion, versionParts } from "../../lib/core/version.ts";

const MALFORMED = [
  "",
  "latest",
  "2026-11-20",
  "2026-11-20.",
  "2026-11-20.00",
  "2026-11-20.01",
  "2026-11-20.-1",
  "2026-11-20.1.1",
  "2026-11-20.1 ",
  "2026-11-20.1000000",
  "2026-02-30.1",
  "v2026-11-20.1",
  "../2026-11-20.1",
];

Deno.test("`parseVersion()` reads a day and a build", () => {
  assertEquals(parseVersion("2026-11-20.1"), { dataThrough: parseDay("2026-11-20"), build: 1 });
  assertEquals(parseVersion("2024-02-29.999999").build, 999_999);
});

Deno.test("`parseVersion()` refuses what is no version, and says how to write one", () => {
  for (const text of MALFORMED) {
    assertEquals(versionParts(text), undefined, text);
    const error = assertThrows(() => parseVersion(text), BfaError);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.message, "write it like 2026-11-20.1");
  }
});

Deno.test("`nextVersion()` is one more than the highest build of that day", () => {
  const day = parseDay("2026-11-20");
  const cases: [string[], string][] = [
    [[], "2026-11-20.1"],
    [["2026-11-20.1"], "2026-11-20.2"],
    [["2026-11-20.9", "2026-11-20.10", "2026-11-20.2"], "2026-11-20.11"],
    [["2026-11-19.7", "2026-11-21.3"], "2026-11-20.1"],
    [["junk", "2026-11-20.x", "2026-11-20.3"], "2026-11-20.4"],
  ];
  for (const [existing, expected] of cases) assertEquals(nextVersion(day, existing), expected);
});

Deno.test("`isOlder()` compares days, then builds as numbers", () => {
  assertEquals(isOlder("2026-11-19.9", "2026-11-20.1"), true);
  assertEquals(isOlder("2026-11-20.2", "2026-11-20.10"), true);
  assertEquals(isOlder("2026-11-20.10", "2026-11-20.2"), false);
  assertEquals(isOlder("2026-11-20.1", "2026-11-20.1"), false);
});
