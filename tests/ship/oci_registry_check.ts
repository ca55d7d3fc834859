/** OCI mirrors against a real registry: publish, read, refuse, break. @module */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { hashFile, hashStream } from "../../lib/files/file_facts.ts";
import { type MirrorWorld, openFileMirror } from "../../lib/jobs/open_mirrors.ts";
import { putArtifact } from "../../lib/jobs/put_artifact.ts";
import { syncMirror } from "../../lib/jobs/sync_mirror.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { artifactPath, type Mirror, textBody } from "../../lib/mirror/mirror.ts";
import { CHUNK_BYTES } from "../../lib/mirror/oci_upload.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { manyBytes, NEW, OLD, someBytes, withCopy } from "../helpers/fault_world.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { buildListings, SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { type Registry, type RegistryAuth, withRegistry } from "../helpers/registry.ts";
import { tcpCutter } from "../helpers/tcp_cutter.ts";
import { serveTokens } from "../helpers/token_server.ts";
import { pythonOf } from "../helpers/tool.ts";

const REPOSITORY = "team/bfa";

/** A mirror in a registry, and every request that went there. */
async function mirrorOn(
  host: string,
  options: { env?: Record<string, string>; answer?: (n: number) => Response | undefined } = {},
): Promise<{ mirror: Mirror; sent: string[] }> {
  const sent: string[] = [];
  const world: MirrorWorld = {
    env: (name) => options.env?.[name],
    now: () => new Date(),
    retry: { tries: 3, baseMs: 0, mostMs: 0 },
    async fetch(url, init) {
      sent.push(`${init.method} ${shortOf(url)}`);
      return options.answer?.(sent.length) ?? await fetch(url, init);
    },
  };
  return { mirror: await openFileMirror(`oci://${host}/${REPOSITORY}`, world), sent };
}

function shortOf(url: string): string {
  return new URL(url).pathname.replace(`/v2/${REPOSITORY}/`, "").replace(/sha256:[0-9a-f]+/, "…")
    .replace(/uploads\/.+/, "uploads/…");
}

const bodyOf = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream();

const pathOf = async (bytes: Uint8Array<ArrayBuffer>) =>
  `${(await hashStream(bodyOf(bytes))).sha256}/a.parquet`;

const bytesOf = async (mirror: Mirror, path: string) =>
  await new Response((await mirror.open(path))!.body).bytes();

/** What a tag holds, as any OCI client sees it. */
async function tagged({ url }: Registry, tag: string) {
  const response = await fetch(`${url}/v2/${REPOSITORY}/manifests/${tag}`, {
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  return await response.json();
}

Deno.test("a version in a registry: a tag that any OCI client pulls, files by their names", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(registry.host);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const part = someBytes(5_000, 1);
      const body = await world.publishFiles(NEW, { "parts/a.parquet": part }, { publisher });
      const { tags } = await (await fetch(`${registry.url}/v2/${REPOSITORY}/tags/list`)).json();
      assertEquals(tags.sort(), [NEW, "latest", "manifest-1", "manifest-2", "versions"]);
      const version = await tagged(registry, NEW);
      assertEquals(await tagged(registry, "latest"), version);
      assertEquals([version.schemaVersion, version.artifactType], [
        2,
        "application/vnd.bfa.version.v1",
      ]);
      assertEquals(version.annotations, {
        "org.opencontainers.image.created": body.publishedAt,
        "org.opencontainers.image.version": NEW,
        "org.opencontainers.image.title": "binance-um-daily-availability",
        "bfa.channel": "latest",
        "bfa.sequence": "2",
      });
      // What `oras pull` does: every layer is a file with a title, and its digest is that of its bytes.
      const files: string[] = [];
      for (const { digest, size, annotations } of version.layers) {
        const blob = await (await fetch(`${registry.url}/v2/${REPOSITORY}/blobs/${digest}`))
          .bytes();
        assertEquals([blob.length, `sha256:${(await hashStream(bodyOf(blob))).sha256}`], [
          size,
          digest,
        ]);
        files.push(annotations["org.opencontainers.image.title"]);
      }
      assertEquals(files, ["manifest.json", "listings.json", "parts/a.parquet"]);
      const range = await fetch(
        `${registry.url}/v2/${REPOSITORY}/blobs/${version.layers[2].digest}`,
        {
          headers: { range: "bytes=10-19" },
        },
      );
      assertEquals([range.status, await range.bytes()], [206, part.slice(10, 20)]);
    });
  });
});

