import { assert, assertEquals, assertRejects } from "@std/assert";
import { BfaError, type ErrorCode } from "../../lib/core/errors.ts";
import { withoutBackoff } from "../helpers/fault_world.ts";
import type { GithubFault } from "../helpers/github.ts";
import { on } from "../helpers/github_faults.ts";
import { withGithub } from "../helpers/github_world.ts";

const V1 = "2024-03-31.1";

const READS: [name: string, fault: GithubFault, code: ErrorCode][] = [
  [
    "an artifact's release is gone",
    on(/web .*listings/, () => new Response("", { status: 404 })),
    "network",
  ],
  [
    "an error page instead of a file",
    on(/^cdn/, () => new Response("<html>Unicorn!</html>")),
    "network",
  ],
  [
    "a redirect to another host",
    on(
      /^web/,
      () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/x" } }),
    ),
    "network",
  ],
  ["no latest release", on(/^web/, () => new Response("", { status: 404 })), "not_found"],
];

for (const [name, fault, code] of READS) {
  Deno.test(`a reader, when ${name}: ${code}`, async () => {
    await withGithub(async (world) => {
      await world.publish(V1);
      world.github.fault = fault;
      const error = await withoutBackoff(() =>
        assertRejects(async () => await (await world.client()).symbols(), BfaError)
      );
      assertEquals(error.code, code, error.message);
      assert(!error.message.includes("s3cr3t"), error.message);
    });
  });
}

Deno.test("a download from GitHub that is cut goes on where it was", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, { "parts/2023.parquet": "x".repeat(100_000) });
    const ranges: (string | null)[] = [];
    world.github.fault = (seen, usual) => {
      if (seen.host !== "cdn") return undefined;
      const range = seen.headers.get("range");
      ranges.push(range);
      return usual().then(async (response) => {
        const bytes = await response.bytes();
        if (range || bytes.length < 50_000) return new Response(bytes, response);
        return new Response(bytes.slice(0, 40_000), { status: 200 }); // shorter than the manifest says
      });
    };
    const bfa = await world.client();
    await withoutBackoff(() => bfa.pull(["parts/2023.parquet"]));
    assertEquals(ranges.filter((range) => range !== null), ["bytes=40000-"]);
  });
});
