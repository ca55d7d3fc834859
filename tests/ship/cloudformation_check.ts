/** The template for CloudFront, as CloudFormation's own validator and this program's needs see it. @module */

import { assertEquals, assertNotEquals } from "@std/assert";
import { IMMUTABLE, MOVING } from "../../lib/mirror/file_headers.ts";
import { pythonOf, tool } from "../helpers/tool.ts";

const TEMPLATE = "deploy/cloudfront.yaml";

/** Runs the validator. */
async function lint(...paths: string[]): Promise<{ code: number; out: string }> {
  const { code, stdout, stderr } = await new Deno.Command(tool("cfn-lint"), {
    args: ["--include-checks", "I", "--", ...paths],
  }).output();
  return { code, out: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** The template as plain JSON, by the validator's own reader. */
// deno-lint-ignore no-explicit-any -- a document, which the validator knows
async function read(): Promise<any> {
  const python = await pythonOf("cfn-lint");
  const code = "import json,sys,cfnlint.decode as d; print(json.dumps(d.decode(sys.argv[1])[0]))";
  const { stdout } = await new Deno.Command(python, { args: ["-c", code, TEMPLATE] }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("the template has no errors, warnings or remarks", async () => {
  assertEquals(await lint(TEMPLATE), { code: 0, out: "" });
});

Deno.test("the validator finds what is wrong: a property, a reference, a value", async () => {
  const text = await Deno.readTextFile(TEMPLATE);
  const dir = await Deno.makeTempDir({ prefix: "bfa-cfn-" });
  const faults = [
    ["SigningProtocol: sigv4", "SigningProtocol: sigv5"],
    ["!Ref CachePolicy", "!Ref CachePolice"],
    ["MaxTTL: 31536000", "MaxTimeToLive: 31536000"],
  ] as const;
  for (const [i, [right, wrong]] of faults.entries()) {
    await Deno.writeTextFile(`${dir}/${i}.yaml`, text.replace(right, wrong));
  }
  const { code, out } = await lint(...faults.keys().map((i) => `${dir}/${i}.yaml`));
  assertNotEquals(code, 0);
  const found = [...out.matchAll(/\/(\d)\.yaml:\d+/g)].map(([, i]) => i);
  assertEquals([...new Set(found)].sort(), ["0", "1", "2"]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("the bucket is private, and CloudFront alone reads it", async () => {
  const { Resources: { Bucket, BucketPolicy, Distribution } } = await read();
  assertEquals(
    Object.values(Bucket.Properties.PublicAccessBlockConfiguration),
    Array(4).fill(true),
  );
  assertEquals(Bucket.DeletionPolicy, "Retain");
  const [reads, lists, open] = BucketPolicy.Properties.PolicyDocument.Statement;
  for (const [statement, action] of [[reads, "s3:GetObject"], [lists, "s3:ListBucket"]]) {
    assertEquals([statement.Effect, statement.Action], ["Allow", action]);
    assertEquals(statement.Principal, { Service: "cloudfront.amazonaws.com" });
    assertEquals(Object.keys(statement.Condition.StringEquals), ["AWS:SourceArn"]);
  }
  assertEquals([open.Effect, open.Action], ["Deny", "s3:*"]);
  const [origin] = Distribution.Properties.DistributionConfig.Origins;
  assertEquals(origin.OriginAccessControlId, { "Fn::GetAtt": ["OriginAccessControl", "Id"] });
});

Deno.test("its cache keeps files as long as bfa says, by path alone; browsers may read ranges", async () => {
  const { Resources: { CachePolicy, ResponseHeaders, Distribution } } = await read();
  const policy = CachePolicy.Properties.CachePolicyConfig;
  const maxAge = (header: string) => Number(/max-age=(\d+)/.exec(header)![1]);
  assertEquals([policy.MinTTL, policy.DefaultTTL, policy.MaxTTL], [
    0,
    maxAge(MOVING),
    maxAge(IMMUTABLE),
  ]);
  const key = policy.ParametersInCacheKeyAndForwardedToOrigin;
  assertEquals([
    key.CookiesConfig.CookieBehavior,
    key.HeadersConfig.HeaderBehavior,
    key.QueryStringsConfig.QueryStringBehavior,
  ], ["none", "none", "none"]);
  const cors = ResponseHeaders.Properties.ResponseHeadersPolicyConfig.CorsConfig;
  assertEquals(cors.AccessControlAllowOrigins.Items, ["*"]);
  assertEquals(cors.AccessControlAllowHeaders.Items.includes("Range"), true);
  for (const header of ["Accept-Ranges", "Content-Range", "ETag"]) {
    assertEquals(cors.AccessControlExposeHeaders.Items.includes(header), true, header);
  }
  const config = Distribution.Properties.DistributionConfig;
  assertEquals(config.DefaultCacheBehavior.CachePolicyId, { Ref: "CachePolicy" });
  assertEquals(config.DefaultCacheBehavior.ResponseHeadersPolicyId, { Ref: "ResponseHeaders" });
  assertEquals(config.DefaultCacheBehavior.ViewerProtocolPolicy, "redirect-to-https");
});

Deno.test("the publisher may do what `bfa publish` does, and no more", async () => {
  const { Resources: { PublisherPolicy, Bucket } } = await read();
  const [objects, bucket] = PublisherPolicy.Properties.PolicyDocument.Statement;
  assertEquals(objects.Action, ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]);
  assertEquals(bucket.Action, "s3:ListBucket");
  const [abandoned] = Bucket.Properties.LifecycleConfiguration.Rules;
  assertEquals(abandoned.AbortIncompleteMultipartUpload, { DaysAfterInitiation: 1 });
});
