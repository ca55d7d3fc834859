/**
 * The lowest layer: what of Debian the program needs.
 *
 * @module
 */

import type { Arch } from "./document.ts";
import { USER } from "./document.ts";
import { runProgram } from "../run_program.ts";

/** Debian's stable release. */
const SUITE = "trixie";

/** The C and C++ libraries for Deno and DuckDB, and a shell that can limit a child's memory. */
const PACKAGES = ["base-files", "libc6", "libstdc++6", "busybox-static"];

/** Of the packages, what nobody reads in a container; licences stay. */
const LEFT_OUT = [
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/lib/*/gconv/*",
];

/** What belongs to the machine that the image is made on, and to apt. */
const NOT_OURS = [
  "./dev/*",
  "./etc/hostname",
  "./etc/resolv.conf",
  "./etc/fstab",
  "./etc/apt",
  "./etc/dpkg",
  "./var/cache/apt",
  "./var/lib/apt",
  "./var/lib/dpkg",
  "./var/log/apt",
];

/** Names under which the shell's program is called. */
const APPLETS = ["sh", "cat", "df", "env", "free", "id", "ls", "nproc", "ps", "renice", "wget"];

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/root:/bin/sh\nbfa:x:${USER}:${USER}:bfa:/tmp:/bin/sh\n`,
  "etc/group": `root:x:0:\nbfa:x:${USER}:\n`,
  "etc/nsswitch.conf": "hosts: files dns\n",
};

/** Enough of it for SQL's children: busybox can only change a process that runs. */
const NICE = `#!/bin/sh
# nice -n N PROGRAM …
renice -n "$2" -p $$ >/dev/null
shift 2
exec "$@"
`;

/** Makes the root of the file system for a processor; needs neither root nor that processor. */
export async function makeBase(arch: Arch, root: string): Promise<void> {
  const tar = `${root}.tar`;
  await runProgram("mmdebstrap", [
    "--quiet",
    "--variant=extract",
    `--architectures=${arch}`,
    `--include=${PACKAGES.join(",")}`,
    ...LEFT_OUT.map((option) => `--dpkgopt=${option}`),
    SUITE,
    tar,
  ]);
  await Deno.mkdir(root, { recursive: true });
  await runProgram("tar", [
    "--extract",
    "--preserve-permissions",
    "--no-same-owner",
    `--directory=${root}`,
    ...NOT_OURS.map((path) => `--exclude=${path}`),
    `--file=${tar}`,
  ]);
  await Deno.remove(tar);
  for (const [path, text] of Object.entries(FILES)) {
    await Deno.writeTextFile(`${root}/${path}`, text);
    await Deno.chmod(`${root}/${path}`, 0o644);
  }
  for (const name of APPLETS) await Deno.symlink("busybox", `${root}/usr/bin/${name}`);
  await Deno.writeTextFile(`${root}/usr/bin/nice`, NICE);
  await Deno.chmod(`${root}/usr/bin/nice`, 0o755);
}
