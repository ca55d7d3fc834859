import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { gzipFile } from "../../lib/files/gzip_file.ts";

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-gzip-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("gzipFile() writes what unpacks to the file, the same bytes each time", async () => {
  await withFolder(async (dir) => {
    const bytes = new Uint8Array(300_000).map((_, i) => i * i % 251);
    await Deno.writeFile(join(dir, "plain"), bytes);
    await gzipFile(join(dir, "plain"), join(dir, "one.gz"));
    await gzipFile(join(dir, "plain"), join(dir, "two.gz"));
    const packed = await Deno.open(join(dir, "one.gz"));
    const unpacked = packed.readable.pipeThrough(new DecompressionStream("gzip"));
    assertEquals(await new Response(unpacked).bytes(), bytes);
    assertEquals(
      await Deno.readFile(join(dir, "two.gz")),
      await Deno.readFile(join(dir, "one.gz")),
    );
  });
});

Deno.test("gzipFile() says what went wrong on its thread", async () => {
  await withFolder(async (dir) => {
    const error = await assertRejects(
      () => gzipFile(join(dir, "none"), join(dir, "out.gz")),
      Error,
    );
    assertEquals((error as Error & { code?: string }).code, "ENOENT");
    await Deno.writeTextFile(join(dir, "plain"), "text");
    await assertRejects(() => gzipFile(join(dir, "plain"), join(dir, "none", "out.gz")), Error);
  });
});
