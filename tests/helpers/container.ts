/** A registry, and images unpacked and run as an engine would, without one. Needs root. @module */

import { basename, join } from "@std/path";
import { spawn, type Spawned, waitForLine } from "./process.ts";

/** A registry on this machine, with nothing in it. */
export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Where it keeps its blobs. */
  readonly dir: string;
}

/** Somebody whose password is not used anywhere. */
const USER = "somebody:$2y$04$m84NamkQdUkIxA6.OfMvrevgSXJxA6kvgu.JfPRBD0r0F4bD6RMEu";

/** Runs Debian's `docker-registry`; with `locked`, it wants credentials that nobody has. */
export async function withRegistry(
  test: (registry: Registry) => Promise<void>,
  options: { locked?: boolean } = {},
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const config = {
    version: "0.1",
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: join(dir, "blobs") } },
    http: { addr: "127.0.0.1:0" },
    ...(options.locked ? { auth: { htpasswd: { realm: "bfa", path: join(dir, "users") } } } : {}),
  };
  await Deno.writeTextFile(join(dir, "users"), `${USER}\n`);
  await Deno.writeTextFile(join(dir, "config.yml"), JSON.stringify(config));
  const process = begin("docker-registry", ["serve", join(dir, "config.yml")]);
  try {
    const host = (await waitForLine(process, /listening on (127\.0\.0\.1:\d+)/))[1]!;
    await test({ host, dir: join(dir, "blobs") });
  } finally {
    await process.stop("SIGKILL");
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs a program to its end. */
export async function call(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, out, err } = await begin(program, args, env).finished;
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${err}`);
  return out;
}

function begin(program: string, args: string[], env: Record<string, string> = {}): Spawned {
  try {
    return spawn(program, args, env);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot find ${program}: run .ci/install, which installs it`);
  }
}

/** What an image's configuration tells an engine. */
export interface Runnable {
  /** Its files. */
  readonly root: string;
  readonly user: string;
  readonly env: readonly string[];
  readonly command: readonly string[];
  readonly workingDir: string;
}

/** Pulls an image for a processor from a registry, and unpacks it. */
export async function pull(image: string, arch: string, dir: string): Promise<Runnable> {
  const plain = `--src-tls-verify=false`;
  const from = [`--override-arch=${arch}`, "--override-os=linux"];
  await call("skopeo", [
    ...from,
    "copy",
    "--quiet",
    plain,
    `docker://${image}`,
    `oci:${dir}/image:it`,
  ]);
  await call("umoci", ["unpack", "--rootless", "--image", `${dir}/image:it`, `${dir}/bundle`]);
  const { config } = JSON.parse(
    await call("skopeo", ["inspect", "--config", `oci:${dir}/image:it`, ...from]),
  );
  return {
    root: `${dir}/bundle/rootfs`,
    user: config.User,
    env: config.Env,
    command: config.Cmd,
    workingDir: config.WorkingDir,
  };
}

/** How to run a container. */
export interface ContainerOptions {
  readonly env?: Record<string, string>;
  /** Instead of the image's command. */
  readonly command?: readonly string[];
  /** Whether there is a `/tmp` that can be written (yes). */
  readonly tmp?: boolean;
  /** Whether it has a network of its own, with nothing but itself in it (yes). */
  readonly alone?: boolean;
  /** A program that runs what is for another processor; the kernel is told of it. */
  readonly emulator?: string;
}

/** A container that runs. */
export interface Container {
  readonly process: Spawned;
  /** Its first process, as the host numbers it. */
  pid(): Promise<number>;
  /** Asks its service, from inside its network: status and body. */
  get(path: string): Promise<[status: number, body: string]>;
  /** Runs a program in it, as its user; returns its exit code and what it printed. */
  exec(command: readonly string[]): Promise<[code: number, out: string]>;
  /** Sends it SIGTERM and waits, a minute at most; returns its exit code. */
  stop(): Promise<number>;
}

/** Where the kernel shows the emulator. Newer kernels forget it with the container's own mount. */
const BINFMT = "/proc/sys/fs/binfmt_misc/bfa-test-aarch64";

/**
 * How the kernel knows a program for ARM: by the beginning of its file. `P` hands over the name it is called by, which
 * busybox goes by; `F` opens the emulator now, for it is not in the image.
 */
