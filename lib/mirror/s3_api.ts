/**
 * Signed requests to one S3 bucket, and one clear line for every way it can refuse. It knows nothing
 * of mirrors.
 *
 * @module
 */

import { BfaError, type ErrorCode } from "../core/errors.ts";
import { digestOf } from "../files/file_facts.ts";
import { limitedText, refusalText } from "../net/body.ts";
import type { Sender } from "../net/sender.ts";
import type { S3Place } from "./s3_place.ts";

/** What a refusal said. */
export class S3Error extends BfaError {
  /** The class, for logs. */
  override name = "S3Error";

  /** Makes an error for one answer; `reason` is S3's own code, empty when it gave none. */
  constructor(code: ErrorCode, message: string, readonly status: number, readonly reason: string) {
    super(code, message);
  }
}

/** One request. */
export interface S3Request {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Parameters of the address. */
  readonly query?: Record<string, string>;
  /** Statuses that are answers, besides 2xx. */
  readonly answers?: readonly number[];
}

/** Sends requests. */
export interface S3Api {
  /** `s3://BUCKET`, for messages. */
  readonly name: string;
  /** Sends a request about a key: signed, where there are credentials. */
  request(method: string, key: string, request?: S3Request): Promise<Response>;
  /** What was wrong with an answer. */
  refusal(response: Response): Promise<S3Error>;
  /** The text of an answer, to its end. */
  text(response: Response): Promise<string>;
}

/** What S3 answers but files is shorter, bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Makes a client for one bucket. */
export function s3Api(
  place: S3Place,
  sender: Sender,
  now: () => Date = () => new Date(),
): S3Api {
  const { bucket, base, region, credentials } = place;
  const name = `s3://${bucket}`;

  async function refusal(response: Response): Promise<S3Error> {
    const text = await refusalText(response);
    const reason = /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1] ?? "";
    const there = response.headers.get("x-amz-bucket-region") ??
      /<Region>([a-z0-9-]{2,40})<\/Region>/.exec(text)?.[1];
    const [code, why] = meaning(reason, response.status, {
      there: there === region ? undefined : there,
      anonymous: credentials === undefined,
      bucket,
    });
    const said = reason ? `${response.status}: ${reason}` : `${response.status}`;
    return new S3Error(code, `Cannot use ${name}: ${why} (${said})`, response.status, reason);
  }

  return {
    name,
    refusal,
    text: async ({ body }) => await limitedText(body, MAX_ANSWER_BYTES, `an answer of ${name}`),
    async request(method, key, { headers = {}, body, query, answers = [] } = {}) {
      const url = new URL(base + key);
      for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
      const make = async () => {
        const own = credentials ? await signed(method, url, headers, body) : headers;
        // Not signed: some servers have a proxy in front that changes it.
        return { url: url.href, method, body, headers: { ...own, "accept-encoding": "identity" } };
      };
      const response = await sender.send(make);
      if (response.ok || answers.includes(response.status)) return response;
      throw await refusal(response);
    },
  };

  /** The headers with a signature, which covers the body too. */
  async function signed(
    method: string,
    url: URL,
    headers: Record<string, string>,
    body: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<Record<string, string>> {
    const { AwsV4Signer } = await import("aws4fetch");
    const digest = await digestOf(body ?? new Uint8Array());
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, "x-amz-content-sha256": digest.toHex() },
      accessKeyId: credentials!.accessKeyId,
      secretAccessKey: credentials!.secretAccessKey,
      ...(credentials!.sessionToken ? { sessionToken: credentials!.sessionToken } : {}),
      service: "s3",
      region,
      datetime: now().toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
    return Object.fromEntries((await signer.sign()).headers);
  }
}

interface Circumstances {
  /** The region the bucket is in, when it is another one. */
  readonly there: string | undefined;
  readonly anonymous: boolean;
  readonly bucket: string;
}

/** S3's codes in words; AWS's, and where servers differ, those of others. */
function meaning(
  reason: string,
  status: number,
  { there, anonymous, bucket }: Circumstances,
): [ErrorCode, string] {
  if (there) return ["usage", `the bucket is in another region: set AWS_REGION=${there}`];
  switch (reason) {
    case "NoSuchBucket":
      return ["not_found", `there is no bucket ${bucket}; create it, or check its name and region`];
    case "InvalidAccessKeyId":
    case "SignatureDoesNotMatch":
    case "InvalidToken":
    case "XAdminUserNotFound": // versitygw
      return ["usage", "it does not accept the credentials; check AWS_ACCESS_KEY_ID and its like"];
    case "ExpiredToken":
      return ["usage", "the credentials have expired; get new ones"];
    case "RequestTimeTooSkewed":
      return ["usage", "this machine's clock is wrong"];
    case "InvalidBucketName":
      return ["usage", `${bucket} is no name for a bucket`];
    case "NoSuchUpload":
      return ["network", "the upload was aborted meanwhile; run the same command again"];
  }
  if (status === 401 || status === 403) {
    return [
      "usage",
      anonymous
        ? "it needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        : "the credentials lack the right; docs/mirrors.md says which ones it needs",
    ];
  }
  if (status >= 300 && status < 400) {
    return ["usage", "the bucket is elsewhere: set AWS_REGION or AWS_ENDPOINT_URL"];
  }
  if (status === 404) return ["not_found", "there is no such file or bucket"];
  if (status === 400) return ["usage", "it refuses the request; check AWS_REGION and the bucket"];
  return ["network", "it did not answer as it should; run the same command again"];
}
