import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { verifiedText } from "../../lib/jobs/verified_artifact.ts";
import { digestOf } from "../../lib/files/file_facts.ts";
import { memoryMirror } from "../helpers/memory_mirror.ts";

const BYTES = new TextEncoder().encode('{"listings":[]}\n');
const ARTIFACT = {
  name: "listings.json",
  role: "listings",
  mediaType: "application/json",
  bytes: BYTES.length,
  sha256: (await digestOf(BYTES)).toHex(),
};
const PATH = `${ARTIFACT.sha256}/listings.json`;

Deno.test("verifiedText() gives what the manifest promises, and nothing else", async () => {
  const mirror = memoryMirror();
  const codeOf = async () =>
    (await assertRejects(() => verifiedText(mirror, ARTIFACT), BfaError)).code;
  assertEquals(await codeOf(), "unavailable");
  mirror.files.set(PATH, BYTES);
  assertEquals(await verifiedText(mirror, ARTIFACT), '{"listings":[]}\n');
  const flipped = BYTES.map((byte, i) => i === 3 ? byte ^ 1 : byte);
  for (const wrong of [flipped, BYTES.subarray(1), new Uint8Array()]) {
    mirror.files.set(PATH, wrong);
    assertEquals(await codeOf(), "integrity");
  }
});

Deno.test("verifiedText() stops at a byte more than was promised", async () => {
  let given = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      given++;
      controller.enqueue(BYTES);
    },
    cancel: () => void (cancelled = true),
  });
  const endless = { ...memoryMirror(), open: () => Promise.resolve({ size: BYTES.length, body }) };
  const error = await assertRejects(() => verifiedText(endless, ARTIFACT), BfaError);
  assertEquals([error.code, cancelled, given < 10], ["integrity", true, true]);
});
