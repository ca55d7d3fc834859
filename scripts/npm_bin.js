#!/usr/bin/env node
// Runs bfa on the Deno that this package brings along.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

let deno;
try {
  deno = createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
} catch {
  console.error(
    'bfa: Cannot start: the npm package "deno" is not here, or has nothing for this machine; install without --omit=optional',
  );
  process.exit(1);
}
const app = fileURLToPath(new URL("app/bfa.js", import.meta.url));
const child = spawn(
  deno,
  ["run", "-A", "--quiet", "--no-lock", UNSTABLE, app, ...process.argv.slice(2)].flat(),
  {
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
    stdio: "inherit",
  },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
