import { assertEquals, assertThrows } from "@std/assert";
import { fromBase64url, toBase64url, toHex } from "../../lib/core/bytes.ts";

/** What older browsers and Node 20 have: no `fromBase64` of their own. */
function withoutPlatform<T>(work: () => T): T {
  const platform = Object.getOwnPropertyDescriptor(Uint8Array, "fromBase64")!;
  Reflect.deleteProperty(Uint8Array, "fromBase64");
  try {
    return work();
  } finally {
    Object.defineProperty(Uint8Array, "fromBase64", platform);
  }
}

const READERS: Readonly<Record<string, typeof fromBase64url>> = {
  "the platform's": fromBase64url,
  "without the platform's": (text) => withoutPlatform(() => fromBase64url(text)),
};

for (const [name, read] of Object.entries(READERS)) {
  Deno.test(`base64url, ${name}: every length there and back, padded or not`, () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 31) % 256);
      const text = toBase64url(bytes);
      assertEquals(read(text), bytes);
      assertEquals(read(text.padEnd(Math.ceil(text.length / 4) * 4, "=")), bytes);
    }
  });

  for (const text of ["a", "aaaaa", "aa=a", "a b", "aa\n", "+/8", "é", "===="]) {
    Deno.test(`base64url, ${name}: ${JSON.stringify(text)} is refused`, () => {
      assertThrows(() => read(text), TypeError, "not base64url");
    });
  }
}

Deno.test("hex: every byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(toHex(bytes), [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(""));
});
