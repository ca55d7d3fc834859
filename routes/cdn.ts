/**
 * Deno Deploy's own cache in front of the service: what it is told, and how it is emptied.
 *
 * @module
 */

/** Every answer that another version will replace has this tag. */
export const LATEST_TAG = "bfa-latest";

/** Where an app on Deno Deploy purges its cache. */
const PURGE_URL = "http://cache.localhost/invalidate/http";

/** How long a purge may take, ms. */
const PURGE_MS = 5_000;

/**
 * What the cache is told.
 *
 * @param control As `Cache-Control`.
 * @param tags What the answer can be purged by.
 */
export function cdnHeaders(control: string, tags: readonly string[]): Record<string, string> {
  return { "deno-cdn-cache-control": control, "deno-cache-tag": tags.join(",") };
}

/**
 * Purges what the newest version answered, everywhere: works inside Deno Deploy only.
 *
 * @throws {Error} When the platform refuses.
 */
export async function purgeLatest(url = PURGE_URL): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tags: [LATEST_TAG] }),
    signal: AbortSignal.timeout(PURGE_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`Cannot purge the cache: it answered ${response.status}`);
}
