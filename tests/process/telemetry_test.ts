import { assertEquals } from "@std/assert";
import { deployDeno } from "../helpers/deno_2_5.ts";
import { spawn, waitForLine } from "../helpers/process.ts";
import { seedSource } from "../../lib/source/seed.ts";

interface Span {
  readonly name: string;
  readonly attributes: { key: string; value: { stringValue?: string } }[];
}

/** Collects spans, as an OpenTelemetry collector does, until one has a name. */
function collector() {
  const spans: Span[] = [];
  let wake = () => {};
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const body = await request.json();
      for (const { scopeSpans } of body.resourceSpans ?? []) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      wake();
      return Response.json({});
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    async named(name: string, count: number): Promise<Span[]> {
      for (;;) {
        const found = spans.filter((span) => span.name === name);
        if (found.length >= count) return found;
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
    close: () => server.shutdown(),
  };
}

async function checkSpans(deno: string): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const collected = collector();
  const service = spawn(deno, ["run", "-A", "--no-check", "main.ts"], {
    BFA_KV: `${dir}/kv.sqlite3`,
    BFA_MIRROR: dir,
    BFA_HOST: "127.0.0.1",
    PORT: "0",
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_ENDPOINT: collected.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "50",
  });
  try {
    const url = (await waitForLine(service, /bfa serves on (\S+)/))[1]!;
    // The second answer comes from memory.
    for (const path of ["snapshot/2024-01-15", "snapshot/2024-01-15", "timeline/LITUSDT"]) {
      await (await fetch(`${url}/v1/${path}`)).body?.cancel();
    }
    const made = await fetch(`${url}/v1/snapshot/2024-01-15`, { method: "MADEUP" });
    await made.body?.cancel();
    assertEquals(made.status, 405);
    await collected.named("HTTP /v1/snapshot", 1);
    const spans = await collected.named("GET /v1/snapshot", 2);
    await collected.named("GET /v1/timeline", 1);
    for (const { attributes } of spans) {
      const of = (name: string) => attributes.find(({ key }) => key === name)?.value.stringValue;
      assertEquals([of("http.route"), of("url.path")], ["/v1/snapshot", "/v1/snapshot/2024-01-15"]);
      assertEquals(of("bfa.version"), (await seedSource()).version);
    }
    assertEquals((await service.stop()).code, 0);
  } finally {
    await service.stop("SIGKILL");
    await collected.close();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("with OTEL_DENO=true every request's span has its route and the version that answered", async () => {
  await checkSpans(Deno.execPath());
});

const deno25 = await deployDeno();

Deno.test({
  name: "the same on Deno 2.5, where Deno Deploy turns it on",
  ignore: !deno25,
  fn: () => checkSpans(deno25!),
});
