/**
 * An answer to SQL in another format than JSON. It is made in the child: the server would stand still meanwhile, for
 * seconds where a table has millions of cells, and would hold what it is made of.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { encodeTable, type TableFormat } from "../formats/formats.ts";
import { readRowsJson, type SqlAnswerParts } from "./sql_answer.ts";

/** The longest answer, bytes: rows repeat the names of their columns in NDJSON, and Markdown escapes. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Rows of JSON as a table in a format.
 *
 * @throws {BfaError} `limit` when that is too long, `not_acceptable` for a value that the format does not have.
 */
export async function sqlEncoded(
  { head, rows }: SqlAnswerParts,
  format: TableFormat,
): Promise<SqlAnswerParts> {
  const { columns } = head;
  const made: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const chunk of await encodeTable({ columns, rows: readRowsJson(rows, columns) }, format)) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      throw new BfaError(
        "limit",
        `Cannot answer as ${format}: it is over ${
          MOST_BYTES >> 20
        } MB; ask for fewer rows, or for JSON`,
      );
    }
    made.push(chunk);
  }
  return { head, rows: new Uint8Array(await new Blob(made).arrayBuffer()) };
}
