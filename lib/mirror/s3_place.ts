/**
 * Where an S3 mirror is: `s3://BUCKET/PREFIX`, and what the environment says of the server and of who
 * asks, by the names that AWS's own tools use.
 *
 * | variable | what |
 * | --- | --- |
 * | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | credentials; without them only public buckets are read |
 * | `AWS_REGION`, else `AWS_DEFAULT_REGION` | the bucket's region; `us-east-1` |
 * | `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL` | another server than AWS's |
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";

/** Who asks. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A place on an S3 server. */
export interface S3Place {
  readonly bucket: string;
  /** Before every key: empty, or ends with a slash. */
  readonly prefix: string;
  readonly region: string;
  /** Where the bucket is, ends with a slash. */
  readonly base: string;
  readonly credentials: S3Credentials | undefined;
}

const PLACE = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[\w.-]+)*)\/?$/;

/**
 * Reads `s3://BUCKET/PREFIX`.
 *
 * @throws {BfaError} `usage` when it is not of that form, or a variable is not.
 */
export function readS3Place(text: string, env: (name: string) => string | undefined): S3Place {
  const match = PLACE.exec(text);
  if (!match || match[2]!.split("/").some((part) => /^\.+$/.test(part))) {
    throw new BfaError(
      "usage",
      `Cannot use ${JSON.stringify(text.slice(0, 150))}: write s3://BUCKET or s3://BUCKET/PREFIX`,
    );
  }
  const bucket = match[1]!;
  const region = env("AWS_REGION") || env("AWS_DEFAULT_REGION") || "us-east-1";
  if (!/^[a-z0-9-]{2,40}$/.test(region)) {
    throw new BfaError("usage", `Cannot use the region ${JSON.stringify(region.slice(0, 60))}`);
  }
  return {
    bucket,
    prefix: match[2] ? `${match[2].slice(1)}/` : "",
    region,
    base: baseOf(bucket, region, env),
    credentials: readCredentials(env),
  };
}

/** A bucket of AWS has a host of its own; other servers have it in the path, which all of them know. */
function baseOf(bucket: string, region: string, env: (name: string) => string | undefined): string {
  const endpoint = env("AWS_ENDPOINT_URL_S3") || env("AWS_ENDPOINT_URL");
  if (endpoint) {
    if (!/^https?:\/\/[^/@\s]/.test(endpoint) || !URL.canParse(endpoint)) {
      throw new BfaError("usage", "Cannot use AWS_ENDPOINT_URL: it is no http(s):// address");
    }
    return `${endpoint.replace(/\/+$/, "")}/${bucket}/`;
  }
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  // The certificate covers one name before the domain: none with dots.
  return bucket.includes(".")
    ? `https://s3.${region}.${domain}/${bucket}/`
    : `https://${bucket}.s3.${region}.${domain}/`;
}

function readCredentials(env: (name: string) => string | undefined): S3Credentials | undefined {
  const [accessKeyId, secretAccessKey] = [env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY")];
  if (!accessKeyId && !secretAccessKey) return undefined;
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: env("AWS_SESSION_TOKEN") || undefined };
  }
  const missing = accessKeyId ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID";
  throw new BfaError("usage", `Cannot use the AWS credentials: ${missing} is not set`);
}
