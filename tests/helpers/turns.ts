/** Work that keeps the process busy, and others who want their turn meanwhile. @module */

/** Keeps the process busy. */
export function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Counts how often others have had their turn. */
export function others(): { turns: number; stop: () => void } {
  const seen = { turns: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => seen.turns++);
  return seen;
}
