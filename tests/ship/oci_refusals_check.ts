/** Logging in to a real registry, and what one refuses or has lost. @module */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { artifactPath, textBody } from "../../lib/mirror/mirror.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { NEW, withCopy } from "../helpers/fault_world.ts";
import { assertRefusals, type Refusal } from "../helpers/refusals.ts";
import { ociMirrorOn, type RegistryAuth, REPOSITORY, withRegistry } from "../helpers/registry.ts";
import { serveTokens } from "../helpers/token_server.ts";

Deno.test("bearer tokens: anybody pulls, the account pushes, a token that ended is got again", async () => {
  const tokens = await serveTokens("publisher:secret");
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const env = { BFA_OCI_USERNAME: "publisher", BFA_OCI_PASSWORD: "secret" };
      const { mirror } = await ociMirrorOn(registry.host, { env });
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
      const { mirror } = await ociMirrorOn(registry.host, { env });
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
    const place = `oci://${registry.host}/${REPOSITORY}`;
    const refusals: readonly Refusal[] = [
      {
        what: "no login",
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
        place: `oci://${registry.host}/Team`,
        exit: 2,
        says: `Cannot use "oci://${registry.host}/Team": write oci://HOST/REPOSITORY`,
      },
      {
        what: "nobody there",
        place: "oci://127.0.0.1:1/team/bfa",
        exit: 6,
        says:
          "Cannot reach 127.0.0.1:1 for oci://127.0.0.1:1/team/bfa: no answer, or the connection broke; run the same command again",
      },
    ];
    await assertRefusals(t, refusals, { env: {}, place, left: registry.tags });
  }, tokens.auth);
  await tokens.close();
});

Deno.test("a registry without a blob: readers take the next mirror's; verify says which, sync brings it back", async () => {
  await withRegistry(async (registry) => {
    await withCopy(async (world) => {
      const { mirror } = await ociMirrorOn(registry.host);
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
      const { mirror } = await ociMirrorOn(registry.host);
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

Deno.test("429 is waited for, as long as it asks", async () => {
  await withRegistry(async (registry) => {
    const { mirror, sent } = await ociMirrorOn(registry.host, {
      answer: (n) =>
        n === 1 ? new Response(null, { status: 429, headers: { "retry-after": "0" } }) : undefined,
    });
    assertEquals(await mirror.open("manifest.json"), undefined);
    assertEquals(sent.length, 2);
    const slow = await ociMirrorOn(registry.host, {
      answer: () => new Response(null, { status: 429, headers: { "retry-after": "7200" } }),
    });
    const error = await assertRejects(
      () => slow.mirror.put("versions.json", textBody("{}")),
      BfaError,
    );
    assertEquals([error.code, slow.sent.length], ["limit", 1]);
  });
});
