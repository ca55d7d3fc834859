/**
 * `bfa health`.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { httpClient } from "../lib/net/client.ts";
import { DEFAULT_RETRY } from "../lib/net/retry.ts";
import type { Command } from "./command.ts";

/** Whoever asks, asks again by itself: one try. */
const PROBE = { retry: { ...DEFAULT_RETRY, tries: 1 }, firstByteMs: 3_000 };

/** Asks a service whether it is ready, as a container's health check. */
export const health: Command = {
  name: "health",
  summary: "Ask a service whether it is ready to answer from a published version",
  about: "For health checks of containers and scripts: exits with 0 when it is.",
  args: [{ name: "url", help: "The service (http://127.0.0.1, at --port)", optional: true }],
  options: {
    port: { value: "PORT", help: "Port of a service on this machine (8000)", env: "PORT" },
  },
  examples: ["bfa health", "bfa health https://example.org"],
  async run(inputs, { world }) {
    const base = inputs.args[0] ?? `http://127.0.0.1:${inputs.text("port") ?? "8000"}`;
    const url = `${base.replace(/\/$/, "")}/readyz`;
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw new BfaError("usage", `Cannot ask ${base}: give an http(s):// address`);
    }
    const response = await httpClient(PROBE).get(url, { accept: [503] });
    const answer: { status?: string; version?: string } | null = await response.json()
      .catch(() => null);
    if (response.status === 200 && answer?.status === "ready") {
      return world.out(`ready: version ${answer.version}\n`);
    }
    const why = response.status === 503
      ? "it has no published version yet"
      : "another program answers, or a proxy";
    throw new BfaError("unavailable", `Cannot call ${base} ready: ${why}`);
  },
};
