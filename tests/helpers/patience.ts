/** A client that has time. @module */

/** How often it comes again. */
const TIMES = 20;

/** Asks a service that may be on a slow machine: comes again after a 503 that says when to. */
export async function askPatiently(url: string): Promise<Response> {
  for (let times = 1;; times++) {
    const response = await fetch(url);
    const after = Number(response.headers.get("retry-after"));
    if (response.status !== 503 || !after || times === TIMES) return response;
    await response.body?.cancel();
    await new Promise((done) => setTimeout(done, after * 1000));
  }
}
