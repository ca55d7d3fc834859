/**
 * Where artifacts have addresses of their own: what the manifests of a store say.
 *
 * @module
 */

import type { ManifestReader } from "../manifest/store.ts";
import { artifactPath } from "../mirror/mirror.ts";

/**
 * Finds the `url` of artifacts by their path, `<sha256>/<name>`. Each manifest is read once, newest
 * first, and only when a path is not known yet.
 */
export function artifactUrls(
  store: Pick<ManifestReader, "versions" | "bySequence">,
): (path: string) => Promise<string | undefined> {
  const urls = new Map<string, string>();
  const read = new Set<number>();
  return async (path) => {
    if (urls.has(path)) return urls.get(path);
    for (const { sequence } of (await store.versions()).reverse()) {
      if (read.has(sequence)) continue;
      const stored = await store.bySequence(sequence);
      for (const artifact of stored?.manifest.signed.artifacts ?? []) {
        const at = artifactPath(artifact);
        if (artifact.url && !urls.has(at)) urls.set(at, artifact.url);
      }
      read.add(sequence);
    }
    return urls.get(path);
  };
}
