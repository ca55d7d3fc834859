/** A real OCI registry on loopback: Debian's docker-registry on a temporary folder. @module */

import { spawn, waitForLine } from "./process.ts";
import { tool } from "./tool.ts";

/** A running registry. */
export interface Registry {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly url: string;
  /** Where it keeps its files. */
  readonly store: string;
  /** Removes a blob, as a clean-up that went too far would. */
  removeBlob(digest: string): Promise<void>;
}

/** Who may do what; anybody everything, when left out. */
export interface RegistryAuth {
  /** The `auth` section of its configuration, given its folder. */
  section(dir: string): string;
  /** Writes what that section names. */
  prepare(dir: string): Promise<void>;
}

/** Runs a test with a registry. */
export async function withRegistry(
  test: (registry: Registry) => Promise<void>,
  auth?: RegistryAuth,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-registry-" });
  const store = `${dir}/store`;
  await auth?.prepare(dir);
  await Deno.writeTextFile(
    `${dir}/config.yml`,
    `version: 0.1
log: { level: info }
storage: { filesystem: { rootdirectory: "${store}" }, delete: { enabled: true } }
http: { addr: "127.0.0.1:0", secret: "test" }
${auth ? `auth: ${auth.section(dir)}` : ""}
`,
  );
  const program = spawn(tool("docker-registry"), ["serve", `${dir}/config.yml`]);
  try {
    const host = (await waitForLine(program, /listening on (127\.0\.0\.1:\d+)/))[1]!;
    await test({
      host,
      url: `http://${host}`,
      store,
      async removeBlob(digest) {
        const hex = digest.replace("sha256:", "");
        const blobs = `${store}/docker/registry/v2/blobs/sha256`;
        await Deno.remove(`${blobs}/${hex.slice(0, 2)}/${hex}`, { recursive: true });
      },
    });
  } finally {
    await program.stop("SIGTERM");
    await Deno.remove(dir, { recursive: true });
  }
}
