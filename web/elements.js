/**
 * What the pages are made of: elements, tables and strips of days. Whatever is put into them is shown as text, never as markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** What a day of a symbol can be. */
export const STATES = ["traded", "archived", "missing"];

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

/** A table of rows; a cell may be an element. `label` is what a screen reader calls it. */
export function table(columns, rows, label = "Rows") {
  const isNumber = columns.map((_, at) =>
    rows.length > 0 && rows.every((row) => isNumeric(row[at]))
  );
  const cell = (value) =>
    make(
      "td",
      typeof value === "number" ? { class: "number" } : {},
      value === null ? "" : value instanceof Node ? value : String(value),
    );
  const region = make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    make(
      "table",
      {},
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          ...columns.map((column, at) =>
            make("th", { scope: "col", ...(isNumber[at] ? { class: "number" } : {}) }, column)
          ),
        ),
      ),
      make("tbody", {}, ...rows.slice(0, MAX_ROWS).map((row) => make("tr", {}, ...row.map(cell)))),
    ),
  );
  oneTabStop(region);
  return region;
}

/** Buttons of a table are one stop of the Tab key, however many they are; the arrow keys go from one to the next. */
function oneTabStop(region) {
  const buttons = [...region.querySelectorAll("td button")];
  const mayStop = (button, may) => button?.setAttribute("tabindex", may ? "0" : "-1");
  buttons.forEach((button, at) => mayStop(button, at === 0));
  region.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
    const to = at < 0 ? undefined : buttons[steps[event.key]];
    if (to === undefined) return;
    event.preventDefault();
    buttons.forEach((button) => mayStop(button, button === to));
    to.focus();
  });
}

/** Whether a cell can stand in a column of numbers. */
function isNumeric(value) {
  return typeof value === "number" || value === null;
}

/** One strip a year, one unit a day. */
export function years(rows) {
  const place = make("div", { class: "years" });
  for (const [year, days] of Map.groupBy(rows, (row) => row.date.slice(0, 4))) {
    const start = Date.UTC(year, 0, 1);
    const strip = make("svg", {
      viewBox: "0 0 366 10",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${year}: ${countedStates(days)}`,
    });
    for (const run of runsOf(days)) {
      const from = (Date.parse(run.from) - start) / 86_400_000;
      const to = (Date.parse(run.to) - start) / 86_400_000;
      const title = make("title", {}, `${run.from} to ${run.to}: ${run.state}`);
      strip.append(
        make("rect", { class: run.state, x: from, y: 0, width: to - from + 1, height: 10 }, title),
      );
    }
    place.append(make("span", {}, year), strip);
  }
  return place;
}

/** `317 days traded, 4 archived`. */
function countedStates(days) {
  const counts = STATES.map((state) => [days.filter((day) => day.state === state).length, state]);
  return counts.filter(([count]) => count > 0)
    .map(([count, state], at) => `${count}${at === 0 ? " days" : ""} ${state}`).join(", ");
}

/** Days in a row with one state. */
function runsOf(days) {
  const runs = [];
  for (const { date, state } of days) {
    const last = runs.at(-1);
    const follows = last && Date.parse(date) - Date.parse(last.to) === 86_400_000;
    if (follows && last.state === state) last.to = date;
    else runs.push({ from: date, to: date, state });
  }
  return runs;
}
