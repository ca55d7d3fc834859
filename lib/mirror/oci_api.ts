/**
 * Requests to one repository of an OCI registry: logging in, redirects to where blobs are kept, and one
 * clear line for every way it can refuse. It knows nothing of mirrors.
 *
 * @module
 */

import { BfaError, type ErrorCode } from "../core/errors.ts";
import { refusalText } from "../net/body.ts";
import type { Sender } from "../net/sender.ts";
import {
  type Admission,
  admission,
  type Challenge,
  type Login,
  readChallenge,
} from "./oci_login.ts";
import type { OciPlace } from "./oci_place.ts";

/** What a refusal said. */
export class OciError extends BfaError {
  /** The class, for logs. */
  override name = "OciError";

  /** Makes an error for one answer; `reasons` are the registry's codes. */
  constructor(
    code: ErrorCode,
    message: string,
    readonly status: number,
    readonly reasons: readonly string[],
  ) {
    super(code, message);
  }
}

/** One request. */
export interface OciRequest {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Statuses that are answers, besides 2xx. */
  readonly answers?: readonly number[];
  /** Must not be sent again when it may have been carried out. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly tries?: number | undefined;
}

/** Sends requests. */
export interface OciApi {
  /** `oci://HOST/REPOSITORY`, for messages. */
  readonly name: string;
  /** Sends a request to a path under the repository, or to a whole address that the registry gave. */
  request(method: string, target: string, request?: OciRequest): Promise<Response>;
  /** What was wrong with an answer. */
  refusal(response: Response): Promise<OciError>;
}

/** What requests need. */
export interface OciApiOptions {
  readonly place: OciPlace;
  readonly sender: Sender;
  readonly login?: Login | undefined;
  readonly now?: () => Date;
}

const MAX_REDIRECTS = 5;

/** Makes a client for one repository. */
export function ociApi({ place, sender, login, now = () => new Date() }: OciApiOptions): OciApi {
  const name = `oci://${place.host}/${place.repository}`;
  const registry = new URL(place.base).origin;
  const secure = place.base.startsWith("https:");
  /** Admissions to read, and to write. */
  const known = new Map<boolean, Admission>();

  /** Sends a request, and follows redirects; whoever keeps the blobs gets no token, and cannot ask for one. */
  async function follow(
    method: string,
    url: string,
    { headers = {}, body, once = false, signal, tries }: OciRequest,
    authorization: string | undefined,
  ): Promise<{ response: Response; challenge: Challenge | undefined }> {
    let target = url;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const own = new URL(target).origin === registry;
      const sent = own && authorization ? { ...headers, authorization } : headers;
      const make = () => ({ url: target, method, headers: sent, body });
      const response = await sender.send(make, { once, signal, tries });
      const location = response.headers.get("location");
      const moved = response.status >= 300 && response.status < 400 && response.status !== 304;
      if (!moved || !location || body) {
        const asks = own && response.status === 401;
        const header = asks ? response.headers.get("www-authenticate") : null;
        return { response, challenge: readChallenge(header) };
      }
      await response.body?.cancel();
      const next = new URL(location, target);
      if (next.protocol !== "https:" && next.protocol !== new URL(target).protocol) break;
      target = next.href;
    }
    throw new BfaError("network", `Cannot use ${name}: it redirects to where nobody should follow`);
  }

  async function refusal(response: Response): Promise<OciError> {
    const reasons: string[] = [];
    try {
      const { errors } = JSON.parse(await refusalText(response));
      for (const { code } of errors) if (/^\w{1,60}$/.test(code)) reasons.push(code);
    } catch {
      // an error page: the status says enough
    }
    const { status } = response;
    const said = reasons.length ? `${status}: ${reasons.join(", ")}` : `${status}`;
    const [code, why] = meaning(status, reasons, place.host, login !== undefined);
    return new OciError(code, `Cannot use ${name}: ${why} (${said})`, status, reasons);
  }

  return {
    name,
    refusal,
    async request(method, target, request = {}) {
      const url = /^https?:/.test(target) ? target : place.base + target;
      if (secure && !url.startsWith("https:")) {
        throw new BfaError("network", `Cannot use ${name}: it asks for uploads in the open`);
      }
      const writes = method !== "GET" && method !== "HEAD";
      let admitted = known.get(writes);
      if (admitted && admitted.until <= now().getTime()) admitted = undefined;
      let { response, challenge } = await follow(method, url, request, admitted?.authorization);
      if (challenge) {
        const { signal } = request;
        const options = { sender, login, place: name, secure, now: now(), signal };
        const fresh = await admission(challenge, options).catch(async (error) => {
          await response.body?.cancel();
          throw error;
        });
        if (fresh) {
          await response.body?.cancel();
          known.set(writes, fresh);
          ({ response } = await follow(method, url, request, fresh.authorization));
        }
      }
      if (response.ok || request.answers?.includes(response.status)) return response;
      throw await refusal(response);
    },
  };
}

/** The registry's codes in words. */
function meaning(
  status: number,
  reasons: readonly string[],
  host: string,
  hasLogin: boolean,
): [ErrorCode, string] {
  if (reasons.includes("DIGEST_INVALID")) {
    return ["integrity", "it received other bytes than were sent; run the same command again"];
  }
  if (status === 401) {
    return [
      "usage",
      hasLogin
        ? `${host} does not accept the login; check it, or log in again`
        : `it needs a login: run \`docker login ${host}\`, or set BFA_OCI_USERNAME and BFA_OCI_PASSWORD`,
    ];
  }
  if (status === 403) return ["usage", "the login lacks the right to do this"];
  if (status === 404) return ["not_found", "there is no such repository or file; check its name"];
  if (status === 413) return ["limit", "the registry takes no files of this length"];
  return ["network", "it did not answer as it should; run the same command again"];
}
