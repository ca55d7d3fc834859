/** Programs that `.ci/install` brings, for the checks of `deno task ship`. @module */

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

/** A port that nobody listens on. */
export function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return (listener.addr as Deno.NetAddr).port;
}