Deno.test("ORAS pulls a version: every file under its name, as it was built", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(registry.host);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const part = someBytes(5_000, 1);
      await world.publishFiles(NEW, { "parts/a.parquet": part }, { publisher });
      const code = "import oras.client,sys; " +
        "oras.client.OrasClient(insecure=True).pull(target=sys.argv[1], outdir=sys.argv[2])";
      const out = `${world.dir}/pulled`;
      const { success } = await new Deno.Command(await pythonOf("cfn-lint"), {
        args: ["-c", code, `${registry.host}/${REPOSITORY}:${NEW}`, out],
        stdout: "null",
      }).output();
      assertEquals(success, true);
      assertEquals(await Deno.readFile(`${out}/parts/a.parquet`), part);
      const { layers } = await tagged(registry, NEW);
      for (const [i, name] of ["manifest.json", "listings.json"].entries()) {
        const { sha256 } = await hashFile(`${out}/${name}`);
        assertEquals(layers[i].digest, `sha256:${sha256}`);
      }
    });
  });
});

Deno.test("a client of a registry: 3 requests cold, 1 to learn that nothing is new, ranges without a copy", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(registry.host);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      await world.publishFiles(NEW, { "big.bin": someBytes(5_000, 1) }, { publisher });
      const asked: string[] = [];
      const dataset = await open({
        endpoint: `oci://${registry.host}/${REPOSITORY}`,
        cacheDir: `${world.dir}/reader`,
        now: () => world.clock,
        fetch: async (url, init) => {
          const response = await fetch(url, init);
          asked.push(`${shortOf(url)} ${response.status}`);
          return response;
        },
      });
      assertEquals((await dataset.snapshot("latest")).symbols, ["AAAUSDT", "BBBUSDT", "DDDUSDT"]);
      assertEquals(asked.splice(0), ["manifests/latest 200", "blobs/… 200", "blobs/… 200"]);
      assertEquals((await dataset.refresh()).changed, false);
      assertEquals(asked.splice(0), ["manifests/latest 200"]);
      assertEquals((await dataset.versions()).versions.map(({ version }) => version), [NEW, OLD]);
      assertEquals(asked.splice(0), ["manifests/versions 200", "blobs/… 200"]);
      await dataset.pull(["big.bin"]);
      assertEquals(asked.splice(0), ["blobs/… 200"]);
    });
  });
});

Deno.test("numbers by ranges out of a registry, with no copy: 4 requests, the rows of a plain mirror", async () => {
  await withRegistry(async (registry) => {
    await withPublisher(async (publisher) => {
      const { mirror } = await mirrorOn(registry.host);
      await publishNumbers(publisher, OLD, MANY_LISTINGS);
      const report = await syncMirror([directoryMirror(publisher.mirrorDir)], mirror);
      assertEquals(report.moved, true);
      const asked: string[] = [];
      const dataset = await open({
        endpoint: `oci://${registry.host}/${REPOSITORY}`,
        copy: "none",
        cacheDir: null,
        now: () => publisher.clock,
        fetch: async (url, init) => {
          const response = await fetch(url, init);
          asked.push(`${shortOf(url)} ${response.status}`);
          return response;
        },
      });
      const { count, rows } = await dataset.rows({ day: "2024-02-10" });
      assertEquals([count, rows[0]!.symbol], [62, "S00USDT"]);
      assertEquals(asked, [
        "manifests/latest 200",
        "blobs/… 200",
        "blobs/… 206",
        "blobs/… 206",
      ]);
    });
  });
});

Deno.test("the next version uploads what changed: a HEAD tells that the rest is there", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror, sent } = await mirrorOn(registry.host);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const files = { "same.bin": someBytes(3_000, 1), "other.bin": someBytes(3_000, 2) };
      await world.publishFiles(NEW, files, { publisher });
      sent.length = 0;
      await world.publishFiles("2024-04-02.1", { ...files, "other.bin": someBytes(3_000, 3) }, {
        publisher,
      });
      const uploads = sent.filter((line) => line === "POST blobs/uploads/");
      assertEquals(uploads.length, 4); // listings.json, other.bin, manifest.json, versions.json
    });
  });
});

