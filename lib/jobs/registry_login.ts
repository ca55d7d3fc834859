/**
 * Who to be at an OCI registry: what the environment says, or `docker login` wrote.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { Login } from "../mirror/oci_login.ts";

/** The outside world, as far as logins need it. */
export interface LoginWorld {
  env(name: string): string | undefined;
  /** The text of a file; `undefined` when there is none. */
  readTextFile?(path: string): string | undefined;
}

/** The login for a registry; `undefined` when there is none, which is enough for public ones. */
export async function registryLogin(host: string, world: LoginWorld): Promise<Login | undefined> {
  const { env } = world;
  const [username, password] = [env("BFA_OCI_USERNAME"), env("BFA_OCI_PASSWORD")];
  if (username && password) return { username, password };
  if (username || password) {
    const missing = username ? "BFA_OCI_PASSWORD" : "BFA_OCI_USERNAME";
    throw new BfaError("usage", `Cannot log in to ${host}: ${missing} is not set`);
  }
  const home = env("HOME") ?? env("USERPROFILE");
  const docker = env("DOCKER_CONFIG") ?? (home && `${home}/.docker`);
  const files = [env("REGISTRY_AUTH_FILE"), docker && `${docker}/config.json`];
  const { loginInDockerConfig } = await import("../mirror/oci_login.ts");
  for (const file of files) {
    const text = file ? world.readTextFile?.(file) : undefined;
    const login = text === undefined ? undefined : loginInDockerConfig(text, host);
    if (login) return login;
  }
  return undefined;
}
