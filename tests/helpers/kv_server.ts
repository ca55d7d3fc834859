/**
 * A KV Connect server for rehearsals: the real one, when `DENOKV_BIN` names it (`cargo install denokv`),
 * else the stand-in of kv_connect.ts.
 *
 * @module
 */

import { serveKv } from "./kv_connect.ts";
import { spawn } from "./process.ts";
import { onFreePort } from "./tool.ts";

/** A running server. */
export interface KvServer {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

const TOKEN = "a-token-for-the-rehearsal";

/** Starts the server, and tells this process's Deno the token that it takes. */
export async function startKvServer(dir: string): Promise<KvServer> {
  const denokv = Deno.env.get("DENOKV_BIN");
  if (!denokv) return serveKv();
  const { program, port } = await onFreePort((port) =>
    spawn(denokv, [
      ...["--sqlite-path", `${dir}/denokv.sqlite3`, "serve"],
      ...["--addr", `127.0.0.1:${port}`, "--access-token", TOKEN],
    ])
  );
  Deno.env.set("DENO_KV_ACCESS_TOKEN", TOKEN);
  return {
    url: `http://127.0.0.1:${port}`,
    token: TOKEN,
    async close() {
      await program.stop("SIGKILL");
    },
  };
}
