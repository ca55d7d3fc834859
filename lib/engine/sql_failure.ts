/**
 * What DuckDB says when a statement fails, as a failure of ours: the kind of failure, and one line
 * without anything of the machine in it.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { SQL_TABLES } from "../core/sql_schema.ts";

/** Kinds of errors that are about the client's own statement; their first line may be told. */
const ABOUT_THE_STATEMENT =
  /^(Binder|Catalog|Parser|Syntax|Conversion|Invalid Input|Out of Range|Mismatch Type|Not implemented|Constraint|Invalid) (Error|type)/i;

/** Messages of all kinds that mean: more than this process has. */
const TOO_MUCH =
  /out of memory|memory limit|bad_alloc|failed to allocate|could not allocate|string of size|too (large|long|big|deep|many)|exceed|maximum|max[_ ]expression|resize|overflow in (string|list)|must be <=|size of .* larger|larger than/i;

/** What is said of a table that is not there. DuckDB itself suggests tables of its own catalog. */
export function noTable(name: string): string {
  const published = Object.keys(SQL_TABLES).join(", ");
  return `there is no table ${JSON.stringify(name.slice(0, 60))}; there are ${published}`;
}

/** The first line of a message of DuckDB's, short, without its kind. */
function firstLine(message: string): string {
  const [first, ...more] = message.replace(/^(?:[\w ]+ )?Error:\s*/i, "").split("\n");
  const missing = /^Table with name (.+) does not exist!/.exec(first!);
  if (missing) return noTable(missing[1]!);
  const hint = more.find((line) => /^(Candidate|Did you mean)/.test(line));
  return [first!.trim(), ...(hint ? [hint.trim()] : [])].join(" ").slice(0, 300);
}

/** The same, without a path. */
export function plainReason(message: string): string {
  return firstLine(message).replace(/(?:[\w.-]*\/[\w.-]+){2,}/g, "…");
}

/**
 * A failure of a statement, as a failure of ours.
 *
 * @param options `owner`: it is told to the machine's owner, who may know what is wrong with a file.
 */
export function sqlFailure(thrown: unknown, options: { owner?: boolean } = {}): BfaError {
  if (thrown instanceof BfaError) return thrown;
  if (thrown instanceof RangeError) {
    return new BfaError("limit", "Cannot run this SQL: it needs more than it may use", {
      cause: thrown,
    });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/^INTERRUPT Error/i.test(message)) {
    return new BfaError("deadline", "Cannot finish this SQL in time", { cause: thrown });
  }
  if (TOO_MUCH.test(message)) {
    return new BfaError("limit", "Cannot run this SQL: it needs more memory than it may use", {
      cause: thrown,
    });
  }
  const told = options.owner
    ? firstLine(message)
    : ABOUT_THE_STATEMENT.test(message)
    ? plainReason(message)
    : "the database refuses it";
  return new BfaError("sql_rejected", `Cannot run this SQL: ${told}`, { cause: thrown });
}
