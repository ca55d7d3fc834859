/**
 * The library's reference page, from what `deno doc` says of its public API.
 *
 * @module
 */

/** Runs `deno doc` on the library and makes its page. */
export async function libraryPage(): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "lib/mod.ts"],
    env: { NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("deno doc failed");
  return markdown(new TextDecoder().decode(stdout));
}

/** One section for every exported name; what it declares stands there as `deno doc` prints it. */
function markdown(doc: string): string {
  const [, ...names] = doc.split(/^Defined in .*\n/m);
  const sections = names.map((text) => {
    const declared = text.trim();
    const [, name] =
      /^(?:async )?(?:function|class|interface|type|const) \*?(\w+)/.exec(declared) ?? [];
    if (name === undefined) throw new Error(`Cannot tell what this declares:\n${declared}`);
    return `## ${name}\n\n\`\`\`\`text\n${declared}\n\`\`\`\`\n`;
  });
  return `# Library

\`\`\`ts
import { open } from "@bfa/cli/lib";

const bfa = await open({ offline: true }); // the built-in listings; or { endpoint: "http://127.0.0.1:8000" }
const { symbols } = await bfa.snapshot("2024-01-15");
\`\`\`

Nothing is downloaded before the first question; then a verified copy is kept, and answers come from it without any request while it is
[fresh](freshness.md). Failures are \`BfaError\` with a stable \`code\`; [cli.md](cli.md#exit-codes) lists them.
A question that its \`signal\` ends throws the signal's reason; a permission that is missing is Deno's own \`NotCapable\`, which names it.

This page is made from the code's own documentation (\`deno task docs\`).

${sections.join("\n")}`;
}
