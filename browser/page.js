/**
 * SQL in the browser: the page. It asks its worker, and shows what it says: as text, never as markup. No statement is run by a
 * link alone.
 *
 * Address: `#sql=…` (filled in, not run).
 */

import { SQL_TABLES } from "../lib/core/sql_schema.ts";
import { make, table } from "../web/elements.js";

/** How long a statement may take to stop by itself, ms. */
const STOP_MS = 1_500;

const FIRST_STATEMENT = `SELECT date, count(*) AS symbols
FROM daily_availability
WHERE state = 'traded'
GROUP BY date
ORDER BY date DESC
LIMIT 10`;

const [form, run, stop, hint, answer, said, version, tables] = [
  "sql-form",
  "run",
  "stop",
  "hint",
  "answer",
  "said",
  "version",
  "tables",
].map((id) => document.getElementById(id));
const { sql } = form.elements;

let worker;
let startedAt = 0;
let notices = [];

/** What this browser lacks, if anything. */
function missing() {
  if (typeof Worker === "undefined") return "no workers";
  if (typeof WebAssembly === "undefined") return "no WebAssembly";
  if (typeof DecompressionStream === "undefined") return "no DecompressionStream";
}

/**
 * A worker that is made of a line of text has the policy of this page, whatever headers the server of its script sends: a
 * bucket can send none.
 */
function startWorker() {
  const script = new URL("worker.js", import.meta.url).href;
  const line = new Blob([`import ${JSON.stringify(script)};`], { type: "text/javascript" });
  const address = URL.createObjectURL(line);
  const made = new Worker(address, { type: "module" });
  made.onmessage = ({ data }) => hear[data.tell](data);
  made.onerror = (event) => {
    event.preventDefault();
    fail(`Cannot start the worker: ${event.message || "its script cannot be loaded"}`);
  };
  made.postMessage({ ask: "open", folder: new URL(".", document.baseURI).href });
  return made;
}

/** What to do with what the worker tells. */
const hear = {
  opened({ version: { version: name, dataThrough, symbols, tables: bytes } }) {
    version.replaceChildren(
      `Version ${name}: ${symbols} symbols, data through ${dataThrough}. Its signature was verified here.`,
      ...notices.map((text) => ` ${text}`),
    );
    notices = [];
    showTables(bytes);
  },
  notice: ({ text }) => notices.push(text), // told while the version is opened
  progress({ text }) {
    if (run.disabled) hint.textContent = text;
  },
  answer({ answer: { columns, rows, count } }) {
    const ms = Math.round(performance.now() - startedAt);
    const shown = rows.length < count ? `, the first ${rows.length} are shown` : "";
    const csv = make("button", { type: "button", onclick: () => ask("csv") }, "CSV");
    const told = `${count} ${count === 1 ? "row" : "rows"}${shown} in ${ms} ms`;
    said.textContent = told;
    show(
      make("p", { class: "note" }, `${told} · `, csv),
      table(columns.map(({ name }) => name), rows.map((row) => row.map(cellText))),
    );
  },
  csv({ file }) {
    const address = URL.createObjectURL(file);
    make("a", { href: address, download: "bfa.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // the download has begun by then
  },
  failed: ({ message }) => fail(message),
};

/** Whole numbers beyond 2^53 come as such. */
function cellText(value) {
  return typeof value === "bigint" ? String(value) : value;
}

let wasAtRun = false;

function show(...elements) {
  answer.replaceChildren(...elements);
  busy(false);
}

function fail(message) {
  show(make("p", { class: "problem", role: "alert" }, message));
}

function busy(now) {
  if (now) wasAtRun = document.activeElement === run;
  run.disabled = now;
  // A button that is disabled loses the keyboard.
  const isNowhere = document.activeElement === document.body;
  if (!now && wasAtRun && isNowhere) run.focus({ preventScroll: true });
  stop.hidden = !now;
  hint.textContent = now ? "…" : "or Ctrl-Enter";
}

function ask(what, more = {}) {
  worker.postMessage({ ask: what, ...more });
}

function runSql() {
  if (run.disabled) return;
  history.replaceState(null, "", `#sql=${encodeURIComponent(sql.value)}`);
  startedAt = performance.now();
  busy(true);
  worker ??= startWorker();
  ask("run", { sql: sql.value });
}

/** What does not stop by itself is ended with its worker; the tables go with it. */
function stopSql() {
  const asked = startedAt;
  ask("stop");
  setTimeout(() => {
    if (!run.disabled || startedAt !== asked) return;
    worker.terminate();
    worker = undefined;
    fail("Stopped. The next statement fetches DuckDB and its tables again.");
  }, STOP_MS);
}

function showTables(bytes) {
  tables.replaceChildren(
    ...Object.entries(SQL_TABLES).map(([name, columns]) => {
      const size = bytes[name] ? `, ${(bytes[name] / 1e6).toFixed(1)} MB` : "";
      const rows = columns.map(({ name, type, description }) => [name, type, description]);
      return make(
        "details",
        {},
        make("summary", {}, make("code", {}, name), size),
        table(["column", "type", "what"], rows, `Columns of ${name}`),
      );
    }),
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  runSql();
});
stop.addEventListener("click", stopSql);
sql.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    runSql();
  }
});

function readAddress() {
  const [, text] = /^#sql=(.*)$/s.exec(location.hash) ?? [];
  if (text === undefined) return;
  try {
    sql.value = decodeURIComponent(text);
  } catch {
    // not an address of ours
  }
}

sql.value = FIRST_STATEMENT;
readAddress();
addEventListener("hashchange", readAddress);
const lack = missing();
if (lack) {
  fail(
    `Cannot run SQL here: this browser has ${lack}. Run \`bfa sql\` on your own machine instead.`,
  );
  run.disabled = true;
} else {
  worker = startWorker();
}
