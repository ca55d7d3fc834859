/**
 * What stands between a client and its server, and answers in its place or changes what passes.
 *
 * @module
 */

/** Why an answer is of no use, after the name of what was asked for. */
export const IS_WEB_PAGE = "a web page came instead, as a login or a proxy sends it";

/** Whether an answer says that it is a web page: nothing that is fetched is one. */
export function isWebPage({ headers }: Response): boolean {
  return /^\s*text\/html\b/i.test(headers.get("content-type") ?? "");
}

/** Whether a text is a web page, whatever its answer says. */
export function isWebPageText(text: string): boolean {
  return /^\uFEFF?\s*<(?:!doctype\s+html|html)\b/i.test(text);
}

/** Whether an answer is compressed on its way. (Some stores tell `aws-chunked` of files as they are.) */
export function isEncoded({ headers }: Response): boolean {
  return /\b(?:gzip|deflate|br|zstd|compress)\b/i.test(headers.get("content-encoding") ?? "");
}

/** Why an answer that is compressed is of no use, after the name of what was asked for. */
export const IS_ENCODED = "it is compressed on its way, although it must not be";
