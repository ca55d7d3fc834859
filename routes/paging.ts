/**
 * Pages: cutting an answer's rows, and the cursor that leads to the rest. A cursor names the version
 * its page came from, so that the pages of one answer never mix two versions.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Table } from "../lib/core/table.ts";
import { versionParts } from "../lib/core/version.ts";
import type { Answer } from "./question.ts";

/** Where a page begins. */
export interface Cursor {
  readonly version: string;
  readonly offset: number;
}

/** The part of an answer that is asked for. */
export interface Page {
  readonly body: object;
  readonly table: (() => Table) | undefined;
  /** Leads to the rest, when there is any. */
  readonly next: string | undefined;
}

const BASE64 = { alphabet: "base64url" } as const;

/** Reads a cursor. */
export function readCursor(text: string): Cursor {
  try {
    const [version, offset] = JSON.parse(
      new TextDecoder().decode(Uint8Array.fromBase64(text, BASE64)),
    );
    if (versionParts(version) && Number.isSafeInteger(offset) && offset > 0) {
      return { version, offset };
    }
  } catch {
    // Whatever is wrong with it, there is one thing to say.
  }
  throw new BfaError("usage", 'Cannot read the parameter "next": take it from the page before');
}

/** Writes a cursor. */
function writeCursor({ version, offset }: Cursor): string {
  return new TextEncoder().encode(JSON.stringify([version, offset]))
    .toBase64({ ...BASE64, omitPadding: true });
}

/** Cuts a page out of an answer. */
export function pageOf(
  { body, table, lists = [], whole }: Answer,
  { version, offset = 0, limit }: { version: string; offset?: number; limit: number | undefined },
): Page {
  if (whole !== undefined) return cutPage({ body, table, lists }, { version, offset, whole });
  if (limit === undefined && offset === 0) return { body, table, next: undefined };
  const end = limit === undefined ? Infinity : offset + limit;
  const cut: Record<string, unknown> = { ...body };
  let rows = 0;
  for (const name of lists) {
    const list = cut[name];
    if (!Array.isArray(list)) continue;
    rows = Math.max(rows, list.length);
    cut[name] = list.slice(offset, end);
  }
  if (offset >= rows && offset > 0) throw noMore();
  const next = rows > end ? writeCursor({ version, offset: end }) : undefined;
  if (next) Object.assign(cut, { truncated: true, next });
  const cutTable = table && (() => {
    const whole = table();
    return { ...whole, rows: whole.rows.slice(offset, end) };
  });
  return { body: cut, table: cutTable, next };
}

/** A page that was cut where it was made. */
function cutPage(
  { body, table, lists }: Pick<Page, "body" | "table"> & { lists: readonly string[] },
  { version, offset, whole }: { version: string; offset: number; whole: number },
): Page {
  if (offset >= whole && offset > 0) throw noMore();
  const end = offset + Math.max(...lists.map((name) => (body as Record<string, []>)[name]!.length));
  if (end >= whole) return { body, table, next: undefined };
  const next = writeCursor({ version, offset: end });
  return { body: { ...body, truncated: true, next }, table, next };
}

function noMore(): BfaError {
  return new BfaError("usage", 'Cannot read the parameter "next": the page before was the last');
}
