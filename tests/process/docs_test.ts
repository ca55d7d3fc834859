import { assertEquals, assertStringIncludes } from "@std/assert";
import { allCommands } from "../../commands/registry.ts";
import { commandHelp } from "../../commands/help.ts";
import { EXIT_MEANINGS } from "../../commands/failure.ts";
import { OTHER_ROUTES } from "../../routes/other_routes.ts";
import { QUESTIONS } from "../../routes/questions.ts";

Deno.test("every command stands in docs/cli.md with its help, every exit code too", async () => {
  const page = await Deno.readTextFile("docs/cli.md");
  for (const command of await allCommands()) {
    assertStringIncludes(page, `## bfa ${command.name}\n`);
    assertStringIncludes(page, commandHelp(command));
  }
  for (const [code, meaning] of Object.entries(EXIT_MEANINGS)) {
    assertStringIncludes(page, `| ${code} | ${meaning} |`);
  }
});

Deno.test("every route stands in docs/http.md, and every path there is a route", async () => {
  const page = await Deno.readTextFile("docs/http.md");
  const routes = [
    ...QUESTIONS.map(({ path }) => `/v1${path}`),
    ...Object.values(OTHER_ROUTES).map(({ path }) => path),
  ];
  const listed = [...page.matchAll(/^\| `(\/[^`]*)` \|/gm)].map((match) => match[1]!);
  assertEquals(routes.filter((route) => !listed.includes(route)), []);
  const known = ["/v/{version}/…", ...routes, "/snapshot/{day}"];
  assertEquals(listed.filter((path) => !known.includes(path)), []);
});

Deno.test("every command has one sentence, and two examples that start with it", async () => {
  for (const { name, summary, examples } of await allCommands()) {
    assertEquals([name, summary.endsWith(".")], [name, false]);
    assertEquals([name, examples.length], [name, 2]);
    assertEquals([name, examples.some((example) => example.includes(`bfa ${name}`))], [name, true]);
  }
});

Deno.test("every link in the documents leads to a file, and to a heading that is there", async () => {
  const dead: string[] = [];
  for (const document of await documents()) {
    const text = (await Deno.readTextFile(document)).replaceAll(/^```[^]*?^```/gm, "");
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const { pathname, hash } = new URL(link!, new URL(document, `file://${Deno.cwd()}/`));
      const path = decodeURIComponent(pathname);
      const found = await Deno.stat(path).then(() => true, () => false);
      const there = found && (hash === "" || (await anchors(path)).has(decodeURIComponent(hash)));
      if (!there) dead.push(`${document}: ${link}`);
    }
  }
  assertEquals(dead, []);
});

/** Every Markdown file of the project; what is made or hidden is not looked through. */
async function documents(folder = "."): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = folder === "." ? name : `${folder}/${name}`;
    if (isDirectory && !/^(\..*|dist|node_modules|coverage)$/.test(name)) {
      found.push(...await documents(path));
    } else if (name.endsWith(".md")) found.push(path);
  }
  return found;
}

/** The anchors that GitHub gives a document's headings. */
async function anchors(path: string): Promise<Set<string>> {
  const found = new Set<string>();
  const text = (await Deno.readTextFile(path)).replaceAll(/^```[^]*?^```/gm, "");
  for (const [, heading] of text.matchAll(/^#+ +(.+)$/gm)) {
    const base = "#" + heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = base;
    for (let n = 1; found.has(anchor); n++) anchor = `${base}-${n}`;
    found.add(anchor);
  }
  return found;
}
