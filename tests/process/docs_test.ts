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

Deno.test("every link in the documents leads to a file", async () => {
  const documents = ["README.md", "ARCHITECTURE.md"];
  for (const folder of ["docs", "docs/decisions", "docs/guides", "data"]) {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".md")) documents.push(`${folder}/${name}`);
    }
  }
  const dead: string[] = [];
  for (const document of documents) {
    const text = await Deno.readTextFile(document);
    for (const [, link] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const path = new URL(link!, new URL(document, `file://${Deno.cwd()}/`)).pathname;
      await Deno.stat(decodeURIComponent(path)).catch(() => dead.push(`${document}: ${link}`));
    }
  }
  assertEquals(dead, []);
});
