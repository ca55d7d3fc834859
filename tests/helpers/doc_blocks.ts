/** The blocks of documentation that checks run: what stands there is what is tested. @module */

/** A block and the name of its check. */
export interface DocBlock {
  readonly name: string;
  readonly text: string;
}

/** The page that most of them are on. */
const READERS = "readers.md";

/** What the page shows, and what it stands for. */
const SHOWN = { url: "http://127.0.0.1:8000", version: "2026-08-08.1" };

/** All blocks of the page, in order; those that are not run have no name. */
export async function docBlocks(
  file = READERS,
): Promise<(DocBlock | { name: undefined; text: string })[]> {
  const page = await Deno.readTextFile(new URL(`../../docs/${file}`, import.meta.url));
  const blocks = page.matchAll(/(?:<!-- (check|not run): ([^\n]*?) -->\n)?```\w+\n([^]*?)```/g);
  return [...blocks].map(([, kind, name, text]) =>
    kind === "check" ? { name: name!, text: text! } : { name: undefined, text: text! }
  );
}

/** One block, about the service and version that are there. */
export async function docBlock(
  name: string,
  { url, version }: { url: string; version: string },
  file = READERS,
): Promise<string> {
  const block = (await docBlocks(file)).find((block) => block.name === name);
  if (!block) throw new Error(`docs/${file} has no block ${name}`);
  return block.text.replaceAll(SHOWN.url, url).replaceAll(SHOWN.version, version);
}
