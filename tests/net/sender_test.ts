import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { sender, type SendOptions } from "../../lib/net/sender.ts";

/** What answers came of which statuses, with how many requests and which waits. */
async function send(answers: (() => Response)[], options?: SendOptions) {
  const waits: number[] = [];
  let sent = 0;
  const client = sender({
    place: "s3://x",
    retry: { tries: 3, baseMs: 100, mostMs: 1_000 },
    random: () => 0.5,
    now: () => new Date("2026-01-01T00:00:00Z"),
    wait: (ms) => (waits.push(ms), Promise.resolve()),
    fetch: () => Promise.resolve().then(answers[Math.min(sent++, answers.length - 1)]!),
  });
  const make = () => ({ url: "https://x.example/a", method: "PUT", headers: {} });
  const result = await client.send(make, options).then(
    ({ status }) => status,
    (error: BfaError) => `${error.code}: ${error.message}`,
  );
  return { result, sent, waits };
}

const status = (status: number, headers: Record<string, string> = {}) => () =>
  new Response(null, { status, headers });
const broken = () => {
  throw new TypeError("broken");
};

const NO_ANSWER =
  "network: Cannot reach x.example for s3://x: no answer, or the connection broke; run the same command again";

const CASES: [
  string,
  (() => Response)[],
  SendOptions | undefined,
  Awaited<ReturnType<typeof send>>,
][] = [
  ["an answer", [status(200)], undefined, { result: 200, sent: 1, waits: [] }],
  ["a refusal", [status(403)], undefined, { result: 403, sent: 1, waits: [] }],
  ["a redirect", [status(307)], undefined, { result: 307, sent: 1, waits: [] }],
  ["500, then 200", [status(500), status(200)], undefined, { result: 200, sent: 2, waits: [50] }],
  ["500 always", [status(500)], undefined, { result: 500, sent: 3, waits: [50, 100] }],
  ["500, once", [status(500), status(200)], { once: true }, { result: 500, sent: 1, waits: [] }],
  ["a broken connection, then 200", [broken, status(200)], undefined, {
    result: 200,
    sent: 2,
    waits: [50],
  }],
  [
    "a broken connection, once",
    [broken, status(200)],
    { once: true },
    { result: NO_ANSWER, sent: 1, waits: [] },
  ],
  [
    "429 with Retry-After, once: it was not carried out",
    [status(429, { "retry-after": "7" }), status(200)],
    { once: true },
    { result: 200, sent: 2, waits: [7_000] },
  ],
  [
    "403 with Retry-After",
    [status(403, { "retry-after": "3" }), status(200)],
    undefined,
    { result: 200, sent: 2, waits: [3_000] },
  ],
  [
    "429 with a long Retry-After",
    [status(429, { "retry-after": "3600" })],
    undefined,
    {
      result:
        "limit: Cannot go on with s3://x: its rate limit is reached (429); run the same command again after 2026-01-01 01:00 UTC",
      sent: 1,
      waits: [],
    },
  ],
];

for (const [what, answers, options, expected] of CASES) {
  Deno.test(`\`send()\`, when ${what}`, async () => {
    assertEquals(await send(answers, options), expected);
  });
}

Deno.test("`send()` makes a request anew for every try, and ends when its caller leaves", async () => {
  const leave = new AbortController();
  let made = 0;
  const client = sender({
    place: "x",
    retry: { tries: 9, baseMs: 0, mostMs: 0 },
    fetch: (_, { signal }) =>
      new Promise((_, reject) => {
        signal!.addEventListener("abort", () => reject(signal!.reason));
        if (made === 2) leave.abort();
        else reject(new TypeError("broken"));
      }),
  });
  const make = () => ({ url: `https://x.example/${++made}`, method: "GET", headers: {} });
  await assertRejects(() => client.send(make, { signal: leave.signal }), BfaError);
  assertEquals(made, 2);
});