Deno.test("a large file goes up in chunks, and comes back whole", async () => {
  await withRegistry(async (registry) => {
    const { mirror, sent } = await mirrorOn(registry.host);
    const bytes = manyBytes(2 * CHUNK_BYTES + 5, 3);
    const path = await pathOf(bytes);
    assertEquals(await mirror.digest!(path), null);
    sent.length = 0;
    await mirror.put(path, bodyOf(bytes));
    assertEquals(sent, [
      "POST blobs/uploads/",
      ...["PATCH", "PATCH", "PATCH", "PUT"].map((method) => `${method} blobs/uploads/…`),
    ]);
    assertEquals(await mirror.digest!(path), path.slice(0, 64));
    assertEquals(await mirror.size(path), bytes.length);
    assertEquals(await bytesOf(mirror, path), bytes);
    const file = await mirror.open(path, { start: CHUNK_BYTES - 1, end: CHUNK_BYTES + 1 });
    assertEquals(
      await new Response(file!.body).bytes(),
      bytes.slice(CHUNK_BYTES - 1, CHUNK_BYTES + 2),
    );
  });
});

Deno.test("an upload that is cut is begun again; one that is cut for good leaves nothing", async () => {
  await withRegistry(async (registry) => {
    const cutter = tcpCutter(registry.url);
    const { mirror, sent } = await mirrorOn(new URL(cutter.url).host);
    const bytes = manyBytes(2 * CHUNK_BYTES + 5, 4);
    const path = await pathOf(bytes);
    const [sha256 = ""] = path.split("/");
    const artifact = { name: "a.parquet", sha256, bytes: bytes.length, role: "x", mediaType: "x" };
    cutter.cutAfter = () => CHUNK_BYTES + 5_000_000; // in the second chunk, always
    const put = () => putArtifact(mirror, artifact, () => Promise.resolve(bodyOf(bytes)));
    assertEquals((await assertRejects(put, BfaError)).code, "network");
    assertEquals(sent.filter((line) => line === "POST blobs/uploads/").length, 3);
    cutter.cutAfter = (connection) => connection === cut ? CHUNK_BYTES + 5_000_000 : undefined;
    const cut = cutter.connections + 1;
    assertEquals(await mirror.open(path), undefined);
    sent.length = 0;
    assertEquals(await put(), true);
    assertEquals(sent.filter((line) => line === "POST blobs/uploads/").length, 2);
    assertEquals(await bytesOf(mirror, path), bytes);
    assertEquals(await put(), false);
    await cutter.close();
  });
});

Deno.test("a registry takes no other bytes than the digest says", async () => {
  await withRegistry(async (registry) => {
    const { mirror } = await mirrorOn(registry.host);
    const path = `${"0".repeat(64)}/a.parquet`;
    const error = await assertRejects(() => mirror.put(path, bodyOf(someBytes(100, 1))), BfaError);
    assertEquals(error.code, "integrity");
    assertStringIncludes(error.message, "it received other bytes than were sent");
    assertEquals(await mirror.size(path), undefined);
  });
});

Deno.test("bearer tokens: anybody pulls, the account pushes, a token that ended is got again", async () => {
  const tokens = await serveTokens("publisher:secret");
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const env = { BFA_OCI_USERNAME: "publisher", BFA_OCI_PASSWORD: "secret" };
      const { mirror } = await mirrorOn(registry.host, { env });
      const publisher = { ...world.publisher, mirrors: [mirror] };
      await world.publishFiles(NEW, {}, { publisher });
      // One to read, one to write.
      assertEquals(tokens.asked.splice(0), [
        `publisher repository:${REPOSITORY}:pull`,
        `publisher repository:${REPOSITORY}:pull,push`,
      ]);
      let requests = 0;
      let now = world.clock.getTime();
      const dataset = await open({
        endpoint: `oci://${registry.host}/${REPOSITORY}`,
        cacheDir: null,
        now: () => new Date(now),
        fetch: (url, init) => (requests++, fetch(url, init)),
      });
      assertEquals((await dataset.symbols()).version, NEW);
      assertEquals([tokens.asked.splice(0), requests], [
        [`anybody repository:${REPOSITORY}:pull`],
        5,
      ]);
      await dataset.refresh();
      assertEquals([tokens.asked.length, requests], [0, 6]);
      now += 280_000; // of 300 s
      await dataset.refresh();
      assertEquals([tokens.asked.splice(0).length, requests], [1, 9]);
    });
  }, tokens.auth);
  await tokens.close();
});

const BASIC: RegistryAuth = {
  section: (dir) => `{ htpasswd: { realm: test, path: "${dir}/htpasswd" } }`,
  prepare: (dir) => Deno.writeTextFile(`${dir}/htpasswd`, `publisher:${BCRYPT}\n`),
};

