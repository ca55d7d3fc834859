/**
 * The portable executable, made and run here: on a machine that has nothing, and where its unpacking goes wrong.
 * Wants Linux with `unshare` and `ip`, and to be root: it takes the network away and mounts small disks.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { runProgram } from "../../scripts/run_program.ts";
import { makePortable } from "../../scripts/portable.ts";
import { emptyMachine } from "./smoke.ts";

const VERSION = { code: 0, out: `bfa ${config.version}\n`, err: "" };

Deno.test("the portable executable", async (t) => {
  const dist = await Deno.makeTempDir({ prefix: "bfa-portable-" });
  try {
    const file = await makePortable(dist);

    await t.step("passes the smoke test without a network", async () => {
      const smoke = `ip link set lo up && exec "$0" run -A tests/ship/smoke.ts ${file}`;
      const args = ["--net", "sh", "-c", smoke, Deno.execPath()];
      assertStringIncludes((await runProgram("unshare", args)).out, "smoke test: ok");
    });

    await t.step("unpacks once when four first runs meet", async () => {
      await using machine = await emptyMachine();
      const runs = Array.from({ length: 4 }, () => machine.run([file, "--version"]));
      assertEquals(await Promise.all(runs), [VERSION, VERSION, VERSION, VERSION]);
      assertEquals((await programs(machine.home)).length, 1);
    });

    await t.step("starts after a first run was killed while it unpacked", async () => {
      await using machine = await emptyMachine();
      // A tar that unpacks a part of what it reads, then kills the script, which waits for it in a subshell.
      const tar = `${machine.home}/bin/tar`;
      const real = await Deno.readLink(tar);
      await Deno.remove(tar);
      const half = `#!/bin/sh
head -c 20000000 | ${real} "$@" 2>/dev/null
read -r _ _ _ script _ <"/proc/$PPID/stat"
kill -9 "$script" "$PPID"
`;
      await Deno.writeTextFile(tar, half, { mode: 0o755 });
      const killed = await machine.run([file, "--version"]);
      assertEquals([killed.code, killed.out], [137, ""]);
      const [left] = await programs(machine.home);
      assert(left!.startsWith("new."), left);

      await Deno.remove(tar);
      await Deno.symlink(real, tar);
      assertEquals(await machine.run([file, "--version"]), VERSION);
      assertEquals((await programs(machine.home)).length, 2, "another first run may be at work");

      // What is two days old is nobody's; the next first run, of any version, removes it.
      const folder = `${machine.home}/.cache/bfa/program`;
      const longAgo = new Date(Date.now() - 2 * 86_400_000);
      await Deno.utime(`${folder}/${left}`, longAgo, longAgo);
      const [whole] = (await programs(machine.home)).filter((name) => name !== left);
      await Deno.remove(`${folder}/${whole}`, { recursive: true });
      assertEquals(await machine.run([file, "--version"]), VERSION);
      assertEquals(await programs(machine.home), [whole]);
    });

    await t.step("says in one line why it cannot unpack, and leaves nothing behind", async () => {
      await using machine = await emptyMachine(["mount", "unshare"]);
      const { home } = machine;
      await Deno.writeTextFile(`${home}/file`, "");
      const [cut, odd] = [`${home}/cut`, `${home}/with space`];
      const whole = await Deno.readFile(file);
      await Deno.writeFile(cut, whole.subarray(0, whole.length - 1_000_000), { mode: 0o755 });
      await Deno.mkdir(`${home}/disk`);
      const onDisk = (options: string, env: string) => [
        ...["unshare", "--mount", "sh", "-c"],
        `mount -t tmpfs -o ${options} none ${home}/disk && BFA_CACHE_DIR=${env} exec ${file} --version`,
      ];
      const cases: [program: string[], env: Record<string, string>, says: string][] = [
        [
          [file, "--version"],
          { BFA_CACHE_DIR: "/proc/bfa" },
          "/proc/bfa/program cannot be written",
        ],
        [
          [file, "--version"],
          { BFA_CACHE_DIR: `${home}/file` },
          "cannot be written; set BFA_CACHE_DIR",
        ],
        [[file, "--version"], { HOME: "" }, "set BFA_CACHE_DIR or HOME"],
        [[cut, "--version"], {}, "this file is damaged"],
        [onDisk("size=40m", `${home}/disk`), {}, "the disk is full"],
        [onDisk("noexec", `${home}/disk`), {}, "may not be run"],
      ];
      for (const [program, env, says] of cases) {
        const { code, out, err } = await machine.run(program, env);
        assertEquals([says, code, out, err.trim().split("\n").length], [says, 8, "", 1], err);
        assertStringIncludes(err, says);
        assertEquals(err.startsWith("bfa: Cannot start: "), true, err);
      }
      assertEquals(await programs(home), []);

      const spaced = await machine.run([file, "--version"], { BFA_CACHE_DIR: odd });
      assertEquals(spaced, VERSION, "a folder's name may have a space");
    });
  } finally {
    await Deno.remove(dist, { recursive: true });
  }
});

/** What is in the folder of unpacked programs, besides Deno's own cache. */
async function programs(home: string): Promise<string[]> {
  const folder = Deno.readDir(`${home}/.cache/bfa/program`);
  const names = await Array.fromAsync(folder, ({ name }) => name).catch(() => []);
  return names.filter((name) => name !== "deno").sort();
}
