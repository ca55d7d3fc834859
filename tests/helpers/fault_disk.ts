/** Disks that are small, full or read-only, as real file systems. @module */

import { join } from "@std/path";

/** A mounted file system. */
export interface SmallDisk {
  readonly dir: string;
  /** Writes until the disk is full, except for this many pages of 4 KiB. */
  fill(leavePages?: number): Promise<void>;
  /** Makes room again. */
  empty(): Promise<void>;
  /** Refuses all writes from now on, or takes them again. */
  readOnly(on: boolean): Promise<void>;
}

/** Whether file systems can be mounted here: root on Linux, outside strict containers. */
export const canMount: boolean = await mounts();

/** Runs a test with a disk of 64 KiB, or of another size. */
export async function withSmallDisk(
  test: (disk: SmallDisk) => Promise<void>,
  size = "64k",
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-disk-" });
  const filler = join(dir, "filler");
  await run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir);
  try {
    await test({
      dir,
      async fill(leavePages = 0) {
        using file = await Deno.open(filler, { create: true, append: true });
        const page = new Uint8Array(4096);
        let pages = 0;
        try {
          while (await file.write(page) === page.length) pages++;
        } catch {
          // full
        }
        await file.truncate(Math.max(0, pages - leavePages) * page.length);
      },
      empty: () => Deno.remove(filler),
      readOnly: (on) => run("mount", "-o", on ? "remount,ro" : "remount,rw", dir),
    });
  } finally {
    await run("umount", "-l", dir);
    await Deno.remove(dir);
  }
}

/** Damages a file in place: flips one bit of its middle byte. */
export async function flipBit(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = bytes[middle]! ^ 1;
  await Deno.writeFile(path, bytes);
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
}

async function mounts(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  return await withSmallDisk(() => Promise.resolve()).then(() => true, () => false);
}
