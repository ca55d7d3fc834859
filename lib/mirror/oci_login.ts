/**
 * Logging in to a registry: what it challenges with, and the tokens it gives
 * (https://distribution.github.io/distribution/spec/auth/token/).
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { limitedText } from "../net/body.ts";
import type { Sender } from "../net/sender.ts";

/** Name and password, or token, of an account. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What `WWW-Authenticate` asks for. */
export interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly parameters: Readonly<Record<string, string>>;
}

/** A header that lets requests in, and until when, ms since 1970. */
export interface Admission {
  readonly authorization: string;
  readonly until: number;
}

/** How long a token counts that does not say, s: the specification's own number. */
const TOKEN_S = 60;

/** The longest answer with a token that is read, bytes. */
const MAX_TOKEN_BYTES = 256 * 1024;

/** Reads `WWW-Authenticate`; `undefined` when it asks for what nobody here has. */
export function readChallenge(header: string | null): Challenge | undefined {
  const match = /^\s*(basic|bearer)\s+(.*)$/i.exec(header ?? "");
  if (!match) return undefined;
  const parameters: Record<string, string> = {};
  for (
    const [, name, quoted, plain] of match[2]!.matchAll(/([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))/gi)
  ) {
    parameters[name!.toLowerCase()] = quoted ?? plain ?? "";
  }
  return { scheme: match[1]!.toLowerCase() as Challenge["scheme"], parameters };
}

/**
 * Does what a registry asks for.
 *
 * @param options `secure`: the registry is reached over https, so a token must be too.
 * @returns `undefined` when a login is needed and there is none.
 */
export async function admission(
  { scheme, parameters }: Challenge,
  options: {
    sender: Sender;
    login: Login | undefined;
    place: string;
    secure: boolean;
    now: Date;
    signal?: AbortSignal | undefined;
  },
): Promise<Admission | undefined> {
  const { sender, login, place, secure, now, signal } = options;
  const basic = login && `Basic ${
    new TextEncoder().encode(
      `${login.username}:${login.password}`,
    ).toBase64()
  }`;
  if (scheme === "basic") return basic ? { authorization: basic, until: Infinity } : undefined;
  const { realm = "" } = parameters;
  if (!URL.canParse(realm) || !(secure ? /^https:/ : /^https?:/).test(realm)) {
    throw new BfaError("network", `Cannot use ${place}: it gives tokens at no address to trust`);
  }
  const url = new URL(realm);
  for (const name of ["service", "scope"]) {
    if (parameters[name]) url.searchParams.set(name, parameters[name]);
  }
  const headers: Record<string, string> = basic ? { authorization: basic } : {};
  const response = await sender.send(() => ({ url: url.href, method: "GET", headers }), { signal });
  if (!response.ok) {
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403) return undefined;
    throw new BfaError(
      "network",
      `Cannot use ${place}: ${url.host} gave no token (${response.status})`,
    );
  }
  const { token, seconds } = readToken(
    await limitedText(response.body, MAX_TOKEN_BYTES, `the token of ${url.host}`),
  );
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new BfaError("network", `Cannot use ${place}: ${url.host} gave no token`);
  }
  // A little early: the request takes time too.
  return { authorization: `Bearer ${token}`, until: now.getTime() + seconds * 900 };
}

/** The token in an answer, and how long it counts, s. */
function readToken(text: string): { token: unknown; seconds: number } {
  try {
    const { token, access_token, expires_in } = JSON.parse(text);
    const seconds = typeof expires_in === "number" ? expires_in : TOKEN_S;
    return { token: token ?? access_token, seconds };
  } catch {
    return { token: undefined, seconds: 0 }; // an error page
  }
}

/**
 * The login of a registry in the file that `docker login` and `oras login` write.
 *
 * @param text The file; what cannot be read has none.
 */
export function loginInDockerConfig(text: string, host: string): Login | undefined {
  try {
    const { auths } = JSON.parse(text);
    const names = host === "docker.io"
      ? ["https://index.docker.io/v1/", host]
      : [host, `https://${host}`];
    for (const name of names) {
      const auth = auths?.[name]?.auth;
      if (typeof auth !== "string") continue;
      const [username, ...password] = new TextDecoder().decode(Uint8Array.fromBase64(auth))
        .split(":");
      if (username && password.length) return { username, password: password.join(":") };
    }
  } catch {
    // a file of another kind: the login may be elsewhere
  }
  return undefined;
}
