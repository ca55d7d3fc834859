/**
 * What this program is called.
 *
 * @module
 */

/** The version of this program; the same as in deno.json, which a test says. */
export const PROGRAM_VERSION = "0.1.0";
