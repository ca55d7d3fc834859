/** Real `deno` processes, with their output collected. @module */

import { homedir } from "node:os";

/** What a process did. */
export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A process that runs. */
export interface Spawned {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  /** All it has printed on stdout so far. */
  text(): string;
  /** All it has printed on stderr so far. */
  errText(): string;
  /** Resolves when more was printed, or it ended. */
  printed(): Promise<void>;
  /** Asks it to stop and waits until it has. */
  stop(signal?: Deno.Signal): Promise<Finished>;
}

/** What a `deno` needs to find its packages without asking for them again, and nothing else. */
export function denoEnvironment(): Record<string, string> {
  const env: Record<string, string> = { NO_COLOR: "1" };
  const certificates = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "DENO_CERT", "DENO_TLS_CA_STORE"];
  for (const name of ["PATH", "HOME", "TMPDIR", ...certificates]) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  env.HOME ??= homedir(); // as Deno finds its own folder where HOME is not set
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${env.HOME}/.cache`;
  env.DENO_DIR = Deno.env.get("DENO_DIR") ?? `${cache}/deno`;
  return env;
}

/** Starts `deno` in the project's folder with exactly this environment, besides its own. */
export function spawnDeno(args: string[], env: Record<string, string> = {}): Spawned {
  return spawn(Deno.execPath(), args, env);
}

/** Starts any program like that. */
export function spawn(program: string, args: string[], env: Record<string, string> = {}): Spawned {
  return spawnAlone(program, args, { env: { ...denoEnvironment(), ...env } });
}

/** Starts any program with exactly this environment. */
export function spawnAlone(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env: Record<string, string> },
): Spawned {
  const child = new Deno.Command(program, {
    args: [...args],
    ...options,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let [out, err] = ["", ""];
  let wake = Promise.withResolvers<void>();
  async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void) {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      add(decoder.decode(chunk, { stream: true }));
      wake.resolve();
      wake = Promise.withResolvers();
    }
  }
  const finished = (async () => {
    const [status] = await Promise.all([
      child.status,
      collect(child.stdout, (text) => out += text),
      collect(child.stderr, (text) => err += text),
    ]);
    return { code: status.code, out, err };
  })();
  let ended = false;
  finished.then(() => ended = true);
  return {
    pid: child.pid,
    finished,
    text: () => out,
    errText: () => err,
    printed: () => wake.promise,
    async stop(signal = "SIGINT") {
      if (!ended) {
        try {
          child.kill(signal);
        } catch {
          // it has just ended by itself
        }
      }
      return await finished;
    },
  };
}

/** Waits until a process has printed something, on stdout or on stderr. */
export async function waitForLine(process: Spawned, wanted: RegExp): Promise<RegExpExecArray> {
  let over = false;
  process.finished.then(() => over = true);
  while (true) {
    const match = wanted.exec(process.text()) ?? wanted.exec(process.errText());
    if (match) return match;
    if (over) {
      const { code, err } = await process.finished;
      throw new Error(`It ended with ${code} before it printed ${wanted}:\n${err}`);
    }
    await Promise.race([process.printed(), process.finished]);
  }
}

/** The lines of a text. */
export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
