/**
 * bfa at a real terminal: its prompt, and completion in real shells. Needs `script` (util-linux), zsh and fish. @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { bfa, withCacheDir } from "../helpers/cli.ts";

const CLI = fromFileUrl(new URL("../../cli.ts", import.meta.url));

/** How long anything may take on a busy machine, ms. */
const PATIENCE_MS = 240_000;

/** A program at a terminal of its own. */
class Terminal implements AsyncDisposable {
  #child: Deno.ChildProcess;
  #keys: WritableStreamDefaultWriter<Uint8Array>;
  #seen = "";
  #waiting: (() => void) | undefined;
  #read: Promise<void>;

  constructor(command: string, env: Record<string, string>) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      this.#child = new Deno.Command("script", {
        args: ["-qefc", `stty cols 100; ${command}`, "/dev/null"],
        env: { TERM: "dumb", LC_ALL: "C.UTF-8", ...env },
        stdin: "piped",
        stdout: "piped",
        signal,
      }).spawn();
    } catch (cause) {
      throw new Error("Cannot open a terminal: apt-get install util-linux", { cause });
    }
    this.#keys = this.#child.stdin.getWriter();
    this.#read = this.#readAll();
  }

  async #readAll(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      // deno-lint-ignore no-control-regex -- they are what is taken out
      this.#seen += text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, "");
      this.#waiting?.();
    }
    this.#waiting?.();
  }

  /** Waits until a text stands there; returns all up to it, and forgets that. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#seen.indexOf(text);
      if (at >= 0) {
        const before = this.#seen.slice(0, at);
        this.#seen = this.#seen.slice(at + text.length);
        return before;
      }
      const more = Promise.withResolvers<void>();
      this.#waiting = more.resolve;
      const ended = this.#read.then(() => {
        if (!this.#seen.includes(text)) {
          throw new Error(`no ${JSON.stringify(text)}: ${this.#seen}`);
        }
      });
      await Promise.race([more.promise, ended]);
    }
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits for the program's end. */
  async end(): Promise<{ code: number; left: string }> {
    const { code } = await this.#child.status;
    await this.#read;
    return { code, left: this.#seen };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys.close().catch(() => {}); // it may have ended
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has
    }
    await this.#child.status;
    await this.#read;
  }
}

const TERMINAL = { sanitizeOps: false, sanitizeResources: false }; // the timer of the deadline

async function atPrompt(test: (terminal: Terminal) => Promise<void>): Promise<void> {
  await withCacheDir(async (env) => {
    // A terminal that is not dumb: the prompt has its history and its editing.
    const atXterm = { ...env, TERM: "xterm" };
    await using terminal = new Terminal(`deno run -A --quiet ${CLI} sql --offline`, atXterm);
    await terminal.until("bfa> ");
    await test(terminal);
  });
}

Deno.test(
  "the prompt: several lines, a mark under what is wrong, Ctrl-C, first rows, exit",
  TERMINAL,
  async () => {
    await atPrompt(async (terminal) => {
      await terminal.type("SELECT symbol,\n");
      await terminal.until("...> ");
      await terminal.type("  nosuch FROM listings;\n");
      await terminal.until("Cannot run this SQL");
      assertStringIncludes(
        await terminal.until("bfa> "),
        "  LINE 2:   nosuch FROM listings;\n            ^\n",
      );

      await terminal.type("SELECT thrown away\n");
      await terminal.until("...> ");
      await terminal.type("\x03");
      await terminal.until("bfa> ");

      await terminal.type("FROM listings ORDER BY listing;\n");
      const answer = await terminal.until(
        "957 rows, of which the first 100 are shown; .rows all shows all",
      );
      assertEquals(answer.match(/USDT#\d/g)!.length > 90, true);
      await terminal.until("bfa> ");
      await terminal.type(".rows 2\nFROM listings ORDER BY listing;\n");
      await terminal.until("of which the first 2 are shown");
      await terminal.until("bfa> ");
      await terminal.type("SELECT 40\n + 2 AS answer;\n");
      await terminal.until("    42\n1 row\n");
      await terminal.until("bfa> ");
      await terminal.type("\x1b[A\n"); // the arrow up brings all of it back
      await terminal.until("    42\n1 row\n");
      await terminal.type("exit\n");
      assertEquals((await terminal.end()).code, 0);
    });
  },
);

Deno.test(
  "the prompt: Ctrl-D while a statement runs gives its answer, and no complaint",
  TERMINAL,
  async () => {
    await atPrompt(async (terminal) => {
      await terminal.type(
        "SELECT sum(a.range * b.range) > 0 AS done FROM range(20000) a, range(2000) b;\n\x04",
      );
      await terminal.until("done\n");
      const { code, left } = await terminal.end();
      assertEquals([code, left.includes("bug"), left.includes("yes")], [0, false, true]);
    });
  },
);

/** A line that is typed in a shell, up to the Tab, and what it becomes. */
const TYPED: readonly [line: string, becomes: string][] = [
  ["bfa snap", "snapshot"],
  ["bfa snapshot latest --whatever --of", "snapshot latest --whatever --offline"],
  ["bfa cache ver", "cache verify"],
  ["bfa snapshot --state arch", "snapshot --state archived"],
  ["bfa timeline LITU", "timeline LITUSDT"],
];

const SHELLS: Readonly<Record<string, [command: string, before: string]>> = {
  bash: ["bash --norc --noprofile -i", "set +o history; bind 'set enable-bracketed-paste off'"],
  zsh: ["zsh -f -i", "unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D"],
};

for (const [shell, [command, before]] of Object.entries(SHELLS)) {
  Deno.test(`completion in ${shell}, at a terminal`, TERMINAL, async () => {
    await withScript(shell, async (file, env) => {
      await using terminal = new Terminal(command, env);
      await terminal.type(`PS1='> '; ${before}\nsource ${file}\n`);
      // The shell's own function stands in for the program: it tells its arguments, and knows two symbols.
      await terminal.type(
        `bfa() { [[ $1 == symbols ]] && printf 'BTCUSDT\\nLITUSDT\\n' || echo "[$*]"; }\necho rea""dy\n`,
      );
      await terminal.until("ready\n");
      for (const [line, becomes] of TYPED) {
        await terminal.type(`${line}\t\n`);
        await terminal.until(`[${becomes}]`);
      }
      await terminal.type("exit\n");
      await terminal.end();
    });
  });
}

Deno.test("completion in fish", async () => {
  await withScript("fish", async (file, env) => {
    for (const [line, becomes] of TYPED) {
      const asked =
        `function bfa; printf 'BTCUSDT\\nLITUSDT\\n'; end; source ${file}; complete -C '${line}'`;
      const output = new Deno.Command("fish", { args: ["--no-config", "-c", asked], env }).output();
      const { stdout, stderr } = await output.catch((cause) => {
        throw new Error("Cannot run fish: apt-get install fish", { cause });
      });
      const offered = new TextDecoder().decode(stdout).trim().split("\n").map((text) =>
        text.split("\t")[0]
      );
      assertEquals([line, offered, new TextDecoder().decode(stderr)], [line, [
        becomes.split(" ").at(-1),
      ], ""]);
    }
  });
});

/** A completion script in a file. */
async function withScript(
  shell: string,
  test: (file: string, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  await withCacheDir(async (env) => {
    const { out } = await bfa(["completions", shell]);
    const file = `${env.HOME}/completion`;
    await Deno.writeTextFile(file, out);
    await test(file, { HOME: env.HOME! });
  });
}
