import { assertEquals } from "@std/assert";
import {
  ensureSecretKey,
  makeSecretKey,
  readSecretKey,
} from "../../lib/manifest/secret_key_file.ts";

Deno.test("makeSecretKey(): of two at once one wins, and its key is the one in the file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (let i = 0; i < 20; i++) {
      const path = `${dir}/${i}/signing.jwk`;
      const both = await Promise.allSettled([makeSecretKey(path), makeSecretKey(path)]);
      const made = both.flatMap((one) => one.status === "fulfilled" ? [one.value.keyId] : []);
      assertEquals(made, [(await readSecretKey(path))!.keyId]);
      assertEquals((await Array.fromAsync(Deno.readDir(`${dir}/${i}`))).length, 1);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("ensureSecretKey(): all who ask at once get the same key", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/keys/signing.jwk`;
    const all = await Promise.all(Array.from({ length: 5 }, () => ensureSecretKey(path)));
    assertEquals(new Set(all.map((one) => one.keyId)).size, 1);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
