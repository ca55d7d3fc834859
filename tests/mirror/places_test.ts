import { assertEquals, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { fileHeaders } from "../../lib/mirror/file_headers.ts";
import { loginInDockerConfig, readChallenge } from "../../lib/mirror/oci_login.ts";
import { ociFileOf, parseOciPlace } from "../../lib/mirror/oci_place.ts";
import { readS3Place } from "../../lib/mirror/s3_place.ts";
import { parseEndpoint } from "../../lib/manifest/endpoint_address.ts";

const S3: [place: string, env: Record<string, string>, address: string][] = [
  ["s3://data", {}, "https://data.s3.us-east-1.amazonaws.com/"],
  ["s3://data/a/b/", { AWS_REGION: "eu-west-1" }, "https://data.s3.eu-west-1.amazonaws.com/a/b/"],
  [
    "s3://data/a",
    { AWS_DEFAULT_REGION: "ap-south-1" },
    "https://data.s3.ap-south-1.amazonaws.com/a/",
  ],
  ["s3://data.org/a", {}, "https://s3.us-east-1.amazonaws.com/data.org/a/"],
  ["s3://data", { AWS_REGION: "cn-north-1" }, "https://data.s3.cn-north-1.amazonaws.com.cn/"],
  ["s3://data/a", { AWS_ENDPOINT_URL: "http://127.0.0.1:9/" }, "http://127.0.0.1:9/data/a/"],
  [
    "s3://data/a",
    { AWS_ENDPOINT_URL: "https://x.example", AWS_ENDPOINT_URL_S3: "https://y.example" },
    "https://y.example/data/a/",
  ],
];

for (const [place, env, address] of S3) {
  Deno.test(`${place} with ${Object.keys(env).join(", ") || "nothing set"} is at ${address}`, () => {
    const { base, prefix } = readS3Place(place, (name) => env[name]);
    assertEquals(base + prefix, address);
  });
}

Deno.test("S3 credentials are both there or neither; what is no place is refused", () => {
  const read = (place: string, env: Record<string, string> = {}) =>
    readS3Place(place, (n) => env[n]);
  assertEquals(read("s3://data").credentials, undefined);
  const keys = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_SESSION_TOKEN: "c" };
  assertEquals(read("s3://data", keys).credentials, {
    accessKeyId: "a",
    secretAccessKey: "b",
    sessionToken: "c",
  });
  for (
    const bad of ["s3://", "s3://A/b", "s3://ab", "s3://data/../x", "s3://data//x", "s3://d@ta/x"]
  ) {
    assertEquals(assertThrows(() => read(bad), BfaError).code, "usage", bad);
  }
  for (
    const env of [
      { AWS_ACCESS_KEY_ID: "a" },
      { AWS_SECRET_ACCESS_KEY: "b" },
      { AWS_REGION: "a b" },
      {
        AWS_ENDPOINT_URL: "ftp://x",
      },
    ]
  ) {
    assertEquals(assertThrows(() => read("s3://data", env), BfaError).code, "usage");
  }
});

Deno.test("`parseOciPlace()` reads hosts and repositories; only this machine is reached in the open", () => {
  const base = (text: string) => parseOciPlace(text).base;
  assertEquals(base("oci://ghcr.io/owner/bfa"), "https://ghcr.io/v2/owner/bfa");
  assertEquals(base("oci://r.example:5000/a_b/c-d.e/"), "https://r.example:5000/v2/a_b/c-d.e");
  assertEquals(base("oci://localhost:5000/x"), "http://localhost:5000/v2/x");
  assertEquals(base("oci://127.0.0.1/x"), "http://127.0.0.1/v2/x");
  assertEquals(base("oci://[::1]:5000/x"), "http://[::1]:5000/v2/x");
  assertEquals(base("oci://localhost.example/x"), "https://localhost.example/v2/x");
  assertEquals(base("oci://docker.io/owner/bfa"), "https://registry-1.docker.io/v2/owner/bfa");
  for (
    const bad of [
      "oci://",
      "oci://host",
      "oci://host/A",
      "oci://u@host/x",
      "oci://host/x:tag",
      "oci://host/-x",
    ]
  ) {
    assertEquals(assertThrows(() => parseOciPlace(bad), BfaError).code, "usage", bad);
  }
});

Deno.test("`parseEndpoint()` takes a registry's repository, with a slash at its end", async () => {
  assertEquals(await parseEndpoint("oci://ghcr.io/owner/bfa"), "oci://ghcr.io/owner/bfa/");
  assertEquals(await parseEndpoint("oci://127.0.0.1:5000/x/"), "oci://127.0.0.1:5000/x/");
  for (const bad of ["oci:ghcr.io/x", "oci://u:p@ghcr.io/x", "oci://ghcr.io", "s3://data"]) {
    const code = await parseEndpoint(bad).then(() => "none", (error) => error.code);
    assertEquals(code, "usage", bad);
  }
});

Deno.test("`ociFileOf()` knows where each path of a mirror is", () => {
  const sha256 = "a".repeat(64);
  assertEquals(ociFileOf(`${sha256}/parts/2024.parquet`), { digest: `sha256:${sha256}` });
  assertEquals(ociFileOf("manifest.json"), { tag: "latest", title: "manifest.json" });
  assertEquals(ociFileOf("manifests/12.json"), { tag: "manifest-12", title: "manifest.json" });
  assertEquals(ociFileOf("versions.json"), { tag: "versions", title: "versions.json" });
  assertEquals(ociFileOf("v1/manifest"), undefined);
});

Deno.test("`readChallenge()` reads what registries send", () => {
  assertEquals(
    readChallenge(
      'Bearer realm="https://a.example/token",service="a.example",scope="repository:x/y:pull,push"',
    ),
    {
      scheme: "bearer",
      parameters: {
        realm: "https://a.example/token",
        service: "a.example",
        scope: "repository:x/y:pull,push",
      },
    },
  );
  assertEquals(readChallenge("Basic realm=test"), {
    scheme: "basic",
    parameters: { realm: "test" },
  });
  assertEquals(readChallenge("Negotiate abc"), undefined);
  assertEquals(readChallenge(null), undefined);
});

Deno.test("`loginInDockerConfig()` finds a host's login, and none in what it cannot read", () => {
  const auths = {
    "ghcr.io": { auth: btoa("me:a:b") },
    "https://index.docker.io/v1/": { auth: btoa("you:c") },
    "r.example": {},
  };
  const text = JSON.stringify({ auths, credsStore: "desktop" });
  assertEquals(loginInDockerConfig(text, "ghcr.io"), { username: "me", password: "a:b" });
  assertEquals(loginInDockerConfig(text, "docker.io"), { username: "you", password: "c" });
  for (
    const [config, host] of [[text, "r.example"], [text, "x"], ["{", "x"], ["[]", "x"]] as const
  ) {
    assertEquals(loginInDockerConfig(config, host), undefined);
  }
});

Deno.test("`fileHeaders()`: a year for what never changes, a minute for what moves", () => {
  const year = "public, max-age=31536000, immutable";
  assertEquals(fileHeaders("manifest.json")["cache-control"], "public, max-age=60");
  assertEquals(fileHeaders("versions.json")["cache-control"], "public, max-age=60");
  assertEquals(fileHeaders("manifests/1.json")["cache-control"], year);
  assertEquals(fileHeaders("a/b.parquet"), {
    "content-type": "application/vnd.apache.parquet",
    "cache-control": year,
  });
  assertEquals(fileHeaders("a/availability.duckdb.gz")["content-type"], "application/gzip");
});
