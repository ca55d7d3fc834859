/** The Deno that Deno Deploy runs. @module */

import { denoEnvironment } from "./process.ts";

/** As documented for Deno Deploy; the newest patch of it on npm. */
export const DEPLOY_DENO = "2.5.7";

/** Where that Deno is, fetched by `npx` when it is not on this machine; `undefined` without npm. */
export async function deployDeno(): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("npx", {
      args: [
        "-y",
        `deno@${DEPLOY_DENO}`,
        "eval",
        "console.log(Deno.version.deno, Deno.execPath())",
      ],
      env: denoEnvironment(),
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).output();
    const [version, path] = new TextDecoder().decode(stdout).trim().split(" ");
    return success && version === DEPLOY_DENO ? path : undefined;
  } catch {
    return undefined;
  }
}
