/**
 * Paths as the description of the API writes them, `/v1/diff/{a}..{b}`, in the router's own form.
 *
 * @module
 */

/** The router's pattern for a path template. A segment of two parts is one to the router. */
export function routerPath(template: string): string {
  return template.split("/").map((segment) => {
    const names = namesIn(segment);
    if (names.length > 1) return `:${names.join("_")}`;
    return segment.replace(/\{(\w+)\}/, ":$1");
  }).join("/");
}

/** Takes the parts of a path apart that are one to the router. */
export function pathParts(
  template: string,
  found: Readonly<Record<string, string>>,
): Record<string, string> {
  const parts: Record<string, string> = {};
  for (const segment of template.split("/")) {
    const names = namesIn(segment);
    if (names.length === 1) parts[names[0]!] = found[names[0]!] ?? "";
    if (names.length < 2) continue;
    const shape = segment.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "(.*?)");
    const match = new RegExp(`^${shape}$`).exec(found[names.join("_")] ?? "");
    names.forEach((name, i) => parts[name] = match?.[i + 1] ?? "");
  }
  return parts;
}

function namesIn(segment: string): string[] {
  return [...segment.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
}
