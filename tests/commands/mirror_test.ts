import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { formatManifest } from "../../lib/core/manifest.ts";
import { renew } from "../../lib/jobs/publish.ts";
import { newSecretKey, signer, signManifest } from "../../lib/manifest/signature.ts";
import { bfa } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { type CopyWorld, NEW, OLD, someBytes, withCopy } from "../helpers/fault_world.ts";

interface World extends CopyWorld {
  /** Calls `bfa mirror`. */
  mirror(...args: string[]): Promise<{ code: number; out: string; err: string }>;
  /** A folder that is empty at first. */
  readonly target: string;
}

/** Two versions on a mirror in a folder. */
async function withVersions(test: (world: World) => Promise<void>): Promise<void> {
  await withCopy(async (base) => {
    await base.publishFiles(NEW, { "parts/a.parquet": someBytes(500, 1) });
    const target = join(base.dir, "target");
    await test(Object.assign(base, {
      target,
      async mirror(...args: string[]) {
        const { code, out, err } = await bfa(["mirror", ...args], { env: { HOME: base.dir } });
        return { code, out: out.replaceAll(base.dir, "DIR"), err: err.replaceAll(base.dir, "DIR") };
      },
    }));
  });
}

async function filesIn(dir: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (!isDirectory) files.push(name);
    else files.push(...(await filesIn(join(dir, name))).map((file) => `${name}/${file}`));
  }
  return files.map((file) => file.replace(/^[0-9a-f]{64}/, "…")).sort();
}

/** The text of every file, by its path. */
async function textsIn(dir: string): Promise<Record<string, string>> {
  const entries = await Array.fromAsync(
    walk(dir),
    async (path) => [path, await Deno.readTextFile(path)],
  );
  return Object.fromEntries(entries);
}

async function* walk(dir: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (isDirectory) yield* walk(join(dir, name));
    else yield join(dir, name);
  }
}

Deno.test("sync brings the newest version over, and all manifests; then there is nothing to do", async () => {
  await withVersions(async ({ mirror, mirrorDir, target }) => {
    assertEquals(await mirror("sync", "--from", mirrorDir, "--to", target), {
      code: 0,
      out: `${NEW}: 2 of 2 copied, 960 B\n2 manifests written; latest moved\n`,
      err: `${NEW}  listings.json  460 B\n${NEW}  parts/a.parquet  500 B\n`,
    });
    assertEquals(await filesIn(target), [
      "manifest.json",
      "manifests/1.json",
      "manifests/2.json",
      "versions.json",
      "…/listings.json",
      "…/parts/a.parquet",
    ]);
    const list = JSON.parse(await Deno.readTextFile(join(target, "versions.json")));
    assertEquals(list.versions.map(({ version }: { version: string }) => version), [NEW]);
    assertEquals(list.channels, { latest: { sequence: 2, version: NEW } });
    const again = await mirror("sync", "--from", mirrorDir, "--to", target);
    assertEquals([again.out, again.err], [
      `${NEW}: 0 of 2 copied, 0 B\n0 manifests written; latest stays\n`,
      "",
    ]);
  });
});

Deno.test("sync takes a version by name, or all of them; the list says what is there", async () => {
  await withVersions(async ({ mirror, mirrorDir, target }) => {
    const { out } = await mirror("sync", OLD, "--from", mirrorDir, "--to", target, "-q");
    assertEquals(out, `${OLD}: 1 of 1 copied, 424 B\n2 manifests written; latest stays\n`);
    assertEquals((await filesIn(target)).includes("manifest.json"), false);
    const all = await mirror("sync", "--all", "--from", mirrorDir, "--to", target, "--json", "-q");
    assertEquals(JSON.parse(all.out), {
      from: "DIR/mirror",
      to: "DIR/target",
      moved: true,
      manifests: 0,
      versions: [
        { version: NEW, had: 0, copied: 2, bytes: 960 },
        { version: OLD, had: 1, copied: 0, bytes: 0 },
      ],
    });
    const { out: table } = await mirror("list", "--mirror", target, "--mirror", mirrorDir);
    assertEquals(table, `DIR/target\t${NEW}\t2\t2\t960\tok\nDIR/mirror\t${NEW}\t2\t2\t960\tok\n`);
  });
});

