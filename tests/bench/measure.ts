/** Medians, reading a child's first lines, and what Linux counts of a process. @module */

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Reads a child's output until a line matches. */
export async function readLine(
  stream: ReadableStream<Uint8Array>,
  wanted: RegExp,
): Promise<RegExpExecArray> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream.values({ preventCancel: true })) {
    text += decoder.decode(chunk, { stream: true });
    const match = wanted.exec(text);
    if (match) return match;
  }
  throw new Error(`Cannot find ${wanted} in:\n${text}`);
}

/** Runs `work` many times and returns the median time of one, in µs. */
export function microseconds(work: () => unknown, times = 2_000): number {
  for (let i = 0; i < 200; i++) work();
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    work();
    samples.push((performance.now() - start) * 1_000);
  }
  return median(samples);
}

/** CPU time of a process, user and system, in seconds. */
export function cpuSeconds(pid: number): number {
  const [, facts] = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ");
  const fields = facts!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most memory a process has had resident, bytes. */
export function peakRss(pid: number): number {
  const found = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return Number(found![1]) * 1024;
}
