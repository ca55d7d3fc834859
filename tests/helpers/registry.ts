/** A real OCI registry on loopback: Debian's docker-registry on a temporary folder. @module */

import { type MirrorWorld, openFileMirror } from "../../lib/jobs/open_mirrors.ts";
import { type CountedMirror, countedMirror, type CountedOptions } from "./counted_mirror.ts";
import { spawn, waitForLine } from "./process.ts";
import { tool } from "./tool.ts";

/** A running registry. */
export interface Registry {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly url: string;
  /** Tags of {@linkcode REPOSITORY}, as its files have them. */
  tags(): Promise<string[]>;
  /** Removes a blob, as a clean-up that went too far would. */
  removeBlob(digest: string): Promise<void>;
}

/** Where tests publish. */
export const REPOSITORY = "team/bfa";

/** A mirror in a registry. */
export async function ociMirrorOn(
  host: string,
  options: CountedOptions = {},
): Promise<CountedMirror> {
  const open = (world: MirrorWorld) => openFileMirror(`oci://${host}/${REPOSITORY}`, world);
  return await countedMirror(open, shortOf, options);
}

/** The address of a request to a registry, without what differs from run to run. */
export function shortOf(url: string): string {
  return new URL(url).pathname.replace(`/v2/${REPOSITORY}/`, "").replace(/sha256:[0-9a-f]+/, "…")
    .replace(/uploads\/.+/, "uploads/…");
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
      async tags() {
        const folder = `${store}/docker/registry/v2/repositories/${REPOSITORY}/_manifests/tags`;
        try {
          return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) return [];
          throw error;
        }
      },
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