/** Of `secret`, as `htpasswd -B` makes it. */
const BCRYPT = "$2a$05$29j25X9S9IDYbUQlnxhZw.BtWxWGX4YUOtAOR3rjNjPoutZtzPNEy";

Deno.test("a private registry with passwords: from the environment, or where docker login wrote it", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const env = { BFA_OCI_USERNAME: "publisher", BFA_OCI_PASSWORD: "secret" };
      const { mirror } = await mirrorOn(registry.host, { env });
      await world.publishFiles(NEW, {}, { publisher: { ...world.publisher, mirrors: [mirror] } });
      const endpoint = `oci://${registry.host}/${REPOSITORY}`;
      const auth = btoa("publisher:secret");
      const files = {
        "/home/x/.docker/config.json": JSON.stringify({ auths: { [registry.host]: { auth } } }),
      };
      const own = { HOME: "/home/x", BFA_CACHE_DIR: `${world.dir}/c` };
      const read = await bfa(["snapshot", "latest", "--endpoint", endpoint, "-q"], {
        env: own,
        files,
      });
      assertEquals([read.code, read.out], [0, "AAAUSDT\nBBBUSDT\nDDDUSDT\n"]);
      const stranger = { HOME: "/home/y", BFA_CACHE_DIR: `${world.dir}/d` };
      const refused = await bfa(["snapshot", "latest", "--endpoint", endpoint, "-q"], {
        env: stranger,
      });
      assertEquals([refused.code, refused.err], [
        2,
        `bfa: Cannot use ${endpoint}: it needs a login: run \`docker login ${registry.host}\`, or set BFA_OCI_USERNAME and BFA_OCI_PASSWORD (401: UNAUTHORIZED)\n`,
      ]);
    });
  }, BASIC);
});

Deno.test("what a registry refuses: one line, the right exit code, and nothing is published", async (t) => {
  const tokens = await serveTokens("publisher:secret");
  await withRegistry(async (registry) => {
    const dir = await Deno.makeTempDir({ prefix: "bfa-oci-" });
    const own = { BFA_DATA_DIR: `${dir}/data`, HOME: dir };
    await bfa(["keys", "new"], { env: own });
    const build = await buildListings(`${dir}/build`, NEW, SMALL_LISTINGS);
    await Deno.writeTextFile(`${dir}/build/build.json`, JSON.stringify(build));
    const place = `oci://${registry.host}/${REPOSITORY}`;
    const cases: {
      what: string;
      env: Record<string, string>;
      place?: string;
      exit: number;
      says: string;
    }[] = [
      {
        what: "no login",
        env: {},
        exit: 2,
        says:
          `Cannot use ${place}: it needs a login: run \`docker login ${registry.host}\`, or set BFA_OCI_USERNAME and BFA_OCI_PASSWORD (401: UNAUTHORIZED)`,
      },
      {
        what: "a wrong password",
        env: { BFA_OCI_USERNAME: "publisher", BFA_OCI_PASSWORD: "wrong" },
        exit: 2,
        says:
          `Cannot use ${place}: ${registry.host} does not accept the login; check it, or log in again (401: UNAUTHORIZED)`,
      },
      {
        what: "half of a login",
        env: { BFA_OCI_USERNAME: "publisher" },
        exit: 2,
        says: `Cannot log in to ${registry.host}: BFA_OCI_PASSWORD is not set`,
      },
      {
        what: "no name of a repository",
        env: {},
        place: `oci://${registry.host}/Team`,
        exit: 2,
        says: `Cannot use "oci://${registry.host}/Team": write oci://HOST/REPOSITORY`,
      },
      {
        what: "nobody there",
        env: {},
        place: "oci://127.0.0.1:1/team/bfa",
        exit: 6,
        says: "Cannot reach 127.0.0.1:1 for oci://127.0.0.1:1/team/bfa",
      },
    ];
    for (const one of cases) {
      await t.step(one.what, async () => {
        const called = await bfa(["publish", `${dir}/build`, "--mirror", one.place ?? place], {
          env: { ...own, ...one.env },
        });
        assertEquals([called.code, called.out, called.err], [one.exit, "", `bfa: ${one.says}\n`]);
        assertEquals(
          await exists(
            `${registry.store}/docker/registry/v2/repositories/${REPOSITORY}/_manifests`,
          ),
          false,
        );
      });
    }
    await Deno.remove(dir, { recursive: true });
  }, tokens.auth);
  await tokens.close();
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("a registry without a blob: readers take the next mirror's; verify says which, sync brings it back", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(registry.host);
      const other = serveMirror(world.mirrorDir);
      const place = `oci://${registry.host}/${REPOSITORY}`;
      const publisher = {
        ...world.publisher,
        mirrors: [mirror, ...world.publisher.mirrors],
        mirrorUrls: [other.url],
      };
      const { artifacts } = await world.publishFiles(NEW, {}, { publisher });
      await registry.removeBlob(artifacts[0]!.sha256);
      const dataset = await open({ endpoint: place, cacheDir: null, now: () => world.clock });
      assertEquals((await dataset.symbols()).version, NEW);
      assertEquals(other.take().map((line) => line.split(" ")[0]), ["listings.json"]);

      const env = { HOME: world.dir };
      const verified = await bfa(["mirror", "verify", "--mirror", place], { env });
      assertEquals(verified.code, 5);
      assertStringIncludes(verified.out, `\tnot_found\tno listings.json on ${place}\n`);
      const synced = await bfa(["mirror", "sync", "--from", world.mirrorDir, "--to", place, "-q"], {
        env,
      });
      assertEquals([synced.code, synced.err], [0, ""]);
      assertStringIncludes(synced.out, `${NEW}: 1 of 1 copied`);
      assertEquals((await bfa(["mirror", "verify", "--mirror", place], { env })).code, 0);
      await other.close();
    });
  });
});

