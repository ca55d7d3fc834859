import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { accept, checkSigned, type Trust, trustedKeys } from "../../lib/core/trust.ts";
import { manifestBody } from "../helpers/manifest_body.ts";

const [OLD, NEW, STRANGER] = ["ed25519:old", "ed25519:new", "ed25519:stranger"] as const;
const NOTHING: Trust = { configured: [], pinned: [], highestSequence: 0 };
const PINNED: Trust = { configured: [], pinned: [OLD], highestSequence: 400 };
const CONFIGURED: Trust = { configured: [OLD], pinned: [], highestSequence: 400 };

/** The keys among the trusted ones that signed: what `goodKeys()` would find. */
function good(trust: Trust, ...signedBy: string[]): string[] {
  const trusted = trustedKeys(trust);
  return signedBy.filter((key) => trusted === undefined || trusted.includes(key));
}

function codeOf(run: () => unknown): string {
  return assertThrows(run, BfaError).code;
}

Deno.test("`trustedKeys()` prefers configured keys to pinned ones; without either, anyone's count", () => {
  assertEquals(trustedKeys({ ...PINNED, configured: [NEW] }), [NEW]);
  assertEquals(trustedKeys(PINNED), [OLD]);
  assertEquals(trustedKeys(NOTHING), undefined);
});

Deno.test("`accept()` pins the keys of the first manifest, and says so once", () => {
  const body = manifestBody();
  const met = accept(body, good(NOTHING, OLD), NOTHING);
  assertEquals(met, { pins: [OLD], firstContact: true });
  const then: Trust = { configured: [], pinned: met.pins, highestSequence: body.sequence };
  assertEquals(accept(body, good(then, OLD), then), { pins: [OLD], firstContact: false });
});

Deno.test("`accept()` pins nothing while keys are configured", () => {
  assertEquals(accept(manifestBody(), good(CONFIGURED, OLD), CONFIGURED), {
    pins: [],
    firstContact: false,
  });
  const announced = manifestBody({ nextKeys: [NEW] });
  assertEquals(accept(announced, good(CONFIGURED, OLD), CONFIGURED).pins, []);
});

Deno.test("`accept()` refuses a stranger, and names the keys it trusts", () => {
  for (const trust of [PINNED, CONFIGURED]) {
    const error = assertThrows(
      () => accept(manifestBody(), good(trust, STRANGER), trust),
      BfaError,
    );
    assertEquals(error.code, "untrusted");
    assertStringIncludes(
      error.message,
      `none of the trusted keys signed it (${OLD}); if the publisher changed its key`,
    );
  }
});

Deno.test("`accept()` refuses a manifest without a good signature, also at the first contact", () => {
  const error = assertThrows(() => accept(manifestBody(), [], NOTHING), BfaError);
  assertEquals(error.code, "untrusted");
  assertStringIncludes(error.message, "it carries no valid signature; use another mirror");
});

Deno.test("`accept()` refuses a sequence lower than the highest seen, and takes the same again", () => {
  const at = (sequence: number) => accept(manifestBody({ sequence }), [OLD], PINNED);
  assertEquals(codeOf(() => at(399)), "rollback");
  assertEquals(codeOf(() => at(1)), "rollback");
  assertEquals(at(400).pins, [OLD]);
  assertEquals(at(401).pins, [OLD]);
});

Deno.test("`accept()` says untrusted rather than rollback when a stranger replays", () => {
  assertEquals(codeOf(() => accept(manifestBody({ sequence: 1 }), [], PINNED)), "untrusted");
});

Deno.test("`accept()` does not let a stranger announce keys", () => {
  const body = manifestBody({ nextKeys: [STRANGER] });
  assertEquals(codeOf(() => accept(body, good(PINNED, STRANGER), PINNED)), "untrusted");
});

Deno.test("`accept()` follows a change of keys in two steps", () => {
  const both = manifestBody({ sequence: 401, nextKeys: [OLD, NEW] });
  const one = accept(both, good(PINNED, OLD), PINNED);
  assertEquals(one, { pins: [OLD, NEW], firstContact: false });

  const between: Trust = { configured: [], pinned: one.pins, highestSequence: 401 };
  const alone = manifestBody({ sequence: 402, nextKeys: [NEW] });
  const two = accept(alone, good(between, NEW), between);
  assertEquals(two, { pins: [NEW], firstContact: false });

  const after: Trust = { configured: [], pinned: two.pins, highestSequence: 402 };
  const later = manifestBody({ sequence: 403 });
  assertEquals(accept(later, good(after, NEW), after).pins, [NEW]);
  assertEquals(codeOf(() => accept(later, good(after, OLD), after)), "untrusted");
});

Deno.test("a client that missed the announcement refuses the new key", () => {
  const body = manifestBody({ sequence: 402 });
  assertEquals(codeOf(() => accept(body, good(PINNED, NEW), PINNED)), "untrusted");
});

Deno.test("`accept()` keeps its pins when a manifest announces no keys at all", () => {
  const body = manifestBody({ sequence: 401, nextKeys: [] });
  assertEquals(accept(body, good(PINNED, OLD), PINNED).pins, [OLD]);
});

Deno.test("a manifest that announces only the next key retires the one that signed it", () => {
  const body = manifestBody({ sequence: 401, nextKeys: [NEW] });
  const { pins } = accept(body, good(PINNED, OLD), PINNED);
  const then: Trust = { configured: [], pinned: pins, highestSequence: 401 };
  const code = codeOf(() => checkSigned(body, good(then, OLD), then));
  assertEquals([pins, code], [[NEW], "untrusted"]);
});

Deno.test("`checkSigned()` takes an old sequence from a trusted key", () => {
  checkSigned(manifestBody({ sequence: 1 }), good(PINNED, OLD), PINNED);
  assertEquals(codeOf(() => checkSigned(manifestBody(), good(PINNED, NEW), PINNED)), "untrusted");
});
