/**
 * `where` and `sort`: an answer with the wanted rows alone, before it is cut into pages.
 *
 * @module
 */

import { isSifting, type Sift, sift, siftedBody } from "../lib/core/sift.ts";
import type { Answer } from "./question.ts";

/** The same answer with what is wanted of its rows. */
export function sifted(answer: Answer, wanted: Sift): Answer {
  const { body, lists = [], most } = answer;
  if (!answer.table || !isSifting(wanted)) return answer;
  const table = answer.table();
  const positions = sift(table, wanted).slice(0, most);
  return {
    ...answer,
    body: siftedBody(body, lists, positions),
    table: () => ({ ...table, rows: positions.map((at) => table.rows[at]!) }),
  };
}
