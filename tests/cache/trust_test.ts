import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { ManifestBody } from "../../lib/core/manifest.ts";
import { renew } from "../../lib/jobs/publish.ts";
import { newSecretKey, type Signer, signer } from "../../lib/manifest/signature.ts";
import {
  AT,
  codeOf,
  type CopyWorld,
  MORE_LISTINGS,
  NEW,
  OLD,
  withCopy,
  withWarmCopy,
} from "../helpers/fault_world.ts";

const manifestFile = (world: CopyWorld) => join(world.mirrorDir, "manifest.json");
const newKey = async () => await signer(await newSecretKey());

/** Replaces the text of the newest manifest. */
async function edit(world: CopyWorld, change: (text: string) => string): Promise<void> {
  const text = await Deno.readTextFile(manifestFile(world));
  await Deno.writeTextFile(manifestFile(world), change(text));
}

/** Serves `pieces` of text without end. */
function endless(piece: string): Response {
  const bytes = new TextEncoder().encode(piece);
  return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(bytes) }));
}

const extra = (value: unknown) => ({ extra: value }) as unknown as Partial<ManifestBody>;
const deep = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth));

/** What a server may send instead of the next manifest, and how it is refused. */
const REFUSED: { injected: string; inject: (world: CopyWorld) => Promise<void>; code: string }[] = [
  {
    injected: "an older sequence, validly signed",
    code: "rollback",
    inject: (world) =>
      Deno.copyFile(join(world.mirrorDir, "manifests/1.json"), manifestFile(world)),
  },
  {
    injected: "the same sequence with other content, validly signed",
    code: "rollback",
    inject: (world) => world.forge({ symbols: 99 }),
  },
  { injected: "no signature", code: "untrusted", inject: (world) => world.forge({}, []) },
  {
    injected: "a newer sequence signed by a stranger",
    code: "untrusted",
    inject: async (world) => await world.forge({ sequence: 9 }, [await newKey()]),
  },
  {
    injected: "a newer sequence under the old signature",
    code: "untrusted",
    inject: (world) => edit(world, (text) => text.replace('"sequence": 2', '"sequence": 9')),
  },
  {
    injected: "a manifest cut in half",
    code: "integrity",
    inject: (world) => edit(world, (text) => text.slice(0, text.length / 2)),
  },
  {
    injected: "a login page",
    code: "network",
    inject: (world) => edit(world, () => "<!doctype html><title>Sign in</title>"),
  },
  { injected: "an empty manifest", code: "integrity", inject: (world) => edit(world, () => "") },
  {
    injected: "a newer manifest format",
    code: "format_too_new",
    inject: (world) => world.forge({ manifestFormat: 2, sequence: 9 }),
  },
  {
    injected: "a newer schema",
    code: "format_too_new",
    inject: (world) => world.forge({ schemaVersion: 2, sequence: 9 }),
  },
  {
    injected: "another channel",
    code: "integrity",
    inject: (world) => world.forge({ channel: "testing", sequence: 9 }),
  },
  {
    injected: "another dataset",
    code: "integrity",
    inject: (world) => world.forge({ dataset: "another", sequence: 9 }),
  },
  {
    injected: "100 KB, validly signed",
    code: "integrity",
    inject: (world) => world.forge({ sequence: 9, ...extra("x".repeat(100_000)) }),
  },
  {
    injected: "a member nested 30,000 deep",
    code: "integrity",
    inject: (world) =>
      edit(
        world,
        (text) =>
          text.replace('"signed": {', `"signed": { "extra": ${JSON.stringify(deep(30_000))},`),
      ),
  },
  {
    injected: "a lone surrogate",
    code: "integrity",
    inject: (world) =>
      edit(world, (text) => text.replace('"signed": {', '"signed": { "x": "\\ud800",')),
  },
];

for (const { injected, inject, code } of REFUSED) {
  Deno.test(`${injected}: refresh() fails with ${code} after 1 request, the copy survives`, async () => {
    await withWarmCopy(async (world) => {
      await world.publishListings(NEW, MORE_LISTINGS);
      await (await world.open()).refresh();
      const before = await world.record();
      world.endpoint.take();
      await inject(world);
      assertEquals(await codeOf((await world.open()).refresh()), code);
      assertEquals(world.endpoint.take().map((line) => line.split(" ").slice(0, 2)), [
        ["manifest.json", "200"],
      ]);
      assertEquals(await world.record(), before);
      assertEquals(await world.offlineVersion(), NEW);
    });
  });
}

Deno.test("a refused manifest: a stale copy answers all the same and says behind", async () => {
  await withWarmCopy(async (world) => {
    await world.forge({ sequence: 9 }, [await newKey()]);
    world.clock = new Date(AT.stale);
    assertEquals((await (await world.open()).symbols()).version, OLD);
    assertEquals(world.notices, ["behind"]);
  });
});

Deno.test("an endless manifest: integrity, and no more than 2 MiB were sent", async () => {
  await withWarmCopy(async (world) => {
    world.endpoint.fault = () => endless(" ".repeat(16_384));
    assertEquals(await codeOf((await world.open()).refresh()), "integrity");
    assertEquals(world.endpoint.bytes() < 2 * 1024 * 1024, true);
    assertEquals(await world.offlineVersion(), OLD);
  });
});

