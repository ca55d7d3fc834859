/**
 * OpenTelemetry: Deno makes a span of every request by itself (`OTEL_DENO=true`); what it cannot know is
 * the route, and the version that answered.
 *
 * @module
 */

/** Tells the span of the request that is being answered. */
export type Telemetry = (method: string, route: string, answer: Response) => void;

/** Whether Deno's own OpenTelemetry is on. */
export function telemetryIsOn(flag: string | undefined): boolean {
  return flag === "true" || flag === "1";
}

/** Methods that a span may be named by. Clients can make up others; OpenTelemetry's conventions then say `HTTP`. */
const METHODS: ReadonlySet<string> = new Set(
  ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"],
);

/** Loads what reaches the span. Only worth its memory where OpenTelemetry is on. */
export async function telemetry(): Promise<Telemetry> {
  const { trace } = await import("@opentelemetry/api");
  return (method, route, answer) => {
    const span = trace.getActiveSpan();
    if (!span) return;
    const version = answer.headers.get("x-dataset-version");
    span.updateName(`${METHODS.has(method) ? method : "HTTP"} ${route}`);
    span.setAttribute("http.route", route);
    if (version !== null) span.setAttribute("bfa.version", version);
  };
}
