/**
 * Builds the client for endpoints in an OCI registry: reached only by those who were given one.
 *
 * @module
 */

import { ociApi } from "../mirror/oci_api.ts";
import { registryClient } from "../mirror/oci_reader.ts";
import type { HttpClient } from "../net/client.ts";
import { sender } from "../net/sender.ts";
import type { OpenOptions } from "./open.ts";

/** Answers requests for `oci://…` addresses. */
export function openRegistries({ fetch, now, registryLogin }: OpenOptions): HttpClient {
  return registryClient(async (place) =>
    ociApi({
      place,
      sender: sender({ place: `oci://${place.host}/${place.repository}`, fetch, now }),
      login: await registryLogin?.(place.host),
      ...(now ? { now } : {}),
    })
  );
}