function binfmtRule(emulator: string): string {
  const hex = (bytes: string) => bytes.replace(/../g, "\\x$&");
  const magic = hex("7f454c460201010000000000000000000200b700");
  const mask = hex("ffffffffffffff00fffffffffffffffffeffffff");
  return `:${basename(BINFMT)}:M::${magic}:${mask}:${emulator}:PF`;
}

/**
 * A file system that cannot be written, its own processes and network, its user without any rights: what the
 * manifests of Kubernetes ask for. The program replaces the shell, so it is process 1.
 */
const ENTER = `
set -e
root=$1 user=$2 dir=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
if [ -n "$BFA_TEST_EMULATOR" ]; then
  mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
  [ -e ${BINFMT} ] || printf '%s' "$BFA_TEST_EMULATOR" >/proc/sys/fs/binfmt_misc/register
fi
mount --rbind /dev "$root/dev"
[ "$BFA_TEST_TMP" = no ] || mount -t tmpfs -o mode=1777,size=512m tmp "$root/tmp"
[ "$BFA_TEST_ALONE" = no ] || ip link set lo up
cd "$root"
exec chroot --userspec="$user" --groups= "$root" "$@"
`;

/** Starts an image; whatever of it still runs after the test is killed. */
export async function withContainer<T>(
  image: Runnable,
  options: ContainerOptions,
  test: (container: Container) => Promise<T>,
): Promise<T> {
  const container = start(image, options);
  try {
    return await test(container);
  } finally {
    // Its user is another one: the kernel has forgotten that it should die with its parent.
    await container.pid().then((pid) => Deno.kill(pid, "SIGKILL"), () => {});
    await container.process.finished;
    // Older kernels keep it for all, where this machine has the folder too.
    if (options.emulator) await Deno.writeTextFile(BINFMT, "-1", { create: false }).catch(() => {});
  }
}

function start(image: Runnable, options: ContainerOptions): Container {
  const { tmp = true, alone = true, command = image.command } = options;
  const env = [...image.env, ...Object.entries(options.env ?? {}).map(([k, v]) => `${k}=${v}`)];
  // As an engine does: the image's environment alone, and its folder.
  const inside = (words: readonly string[]) => {
    const shell = ["/usr/bin/busybox", "env", "-i", ...env];
    const change = `cd "$0" && exec "$@"`;
    return [...shell, "/usr/bin/busybox", "sh", "-c", change, image.workingDir, ...words];
  };
  const spaces = ["--mount", "--pid", "--fork", ...(alone ? ["--net"] : [])];
  const entered = ["sh", "-c", ENTER, "sh", image.root, image.user, image.workingDir];
  const process = spawn("unshare", [...spaces, ...entered, ...inside(command)], {
    BFA_TEST_TMP: tmp ? "yes" : "no",
    BFA_TEST_ALONE: alone ? "yes" : "no",
    BFA_TEST_EMULATOR: options.emulator ? binfmtRule(options.emulator) : "",
  });

  async function pid(): Promise<number> {
    const { pid } = process;
    const children = (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim();
    if (!/^\d+$/.test(children)) throw new Error("the container is not running");
    return Number(children);
  }

  return {
    process,
    pid,
    async get(path) {
      const url = `http://127.0.0.1:8000${path}`;
      const curl = ["curl", "--silent", "--max-time", "60", "--write-out", "\n%{http_code}", url];
      const out = await call("nsenter", ["--net", `--target=${await pid()}`, ...curl]);
      const cut = out.lastIndexOf("\n");
      return [Number(out.slice(cut + 1)), out.slice(0, cut)];
    },
    async exec(command) {
      const target = `--target=${await pid()}`;
      const [uid, gid] = image.user.split(":");
      const spaces = ["--mount", "--pid", "--net", "--root", "--wd", "--setuid", uid!, "--setgid"];
      const { code, out, err } = await spawn("nsenter", [
        target,
        ...spaces,
        gid!,
        ...inside(command),
      ]).finished;
      return [code, out + err];
    },
    async stop() {
      const target = await pid();
      const kill = setTimeout(() => Deno.kill(target, "SIGKILL"), 60_000);
      Deno.kill(target, "SIGTERM");
      const { code } = await process.finished;
      clearTimeout(kill);
      return code;
    },
  };
}
