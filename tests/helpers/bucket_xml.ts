/** The XML of a simulated bucket: pages of a listing, and errors. @module */

import { fromBinary } from "./bucket_bytes.ts";
import type { Page, PageQuery } from "./bucket_keys.ts";
import type { PageRows } from "./bucket_rows.ts";

/** The form of a page. */
export interface XmlOptions {
  /** Without XML declaration, namespace and what repeats the request, as some real answers. */
  readonly bare?: boolean;
}

const END = "</ListBucketResult>";
const encoder = new TextEncoder();
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Writes a page as S3 does. `NextMarker` is there only with a delimiter. */
export function pageXml(query: PageQuery, page: Page, { bare = false }: XmlOptions = {}): string {
  const prefix = tag("Prefix", query.prefix);
  const truncated = `<IsTruncated>${page.isTruncated}</IsTruncated>`;
  const hasNext = page.isTruncated && query.delimiter !== "";
  const next = hasNext ? tag("NextMarker", page.next) : "";
  const rows = page.objects.map(({ binary, lastModified, etag, size }) =>
    `<Contents>${tag("Key", binary)}<LastModified>${lastModified}</LastModified>` +
    `<ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size>` +
    "<StorageClass>STANDARD</StorageClass></Contents>"
  );
  const groups = page.prefixes.map((group) =>
    `<CommonPrefixes>${tag("Prefix", group)}</CommonPrefixes>`
  );
  const body = `${truncated}${next}${rows.join("")}${groups.join("")}${END}`;
  if (bare) return `<ListBucketResult>${prefix}${body}`;
  const delimiter = query.delimiter ? tag("Delimiter", query.delimiter) : "";
  return `${DECLARATION}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
    `<Name>data.binance.vision</Name>${prefix}${tag("Marker", query.marker)}` +
    `<MaxKeys>${query.maxKeys}</MaxKeys>${delimiter}${body}`;
}

/** A page whose objects are written already. */
export function pageOfRows(
  query: PageQuery,
  { xml, isTruncated }: PageRows,
  options: XmlOptions = {},
): Uint8Array<ArrayBuffer> {
  const rest = pageXml(query, { objects: [], prefixes: [], isTruncated, next: "" }, options);
  const [head, tail] = [rest.slice(0, -END.length), END].map((text) => encoder.encode(text));
  const page = new Uint8Array(head!.length + xml.length + tail!.length);
  page.set(head!);
  page.set(xml, head!.length);
  page.set(tail!, head!.length + xml.length);
  return page;
}

/** Writes an error as S3 does. */
export function errorXml(code: string, message: string): string {
  return `${DECLARATION}<Error><Code>${code}</Code><Message>${message}</Message>` +
    "<RequestId>SIMULATED</RequestId><HostId>SIMULATED</HostId></Error>";
}

function tag(name: string, binary: string): string {
  return `<${name}>${escapeXml(fromBinary(binary))}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** S3 writes control characters as references, though XML 1.0 allows only three of them. */
function escapeXml(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex -- they are what is escaped
    /[&<>"\x00-\x1f]/g,
    (char) => ENTITIES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}
