/**
 * Listings as a publisher writes them: such that every client can read them.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError } from "../core/errors.ts";
import { parseListings } from "../core/listings_file.ts";
import type { Build } from "./build_folder.ts";

/**
 * Returns the text of `listings.json` as it is, when clients can read it: they refuse rows out of order, lives that
 * overlap, and days that do not exist.
 *
 * @param doing What is refused otherwise, such as `publish 2026-08-08.1`.
 */
export function readableListings(text: string, doing: string): string {
  try {
    parseListings(text);
  } catch (cause) {
    if (!(cause instanceof BfaError)) throw cause;
    const reason = cause.message.replace("Cannot read the listings: ", "");
    const remedy = reason.endsWith(": order")
      ? "sort them by symbol and first day, without overlaps"
      : "correct it";
    throw new BfaError(
      "usage",
      `Cannot ${doing}: every client would refuse its listings, for their ${reason}; ${remedy}`,
      { cause },
    );
  }
  return text;
}

/** Throws when no client could read the listings of a build; a file that is missing is the upload's to tell. */
export async function refuseUnreadableListings(build: Build, dir: string): Promise<void> {
  for (const { name, role } of build.artifacts) {
    if (role !== "listings") continue;
    const text = await Deno.readTextFile(join(dir, name)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    if (text !== undefined) readableListings(text, `publish ${build.version}`);
  }
}