Deno.test("sync reads what one source has lost, or has damaged, from the next; no source: nothing moves", async () => {
  await withVersions(async ({ mirror, mirrorDir, target, publisher, dir }) => {
    const { artifacts } = (await publisher.store.bySequence(2))!.manifest.signed;
    const [listings, part] = artifacts.map((a) => artifactPath(a));
    await mirror("sync", "--from", mirrorDir, "--to", `${dir}/spare`, "-q");
    await Deno.remove(join(mirrorDir, listings!));
    await Deno.writeFile(join(mirrorDir, part!), someBytes(500, 2));
    const failed = await mirror("sync", "--from", mirrorDir, "--to", target, "-q");
    assertEquals([failed.code, failed.err], [3, `bfa: no ${listings} on DIR/mirror\n`]);
    const spare = ["--from", mirrorDir, "--from", `${dir}/spare`];
    const synced = await mirror("sync", ...spare, "--to", target, "-q");
    assertEquals(synced.out, `${NEW}: 2 of 2 copied, 960 B\n2 manifests written; latest moved\n`);
    assertEquals((await mirror("verify", "--mirror", target)).code, 0);
    // What is damaged alone is never copied.
    await Deno.remove(target, { recursive: true });
    await Deno.copyFile(join(dir, "spare", listings!), join(mirrorDir, listings!));
    const damaged = await mirror("sync", "--from", mirrorDir, "--to", target, "-q");
    assertEquals(damaged.code, 5);
    assertStringIncludes(
      damaged.err,
      'Cannot use "parts/a.parquet of DIR/mirror": its SHA-256 is ',
    );
    assertEquals(await filesIn(target), ["…/listings.json"]);
  });
});

Deno.test("sync repairs what verify finds: the list, an older manifest that is damaged or gone, the pointer", async () => {
  await withVersions(async ({ mirror, mirrorDir, target }) => {
    const all = ["--all", "--from", mirrorDir, "--to", target, "-q"];
    await mirror("sync", ...all);
    const whole = await textsIn(target);
    const file = (name: string) => join(target, name);
    const damages: [found: string, damage: () => Promise<unknown>][] = [
      ["versions.json", () => Deno.writeTextFile(file("versions.json"), "<html>")],
      ["versions.json", () => Deno.writeTextFile(file("versions.json"), '{"versions":[null]}')],
      [`version ${OLD}`, () => Deno.writeTextFile(file("manifests/1.json"), "{}")],
      [`version ${OLD}`, () => Deno.remove(file("manifests/1.json"))],
      ["manifest.json", () => Deno.writeTextFile(file("manifests/2.json"), "{}")],
    ];
    for (const [found, damage] of damages) {
      await damage();
      const { code, out } = await mirror("verify", "--all", "--mirror", target);
      assertEquals([code, out.split("\t")[1]], [5, found]);
      assertEquals((await mirror("sync", ...all)).code, 0);
      assertEquals(await textsIn(target), whole);
    }
    await Deno.writeTextFile(file("manifest.json"), "{}");
    assertEquals((await mirror("verify", "--mirror", target)).code, 5);
    assertStringIncludes((await mirror("sync", ...all)).out, "latest moved");
    assertEquals(await textsIn(target), whole);
  });
});

