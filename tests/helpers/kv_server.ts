/**
 * A KV Connect server for rehearsals: the real one, when `DENOKV_BIN` names it (`cargo install denokv`),
 * else the stand-in of kv_connect.ts.
 *
 * @module
 */

import { serveKv } from "./kv_connect.ts";
import { spawn } from "./process.ts";

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
  const port = freePort();
  const server = spawn(denokv, [
    ...["--sqlite-path", `${dir}/denokv.sqlite3`, "serve"],
    ...["--addr", `127.0.0.1:${port}`, "--access-token", TOKEN],
  ]);
  Deno.env.set("DENO_KV_ACCESS_TOKEN", TOKEN);
  await untilListening(port);
  return {
    url: `http://127.0.0.1:${port}`,
    token: TOKEN,
    async close() {
      await server.stop("SIGKILL");
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      return (await Deno.connect({ port, hostname: "127.0.0.1" })).close();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
