/**
 * Notices: what the user should know although nothing failed. One line each, on stderr.
 *
 * @module
 */

import type { Notice } from "../lib/jobs/notice.ts";
import { formatInstant } from "./output.ts";

/** A notice as a line. */
export function noticeLine(notice: Notice): string {
  switch (notice.kind) {
    case "seed":
      return `bfa: no endpoint and no copy: answering from the built-in listings, data through ${notice.dataThrough} (${notice.ageDays} days old); set BFA_ENDPOINT for newer data`;
    case "pinned":
      return `bfa: first contact with ${notice.endpoint}: trusting its key ${
        notice.keys.join(", ")
      } from now on`;
    case "behind":
      return `bfa: ${notice.freshness}: ${notice.version} may be behind (next one expected ${
        formatInstant(notice.since)
      }); ${notice.reason}${
        notice.retryAt ? `; asking again after ${formatInstant(notice.retryAt)}` : ""
      }`;
    case "publisher-late":
      return `bfa: stale: ${notice.version} is the newest there is; the publisher is late (a newer one was expected on ${
        formatInstant(notice.since)
      })`;
    case "expired":
      return `bfa: expired: the signature of ${notice.version} has ended (a newer version was expected on ${
        formatInstant(notice.since)
      }); answering all the same, as asked`;
    case "not-kept":
      return `bfa: this copy is not kept: ${notice.reason}`;
  }
}