Deno.test("sync brings no version that none of the trusted keys signed, whatever the source lists", async () => {
  await withVersions(async ({ mirror, mirrorDir, target, publisher }) => {
    const [own] = publisher.signers;
    const path = join(mirrorDir, "manifests", "1.json");
    const { signed } = JSON.parse(await Deno.readTextFile(path));
    const stranger = await signer(await newSecretKey());
    await Deno.writeTextFile(path, formatManifest(await signManifest(signed, [stranger])));
    const keys = ["--trusted-keys", own!.keyId];
    const all = await mirror("sync", "--all", "--from", mirrorDir, "--to", target, ...keys, "-q");
    assertEquals(all.code, 5);
    assertStringIncludes(all.err, `Cannot accept manifest 1 (${OLD}): none of the trusted keys`);
    assertEquals(await Deno.stat(target).catch(() => "nothing"), "nothing");
    const newest = await mirror("sync", "--from", mirrorDir, "--to", target, ...keys, "-q");
    assertEquals(newest.code, 0);
  });
});

Deno.test("sync and verify of all versions read the list once", async () => {
  await withVersions(async ({ mirror, mirrorDir, target }) => {
    const server = serveMirror(mirrorDir);
    await mirror("verify", "--all", "--mirror", server.url);
    const lists = () => server.take().filter((line) => line.startsWith("versions.json")).length;
    assertEquals(lists(), 1);
    await mirror("sync", "--all", "--from", server.url, "--to", target, "-q");
    assertEquals(lists(), 2); // which versions there are; in the end, what the target's list says of them
    await server.close();
  });
});

Deno.test("sync goes neither back nor to a stranger's key", async () => {
  await withVersions(async (world) => {
    const { mirror, mirrorDir, target, publisher, forge } = world;
    await mirror("sync", "--from", mirrorDir, "--to", target, "-q");
    await renew({ ...publisher });
    const ahead = await mirror("sync", "--from", target, "--to", mirrorDir);
    assertEquals([ahead.code, ahead.err], [
      5,
      "bfa: Cannot sync from DIR/target: it is at manifest 2, the target at 3 already\n",
    ]);
    const stranger = await signer(await newSecretKey());
    await forge({}, [stranger]);
    const forged = await mirror("sync", "--from", mirrorDir, "--to", target);
    assertEquals(forged.code, 5);
    assertStringIncludes(forged.err, "none of the trusted keys signed it");
    const keys = ["--trusted-keys", stranger.keyId];
    const told = await mirror("sync", "--from", mirrorDir, "--to", `${target}2`, ...keys, "-q");
    assertEquals(told.code, 0);
  });
});

Deno.test("sync follows a change of keys that the manifests between announce", async () => {
  await withVersions(async ({ mirror, mirrorDir, target, publisher }) => {
    await mirror("sync", "--from", mirrorDir, "--to", target, "-q");
    const next = await signer(await newSecretKey());
    await renew(publisher, { nextKeys: [next.keyId] });
    await renew({ ...publisher, signers: [...publisher.signers, next] });
    await renew({ ...publisher, signers: [next, ...publisher.signers] });
    const { out } = await mirror("sync", "--from", mirrorDir, "--to", target, "-q");
    assertEquals(out, `${NEW}: 0 of 2 copied, 0 B\n3 manifests written; latest moved\n`);
  });
});

Deno.test("sync reads a plain mirror over HTTP too, but writes to none", async () => {
  await withVersions(async ({ mirror, mirrorDir, target }) => {
    const server = serveMirror(mirrorDir);
    const { out } = await mirror("sync", "--from", server.url, "--to", target, "-q");
    assertEquals(out, `${NEW}: 2 of 2 copied, 960 B\n2 manifests written; latest moved\n`);
    const refused = await mirror("sync", "--from", mirrorDir, "--to", server.url);
    assertEquals([refused.code, refused.err], [
      2,
      `bfa: Cannot use ${server.url}: give a folder, s3://BUCKET/PREFIX, oci://HOST/REPOSITORY or github:OWNER/REPO\n`,
    ]);
    await server.close();
  });
});

