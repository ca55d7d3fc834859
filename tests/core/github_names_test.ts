import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BfaError } from "../../lib/core/errors.ts";
import {
  assetName,
  githubEndpoint,
  isGithubEndpoint,
  parseGithubPlace,
} from "../../lib/core/github_names.ts";
import { isArtifactName } from "../../lib/core/manifest.ts";
import { GITHUB_LAYOUT } from "../../lib/manifest/endpoint.ts";
import { parseEndpoint } from "../../lib/manifest/endpoint_address.ts";

const sha256 = "0123456789abcdef".repeat(4);

Deno.test("an asset is named by its artifact's digest and name", () => {
  const cases: [name: string, asset: string][] = [
    ["listings.json", "listings.json"],
    ["parts/2024-03.parquet", "parts_-2024-03.parquet"],
    ["a_b/c_-d.json", "a__b_-c__-d.json"],
  ];
  for (const [name, asset] of cases) {
    assertEquals(assetName({ sha256, name }), `${sha256}-${asset}`);
  }
});

Deno.test("no two artifacts have one asset's name, which GitHub leaves as it is", () => {
  const part = fc.stringMatching(/^[a_-][a_.-]{0,4}$/); // few letters: names that are nearly the same
  const names = fc.oneof(part, fc.tuple(part, part).map((parts) => parts.join("/")))
    .filter(isArtifactName);
  fc.assert(fc.property(names, names, (name, other) => {
    const asset = assetName({ sha256, name });
    assertEquals(asset === assetName({ sha256, name: other }), name === other);
    assert(/^[\w.-]+$/.test(asset) && !asset.includes(".."));
  }));
});

Deno.test("`github:OWNER/REPO` is an endpoint; what is not one is refused", async () => {
  assertEquals(
    await parseEndpoint("github:octo/my.data_1"),
    "https://github.com/octo/my.data_1/releases/latest/download/",
  );
  assert(isGithubEndpoint(githubEndpoint({ owner: "a", name: "b" }, "http://127.0.0.1:1")));
  for (
    const bad of ["github:", "github:a", "github:a/", "github:a/..", "github:a/b/c", "github:-/b"]
  ) {
    assertEquals(assertThrows(() => parseGithubPlace(bad), BfaError).code, "usage", bad);
    const error = await assertRejects(() => parseEndpoint(bad), BfaError);
    assertEquals(error.code, "usage", bad);
  }
});

Deno.test("a manifest by its sequence is beside the latest release", async () => {
  const endpoint = await parseEndpoint("github:octo/data");
  assertEquals(
    new URL(endpoint + GITHUB_LAYOUT.manifestBySequence(412)).href,
    "https://github.com/octo/data/releases/download/manifest-412/412.json",
  );
});
