/**
 * Packing a file while other work goes on.
 *
 * @module
 */

/**
 * `CompressionStream` works on the thread that feeds it, so it is fed by another. As text, since programs that were
 * bundled into one file have no module of its own to start.
 */
const WORKER = `
onmessage = async ({ data: { from, to } }) => {
  try {
    const source = await Deno.open(from);
    const target = await Deno.create(to);
    await source.readable.pipeThrough(new CompressionStream("gzip")).pipeTo(target.writable);
    postMessage({});
  } catch ({ message, code }) {
    postMessage({ failure: { message, code } });
  }
};`;

/** Writes a file as gzip, on a thread of its own. */
export async function gzipFile(from: string, to: string): Promise<void> {
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  try {
    const { failure } = await new Promise<{ failure?: { message: string; code?: string } }>(
      (resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error(event.message));
        };
        worker.postMessage({ from, to });
      },
    );
    if (failure) throw Object.assign(new Error(failure.message), { code: failure.code });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(address);
  }
}