Deno.test("verify reads everything back, and names each file that is wrong; exit code 5", async () => {
  await withVersions(async ({ mirror, mirrorDir, publisher }) => {
    const good = await mirror("verify", "--all", "--mirror", mirrorDir, "--json");
    assertEquals([good.code, JSON.parse(good.out)], [0, {
      sound: true,
      mirrors: [{
        mirror: "DIR/mirror",
        versions: [NEW, OLD],
        artifacts: 3,
        bytes: 1384,
        faults: [],
      }],
    }]);
    const { artifacts } = (await publisher.store.bySequence(2))!.manifest.signed;
    const [listings, part] = artifacts.map((a) => artifactPath(a));
    await Deno.remove(join(mirrorDir, dirname(listings!)), { recursive: true });
    await Deno.writeFile(join(mirrorDir, part!), someBytes(500, 2));
    await Deno.remove(join(mirrorDir, "manifests", "1.json"));
    const { code, out, err } = await mirror("verify", "--all", "--mirror", mirrorDir);
    assertEquals([code, err], [
      5,
      "bfa: Cannot rely on DIR/mirror: 3 faults; `bfa mirror sync` from a sound one repairs it\n",
    ]);
    const rows = out.trim().split("\n").map((line) => line.split("\t").slice(1, 3).join(" "));
    assertEquals(
      rows.sort(),
      [
        `${listings!.slice(0, 8)}…/listings.json not_found`,
        `${part!.slice(0, 8)}…/parts/a.parquet integrity`,
        `version ${OLD} integrity`,
      ].sort(),
    );
  });
});

Deno.test("verify tells a pointer that is not of the history, and a stranger's key", async () => {
  await withVersions(async ({ mirror, mirrorDir, forge }) => {
    const stranger = await signer(await newSecretKey());
    await forge({ rows: 7 }, [stranger]);
    const { code, out } = await mirror("verify", "--mirror", mirrorDir);
    assertEquals(code, 5);
    assertStringIncludes(
      out,
      "manifest.json\tintegrity\tCannot use manifest.json: manifests/2.json differs from it",
    );
    const key = (await signer(await newSecretKey())).keyId;
    const told = await mirror("verify", "--mirror", mirrorDir, "--trusted-keys", key);
    assertStringIncludes(told.out, "manifests/2.json\tuntrusted\t");
  });
});

Deno.test("list says what each mirror has, and what is wrong with it; what cannot be read is a line too", async () => {
  await withVersions(async ({ mirror, mirrorDir, publisher }) => {
    const { artifacts } = (await publisher.store.bySequence(2))!.manifest.signed;
    await Deno.remove(join(mirrorDir, artifactPath(artifacts[1]!)));
    const places = ["--mirror", mirrorDir, "--mirror", "DIR/nothing", "--mirror", "ftp://x"];
    const { code, out, err } = await mirror("list", ...places);
    assertEquals(err, "bfa: Cannot rely on DIR/mirror, DIR/nothing, ftp://x: see the list\n");
    assertEquals([code, out], [
      5,
      `DIR/mirror\t${NEW}\t2\t2\t960\t1 fault: Cannot find ${
        artifactPath(artifacts[1]!)
      } on the mirror\n` +
      "DIR/nothing\t\t\t\t\tno manifest on DIR/nothing: nothing was published there\n" +
      "ftp://x\t\t\t\t\tCannot use ftp://x: give a folder, s3://BUCKET/PREFIX, oci://HOST/REPOSITORY or github:OWNER/REPO\n",
    ]);
    assertEquals((await mirror("list", "--mirror", "DIR/nothing")).code, 3);
    assertEquals((await mirror("list", "--mirror", "ftp://x")).code, 2);
  });
});

Deno.test("what cannot be understood is refused with exit code 2", async () => {
  for (
    const args of [
      ["sync"],
      ["sync", "--from", "a"],
      ["copy"],
      ["verify", NEW, "--all"],
      ["list", NEW],
      ["sync", "--from", "a", "--to", "github:a/b"],
    ]
  ) {
    assertEquals((await bfa(["mirror", ...args], { env: { HOME: "/x" } })).code, 2, args.join(" "));
  }
});
