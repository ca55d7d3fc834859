import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { textBody } from "../../lib/mirror/mirror.ts";

async function withDir(test: (root: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  try {
    await test(`${dir}/mirror`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Every file below a folder, by its path. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) found.push(name);
    else found.push(...(await filesIn(`${folder}/${name}`)).map((below) => `${name}/${below}`));
  }
  return found.sort();
}

const PATHS_OUTSIDE = [
  "../x",
  "..",
  ".",
  "",
  "/",
  "/etc/passwd",
  "a/../../x",
  "a/./b",
  "a//b",
  "a/",
  ".hidden",
  "a/.hidden",
  "a\\..\\x",
  "a\u0000b",
  "a b",
  "C:/x",
  "~/x",
  "-x",
  "a\n",
];

Deno.test("directoryMirror() refuses every path that is not plainly inside it", async () => {
  await withDir(async (root) => {
    const mirror = directoryMirror(root);
    await mirror.put("a/b", textBody("inside"));
    for (const path of PATHS_OUTSIDE) {
      const tries: [string, () => Promise<unknown>][] = [
        ["size", () => mirror.size(path)],
        ["open", () => mirror.open(path)],
        ["put", () => mirror.put(path, textBody("outside"))],
      ];
      for (const [name, work] of tries) {
        const error = await assertRejects(work, BfaError, JSON.stringify(path));
        assertEquals(error.code, "usage", name);
      }
    }
    assertEquals(await filesIn(`${root}/..`), ["mirror/a/b"]);
  });
});

Deno.test("directoryMirror() says `undefined` for what is not there, and for folders", async () => {
  await withDir(async (root) => {
    const mirror = directoryMirror(root);
    assertEquals([await mirror.size("a"), await mirror.open("a")], [undefined, undefined]);
    await mirror.put("a/b", textBody("text"));
    for (const path of ["a", "a/c", "c/b", "a/b/c"]) {
      assertEquals([await mirror.size(path), await mirror.open(path)], [undefined, undefined]);
      assertEquals(await mirror.open(path, { start: 0, end: 0 }), undefined);
    }
  });
});

Deno.test("directoryMirror() gives back what was put, whole and in ranges", async () => {
  await withDir(async (root) => {
    const mirror = directoryMirror(root);
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const large = new Blob([bytes, bytes, bytes, bytes]);
    await mirror.put("parts/2024.parquet", large.stream());
    assertEquals(await mirror.size("parts/2024.parquet"), 240_000);
    const whole = await mirror.open("parts/2024.parquet");
    assertEquals(whole?.size, 240_000);
    assertEquals(await new Response(whole!.body).bytes(), await large.bytes());
    const ranges: [start: number, end: number][] = [
      [0, 0],
      [0, 239_999],
      [59_990, 60_010],
      [1, 130_000],
      [239_999, 239_999],
      [100_000, 239_999],
    ];
    for (const [start, end] of ranges) {
      const part = await mirror.open("parts/2024.parquet", { start, end });
      assertEquals(part?.size, 240_000);
      const got = await new Response(part!.body).bytes();
      assertEquals(got, await large.slice(start, end + 1).bytes(), `${start}-${end}`);
    }
  });
});

Deno.test("directoryMirror() closes the file when a reader leaves early", async () => {
  await withDir(async (root) => {
    const mirror = directoryMirror(root);
    await mirror.put("big", new Blob([new Uint8Array(1_000_000)]).stream());
    for (const range of [undefined, { start: 10, end: 900_000 }]) {
      const { body } = (await mirror.open("big", range))!;
      const reader = body.getReader();
      await reader.read();
      await reader.cancel();
      const unread = (await mirror.open("big", range))!;
      await unread.body.cancel();
    }
  });
});

Deno.test("put() replaces a file whole; a body that breaks leaves the old one and no rest", async () => {
  await withDir(async (root) => {
    const mirror = directoryMirror(root);
    await mirror.put("a/b", textBody("old and long"));
    await mirror.put("a/b", textBody("new"));
    assertEquals(await Deno.readTextFile(`${root}/a/b`), "new");
    const breaking = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(new Uint8Array(1_000));
      },
      pull(controller) {
        controller.error(new Error("the source is gone"));
      },
    });
    await assertRejects(() => mirror.put("a/b", breaking), Error, "the source is gone");
    assertEquals(await Deno.readTextFile(`${root}/a/b`), "new");
    assertEquals(await filesIn(root), ["a/b"]);
  });
});

Deno.test("put() never shows a reader half a file", async () => {
  await withDir(async (root) => {
    const mirror = directoryMirror(root);
    const text = (i: number) => String(i % 10).repeat(50_000 + i);
    await mirror.put("a", textBody(text(0)));
    let writing = true;
    const reader = (async () => {
      for (let reads = 0; writing || reads === 0; reads++) {
        const { size, body } = (await mirror.open("a"))!;
        const got = await new Response(body).text();
        assertEquals(got.length, size);
        assertEquals(got, text(size - 50_000));
      }
    })();
    try {
      for (let i = 1; i <= 50; i++) await mirror.put("a", textBody(text(i)));
    } finally {
      writing = false;
    }
    await reader;
  });
});
