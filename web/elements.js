/**
 * What the pages are made of: elements and tables. Whatever is put into them is shown as text, never as markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Rows that a table shows. */
export const MAX_ROWS = 2_000;

/** An element with its attributes and children; texts are texts. */
export function make(name, attributes = {}, ...children) {
  const element =
    name === "svg" || name === "rect" || name === "line" || name === "path" || name === "title"
      ? document.createElementNS(SVG, name)
      : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A table of rows; a cell may be an element. */
export function table(columns, rows) {
  const cell = (value) =>
    make(
      "td",
      typeof value === "number" ? { class: "number" } : {},
      value === null ? "" : value instanceof Node ? value : String(value),
    );
  return make(
    "div",
    { class: "scroll", tabindex: "0" },
    make(
      "table",
      {},
      make(
        "thead",
        {},
        make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column))),
      ),
      make("tbody", {}, ...rows.slice(0, MAX_ROWS).map((row) => make("tr", {}, ...row.map(cell)))),
    ),
  );
}
