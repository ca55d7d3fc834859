/** A child as an emulator runs it: it holds 230 MB before it is asked anything. @module */

import { runSqlChild } from "../../lib/engine/sql_child.ts";

const held = new Uint8Array(230e6).fill(1);
await runSqlChild();
Deno.exit(held[0]! - 1);
