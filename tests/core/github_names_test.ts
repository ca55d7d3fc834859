import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BfaError } from "../../lib/core/errors.ts";
import {
  artifactOfAsset,
  assetName,
  githubEndpoint,
  isGithubEndpoint,
  parseGithubPlace,
} from "../../lib/core/github_names.ts";
import { isArtifactName } from "../../lib/core/manifest.ts";
import { GITHUB_LAYOUT } from "../../lib/manifest/endpoint.ts";
import { parseEndpoint } from "../../lib/manifest/endpoint_address.ts";

const sha256 = "0123456789abcdef".repeat(4);

Deno.test("an artifact's name as an asset, and back", () => {
  const cases: [name: string, asset: string][] = [
    ["listings.json", "listings.json"],
    ["parts/2024-03.parquet", "parts_-2024-03.parquet"],
    ["a_b/c_-d.json", "a__b_-c__-d.json"],
  ];
  for (const [name, asset] of cases) {
    assertEquals(assetName({ sha256, name }), `${sha256}-${asset}`);
    assertEquals(artifactOfAsset(`${sha256}-${asset}`), { sha256, name });
  }
  for (const other of ["manifest.json", `${sha256}-`, `${sha256}_a.json`, `${sha256}-a_b`, "x"]) {
    assertEquals(artifactOfAsset(other), undefined, other);
  }
});

Deno.test("every artifact's name can be read back from its asset's, which GitHub leaves as it is", () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,12}$/);
  const names = fc.oneof(part, fc.tuple(part, part).map((parts) => parts.join("/")));
  fc.assert(fc.property(names.filter(isArtifactName), (name) => {
    const asset = assetName({ sha256, name });
    assertEquals(artifactOfAsset(asset), { sha256, name });
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
