/** OCI mirrors against a real registry: publish, pull, read, sync. @module */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { hashFile, hashStream } from "../../lib/files/file_facts.ts";
import { syncMirror } from "../../lib/jobs/sync_mirror.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { bodyOf } from "../helpers/counted_mirror.ts";
import { NEW, OLD, someBytes, withCopy } from "../helpers/fault_world.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";
import {
  ociMirrorOn,
  type Registry,
  REPOSITORY,
  shortOf,
  withRegistry,
} from "../helpers/registry.ts";
import { pythonOf } from "../helpers/tool.ts";

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
      const { mirror } = await ociMirrorOn(registry.host);
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
      const { mirror } = await ociMirrorOn(registry.host);
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
      const { mirror } = await ociMirrorOn(registry.host);
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
      const { mirror } = await ociMirrorOn(registry.host);
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
      const { mirror, sent } = await ociMirrorOn(registry.host);
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
