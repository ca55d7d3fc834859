/** Programs that `.ci/install` brings, for the checks of `deno task ship`. @module */

import type { Spawned } from "./process.ts";

/** The path of a program; a check whose program is missing fails, and says what to do. */
export function tool(name: string): string {
  const own = Deno.env.get("BFA_TOOLS") ?? `${Deno.env.get("TMPDIR") ?? "/tmp"}/bfa_tools`;
  const folders = [`${own}/bin`, ...(Deno.env.get("PATH") ?? "").split(":")];
  for (const folder of folders) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // not there
    }
  }
  throw new Error(`Cannot run this check: there is no ${name}; run .ci/install, or put it in PATH`);
}

/** The Python of the environment that a tool was installed into. */
export async function pythonOf(name: string): Promise<string> {
  return (await Deno.realPath(tool(name))).replace(/[^/]+$/, "python3");
}

/** A server of another make, which listens. */
export interface Listening {
  readonly program: Spawned;
  readonly port: number;
}

/** Starts a server that must be told its port; on another one, when somebody took it in between. */
export async function onFreePort(start: (port: number) => Spawned): Promise<Listening> {
  for (let tries = 1;; tries++) {
    const port = freePort();
    const program = start(port);
    let ended = false;
    program.finished.then(() => ended = true);
    while (!ended) {
      if (await listens(port)) return { program, port };
      await new Promise((done) => setTimeout(done, 20));
    }
    const { code, err } = await program.finished;
    if (tries === 5) throw new Error(`It ended with ${code} before it listened:\n${err}`);
  }
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ port, hostname: "127.0.0.1" })).close();
    return true;
  } catch {
    return false;
  }
}