Deno.test("a reader of a registry without a blob and without another mirror: one line, exit code 6", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror } = await mirrorOn(registry.host);
      const publisher = { ...world.publisher, mirrors: [mirror] };
      const { artifacts } = await world.publishFiles(NEW, {}, { publisher });
      await registry.removeBlob(artifacts[0]!.sha256);
      const place = `oci://${registry.host}/${REPOSITORY}`;
      const env = { HOME: world.dir, BFA_CACHE_DIR: `${world.dir}/c` };
      const read = await bfa(["snapshot", "latest", "--endpoint", place, "-q"], { env });
      assertEquals([read.code, read.err], [
        6,
        `bfa: Cannot fetch ${place}/${artifactPath(artifacts[0]!)}: the server answered 404\n`,
      ]);
      const nothing = await bfa(["snapshot", "latest", "--endpoint", `${place}/other`, "-q"], {
        env,
      });
      assertEquals([nothing.code, nothing.err], [
        3,
        `bfa: no manifest of channel latest at ${place}/other/\n`,
      ]);
    });
  });
});

Deno.test("an older version synced later gets its tag; the pointer stays", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      await world.publishFiles(NEW, {});
      const place = `oci://${registry.host}/${REPOSITORY}`;
      const sync = async (...args: string[]) => {
        const call = ["mirror", "sync", ...args, "--from", world.mirrorDir, "--to", place, "-q"];
        return (await bfa(call, { env: { HOME: world.dir } })).out;
      };
      const tags = async () =>
        (await (await fetch(`${registry.url}/v2/${REPOSITORY}/tags/list`)).json()).tags.sort();
      assertStringIncludes(await sync(), "2 manifests written; latest moved\n");
      assertEquals(await tags(), [NEW, "latest", "manifest-1", "manifest-2", "versions"]);
      const before = await tagged(registry, "latest");
      assertStringIncludes(await sync(OLD), "0 manifests written; latest stays\n");
      assertEquals(await tags(), [OLD, NEW, "latest", "manifest-1", "manifest-2", "versions"]);
      assertEquals(await tagged(registry, "latest"), before);
      const dataset = await open({ endpoint: place, version: OLD, cacheDir: null });
      assertEquals((await dataset.symbols()).version, OLD);
    });
  });
});

Deno.test("429 is waited for, as long as it asks", async () => {
  await withRegistry(async (registry) => {
    const { mirror, sent } = await mirrorOn(registry.host, {
      answer: (n) =>
        n === 1 ? new Response(null, { status: 429, headers: { "retry-after": "0" } }) : undefined,
    });
    assertEquals(await mirror.open("manifest.json"), undefined);
    assertEquals(sent.length, 2);
    const slow = await mirrorOn(registry.host, {
      answer: () => new Response(null, { status: 429, headers: { "retry-after": "7200" } }),
    });
    const error = await assertRejects(
      () => slow.mirror.put("versions.json", textBody("{}")),
      BfaError,
    );
    assertEquals([error.code, slow.sent.length], ["limit", 1]);
  });
});
