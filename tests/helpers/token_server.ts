/** A token server as registries refer to: anybody may pull, one account may push. @module */

import type { RegistryAuth } from "./registry.ts";

/** A running server. */
export interface TokenServer {
  readonly auth: RegistryAuth;
  /** Scopes that were asked for, with who asked. */
  readonly asked: string[];
  /** How long its tokens say they count, s. */
  expiresIn: number;
  close(): Promise<void>;
}

const ISSUER = "test-issuer";

/** Serves signed tokens; `account` is `name:password`. */
export async function serveTokens(account: string): Promise<TokenServer> {
  const keys = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  ) as CryptoKeyPair;
  const certificate = await selfSigned(keys.privateKey);
  const asked: string[] = [];

  async function answer(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const basic = request.headers.get("authorization")?.replace("Basic ", "");
    const who = basic && new TextDecoder().decode(Uint8Array.fromBase64(basic));
    const scope = searchParams.get("scope") ?? "";
    const [type, name, actions = ""] = scope.split(":");
    const wanted = actions.split(",").sort(); // a registry names them in any order
    asked.push(`${who ? who.split(":")[0] : "anybody"} ${type}:${name}:${wanted}`);
    if (who && who !== account) return Response.json({ details: "wrong" }, { status: 401 });
    const allowed = wanted.filter((action) => action === "pull" || who === account);
    const now = Math.floor(Date.now() / 1000);
    const token = await sign({
      iss: ISSUER,
      sub: who ?? "",
      aud: searchParams.get("service"),
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: crypto.randomUUID(),
      access: [{ type, name, actions: allowed }],
    });
    return Response.json({ token, expires_in: server.expiresIn });
  }

  async function sign(claims: Record<string, unknown>): Promise<string> {
    const header = { typ: "JWT", alg: "RS256", x5c: [certificate.base64] };
    const text = [header, claims].map((part) => base64url(encode(JSON.stringify(part)))).join(".");
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", keys.privateKey, encode(text));
    return `${text}.${base64url(new Uint8Array(signature))}`;
  }

  const http = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  const server: TokenServer = {
    asked,
    expiresIn: 300,
    auth: {
      section: (dir) =>
        `{ token: { realm: "http://127.0.0.1:${http.addr.port}/token", service: "test-registry", issuer: "${ISSUER}", rootcertbundle: "${dir}/root.pem" } }`,
      prepare: (dir) => Deno.writeTextFile(`${dir}/root.pem`, certificate.pem),
    },
    close: () => http.shutdown(),
  };
  return server;
}

/** A certificate for a key, by openssl: Web Crypto makes none. */
async function selfSigned(key: CryptoKey): Promise<{ pem: string; base64: string }> {
  const file = await Deno.makeTempFile();
  try {
    const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key)).toBase64();
    const lines = bytes.match(/.{1,64}/g)!.join("\n");
    await Deno.writeTextFile(
      file,
      `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    );
    const { stdout } = await new Deno.Command("openssl", {
      args: ["req", "-x509", "-key", file, "-subj", "/CN=test", "-days", "2"],
    }).output();
    const pem = new TextDecoder().decode(stdout);
    return { pem, base64: pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, "") };
  } finally {
    await Deno.remove(file);
  }
}

const encode = (text: string) => new TextEncoder().encode(text);
const base64url = (bytes: Uint8Array) =>
  bytes.toBase64({ alphabet: "base64url", omitPadding: true });