/** Publishes a manifest of the same version with other keys, and refreshes. */
async function step(world: CopyWorld, signers: Signer[], nextKeys?: Signer[]): Promise<unknown> {
  const next = nextKeys && { nextKeys: nextKeys.map((key) => key.keyId) };
  await renew({ ...world.publisher, signers }, next);
  return await codeOf((await world.open()).refresh());
}

Deno.test("a key rotation over two steps succeeds in order; the old key is refused after it", async () => {
  await withWarmCopy(async (world) => {
    const old = world.publisher.signers[0]!;
    const next = await newKey();
    assertEquals(await step(world, [old], [old, next]), undefined);
    assertEquals((await world.record())!.pins, [old.keyId, next.keyId]);
    assertEquals(await step(world, [next], [next]), undefined);
    assertEquals((await world.record())!.pins, [next.keyId]);
    assertEquals(await step(world, [next]), undefined);
    assertEquals(await step(world, [old]), "untrusted");
    assertEquals((await world.record())!.sequence, 4);
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("a key rotation whose first step was missed is refused; signed by both it is accepted", async () => {
  await withWarmCopy(async (world) => {
    const old = world.publisher.signers[0]!;
    const next = await newKey();
    assertEquals(await step(world, [next], [next]), "untrusted");
    assertEquals(await step(world, [old, next], [old, next]), undefined);
    assertEquals(await step(world, [next]), undefined);
  });
});

Deno.test("a manifest that hands over to another key at once: the copy still answers, then follows", async () => {
  await withWarmCopy(async (world) => {
    const old = world.publisher.signers[0]!;
    const next = await newKey();
    assertEquals(await step(world, [old], [next]), undefined);
    assertEquals(await codeOf(world.offlineVersion()), undefined);
    assertEquals(await step(world, [next]), undefined);
    assertEquals(await step(world, [old]), "untrusted");
  });
});

Deno.test("the first contact pins its key, and says so once", async () => {
  await withCopy(async (world) => {
    const { keyId } = world.publisher.signers[0]!;
    const dataset = await world.open();
    await dataset.symbols();
    await dataset.refresh();
    await (await world.open()).refresh();
    assertEquals(world.notices, ["pinned"]);
    assertEquals((await world.record())!.pins, [keyId]);
    assertEquals((await dataset.status()).keys, [keyId]);
  });
});

Deno.test("trusted keys are configured: nothing is pinned, a stranger is refused at first contact", async () => {
  await withCopy(async (world) => {
    const { keyId } = world.publisher.signers[0]!;
    const stranger = (await newKey()).keyId;
    assertEquals(
      await codeOf((await world.open({ trustedKeys: [stranger] })).symbols()),
      "untrusted",
    );
    assertEquals(await world.record(), undefined);
    await (await world.open({ trustedKeys: [stranger, keyId] })).symbols();
    assertEquals((await world.record())!.pins, []);
    assertEquals(world.notices, []);
  });
});

Deno.test("other trusted keys than the copy's: its manifest is as if missing, the next one installs", async () => {
  await withWarmCopy(async (world) => {
    const next = await newKey();
    const build = (await (await world.open()).manifest()).signed;
    const trustedKeys = [next.keyId];
    assertEquals(await codeOf((await world.open({ trustedKeys })).symbols()), "untrusted");
    await renew({ ...world.publisher, signers: [next] });
    assertEquals((await (await world.open({ trustedKeys })).refresh()).sequence, 2);
    assertEquals((await (await world.open({ trustedKeys })).symbols()).version, build.version);
  });
});

Deno.test("what cannot be read as a manifest is told with the address that sent it", async () => {
  await withCopy(async (world) => {
    const { url } = world.endpoint;
    const page =
      `Cannot read the manifest of ${url}: a web page came instead, as a login or a proxy sends it`;
    const torn = `Cannot read the manifest: it is not JSON, or torn; ${url} sent it`;
    const cases = [
      ["<html>a page</html>", "network", page],
      ["\uFEFF\n<!DOCTYPE HTML PUBLIC x><title>", "network", page],
      ["<manifest/>", "integrity", torn],
      ["{", "integrity", torn],
    ];
    for (const [sent, code, message] of cases) {
      await edit(world, () => sent!);
      const error = await (await world.open()).refresh().catch((error) => error);
      assertEquals([error.code, error.message], [code, message]);
    }
  });
});

Deno.test("a first contact that fails has pinned no key, and says so of none", async () => {
  await withCopy(async (world) => {
    world.endpoint.fault = (_, path) =>
      path.endsWith("listings.json") ? new Response(null, { status: 404 }) : undefined;
    assertEquals(await codeOf((await world.open()).symbols()), "network");
    assertEquals([world.notices, (await world.record())?.pins ?? []], [[], []]);
    world.endpoint.fault = undefined;
    await (await world.open()).symbols();
    assertEquals(world.notices, ["pinned"]);
  });
});
