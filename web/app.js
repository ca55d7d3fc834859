/**
 * The page: asks the service it came from, and shows what it says. Everything that arrives is shown as text, never as
 * markup; no statement is run by a link alone.
 *
 * All paths are relative: a proxy may serve it under any path.
 *
 * Addresses: `#day=2024-01-15&state=archived&quote=USDC`, `#symbol=LITUSDT`, `#from=2024-01-01&to=2024-01-31`, `#sql=…` (filled
 * in, not run). Whatever is asked for by hand becomes one, so that it can be shared, and Back leads to what was there before.
 */

import { make, MAX_ROWS, STATES, table, years } from "./elements.js";

const said = document.getElementById("said");

const forms = Object.fromEntries(
  ["day", "symbol", "events", "sql"].map((name) => [name, document.getElementById(`${name}-form`)]),
);

/** Asks the service; a problem document is thrown as what it says. */
async function ask(path, options) {
  const answer = await fetch(path, options).catch(() => {
    throw new Error("The service cannot be reached: try again.");
  });
  const body = await answer.json().catch(() => undefined);
  if (!answer.ok) {
    const error = new Error(body?.detail ?? body?.title ?? `HTTP ${answer.status}`);
    throw Object.assign(error, { suggestions: body?.suggestions ?? [] });
  }
  if (body === undefined) throw new Error("The answer broke off: try again.");
  return body;
}

/** Gives the question that was asked an address; by hand: one that Back leads away from. */
function remember(fields, byHand) {
  const hash = `#${new URLSearchParams(fields).toString().replaceAll("+", "%20")}`;
  if (hash === location.hash) return;
  history[byHand ? "pushState" : "replaceState"](null, "", hash);
}

/**
 * Fills a form's answer while it works; a failure is shown in its place. `work` gets the fields, and whether they were sent by
 * hand: then the first line of the answer is told to screen readers too.
 */
function answers(name, work) {
  const form = forms[name];
  const place = document.getElementById(`${name}-answer`);
  const button = form.querySelector("button");
  let asked = 0;
  const show = async (byHand = false) => {
    const mine = ++asked;
    const wasAt = document.activeElement;
    button.disabled = true;
    place.setAttribute("aria-busy", "true");
    let shown;
    try {
      shown = await work(new FormData(form), byHand);
    } catch (error) {
      shown = failure(name, error);
    }
    if (mine !== asked) return; // a later question has taken its place
    place.replaceChildren(...shown);
    place.removeAttribute("aria-busy");
    if (byHand) said.textContent = shown[0].dataset.said ?? "";
    button.disabled = false;
    // A button that is disabled loses the keyboard.
    const isNowhere = document.activeElement === document.body;
    if (wasAt === button && isNowhere) button.focus({ preventScroll: true });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(true);
  });
  return show;
}

/** What went wrong, and what may have been meant. */
function failure(name, { message, suggestions = [] }) {
  const problem = make("p", { class: "problem", role: "alert" }, message);
  const button = { symbol: symbolButton, day: dayButton }[name];
  if (!button || suggestions.length === 0) return [problem];
  const buttons = suggestions.flatMap((near, at) => [at === 0 ? "" : " · ", button(near)]);
  return [problem, make("p", { class: "note" }, ...buttons)];
}

function dayButton(day) {
  const show = () => {
    forms.day.elements.day.value = day;
    showDay(true);
  };
  return make("button", { type: "button", onclick: show }, day);
}

/** `251 traded on 2024-01-15 · JSON · CSV · Parquet`; `address` makes the link of a format. */
function note(text, address) {
  const formats = { json: "JSON", csv: "CSV", parquet: "Parquet" };
  const links = Object.entries(formats)
    .flatMap(([format, label]) => [" · ", make("a", { href: address(format) }, label)]);
  return make("p", { class: "note", "data-said": text }, text, ...links);
}

/** The address of a question in a format. */
function addressOf(path, query = "") {
  return (format) => `${path}${format === "json" ? "" : `.${format}`}${query}`;
}

/** A symbol that shows its lives when it is pressed. */
function symbolButton(symbol) {
  return make(
    "button",
    { type: "button", onclick: () => showSymbol(symbol, { byHand: true }) },
    symbol,
  );
}

const showDay = answers("day", async (fields, byHand) => {
  const day = fields.get("day");
  if (!day) throw new Error("Give a day, such as 2024-01-15.");
  const quote = fields.get("quote");
  const states = fields.getAll("state");
  const query = new URLSearchParams(states.map((state) => ["state", state]));
  query.set("detail", "1");
  if (quote) query.set("where", `quote_asset=${quote}`);
  const named = String(states) === "traded" ? [] : states.map((state) => ["state", state]);
  remember([["day", day], ...named, ...(quote ? [["quote", quote]] : [])], byHand);
  markDay(day);
  const path = `v1/snapshot/${day}`;
  const { rows, states: included } = await ask(`${path}?${query}`);
  const text = `${rows.length} ${included.join(", ")} on ${day}`;
  const noted = note(text, addressOf(path, `?${query}`));
  if (rows.length === 0) return [noted];
  return [
    noted,
    table(
      ["symbol", "state", "type", "quote", "listed", "last traded"],
      rows.map((
        row,
      ) => [
        symbolButton(row.symbol),
        row.state,
        row.contractType,
        row.quoteAsset,
        row.first,
        row.lastTraded,
      ]),
      text,
    ),
  ];
});

const askSymbol = answers("symbol", async (fields, byHand) => {
  const symbol = fields.get("symbol").trim();
  if (!symbol) throw new Error("Give a symbol, such as BTCUSDT.");
  const path = `v1/timeline/${encodeURIComponent(symbol)}`;
  remember([["symbol", symbol]], byHand);
  const answer = await ask(`${path}?detail=1`);
  const keys = STATES.filter((state) => answer.days[state] > 0)
    .flatMap((
      state,
    ) => [" ", make("span", { class: `key ${state}` }, `${answer.days[state]} days ${state}`)]);
  return [
    note(answer.symbol, addressOf(path)),
    make("p", {}, ...keys),
    years(answer.rows),
    table(
      ["listing", "type", "quote", "listed", "last traded", "last file"],
      answer.listings.map((
        life,
      ) => [life.id, life.contractType, life.quoteAsset, life.first, life.lastTraded, life.last]),
      `Lives of ${answer.symbol}`,
    ),
  ];
});

function showSymbol(symbol, { byHand }) {
  forms.symbol.elements.symbol.value = symbol;
  bringIntoView(forms.symbol);
  return askSymbol(byHand);
}

/** Brings a form into view; gently, unless the visitor wants nothing to move. */
function bringIntoView(form) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  form.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "center" });
}

const showEvents = answers("events", async (fields, byHand) => {
  const query = `?${new URLSearchParams(fields)}`;
  if (byHand) remember([...fields], byHand);
  const [came, went] = await Promise.all(
    ["v1/new-listings", "v1/delistings"].map((path) => ask(path + query)),
  );
  const events = [
    ...came.events.map((event) => ({ ...event, what: event.relisting ? "relisted" : "new" })),
    ...went.events.map((event) => ({ ...event, what: "gone" })),
  ].sort((a, b) => a.date < b.date ? 1 : a.date > b.date ? -1 : 0);
  const notes = [
    note(`${came.count} new`, addressOf("v1/new-listings", query)),
    note(`${went.count} gone`, addressOf("v1/delistings", query)),
  ];
  notes[0].dataset.said = `${came.count} new, ${went.count} gone`;
  if (events.length === 0) return notes;
  return [
    ...notes,
    table(
      ["date", "what", "symbol", "listing", "type", "quote"],
      events.map((
        event,
      ) => [
        event.date,
        event.what,
        symbolButton(event.symbol),
        event.listing,
        event.contractType,
        event.quoteAsset,
      ]),
      "New and gone",
    ),
  ];
});

const runSql = answers("sql", async (fields, byHand) => {
  const sql = fields.get("sql");
  remember([["sql", sql]], byHand);
  const start = performance.now();
  const answer = await ask("v1/query", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sql }),
  });
  const left = Math.min(answer.rows.length, MAX_ROWS);
  const shown = left < answer.rows.length ? `, the first ${left} are shown` : "";
  const rows = answer.count === 1 ? "row" : "rows";
  const cut = answer.truncated ? " (cut off: `bfa sql` on your own machine has no limit)" : "";
  return [
    note(
      `${answer.count} ${rows}${shown}${cut} in ${
        Math.round(performance.now() - start)
      } ms, version ${answer.version}`,
      (format) => `v1/query?${new URLSearchParams({ sql, format })}`,
    ),
    table(
      answer.columns.map(({ name }) => name),
      answer.rows.map((row) =>
        row.map((value) =>
          typeof value === "object" && value !== null ? JSON.stringify(value) : value
        )
      ),
    ),
  ];
});

forms.sql.elements.sql.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) runSql(true);
});

/** The other page is given the statement, and does not run it by itself either. */
document.querySelector("#sql-here a").addEventListener("click", (event) => {
  const sql = forms.sql.elements.sql.value;
  event.currentTarget.href = `sql/#sql=${encodeURIComponent(sql)}`;
});

let markDay = () => {};

/** How many symbols traded, day by day; pressing a day asks about it. */
function drawHistory(rows) {
  const most = Math.max(1, ...rows.map((row) => row.traded + row.archived));
  const area = (value) => {
    const top = rows.map((row, x) => `L${x} ${most - value(row)}`).join("");
    return `M0 ${most}${top}L${rows.length - 1} ${most}Z`;
  };
  const line = make("line", { class: "day", y1: 0, y2: most });
  const all = `${rows[0].date} to ${rows.at(-1).date} `;
  const pointed = make("span", {}, all);
  const rowAt = (event) => {
    const at = Math.round(event.offsetX / chart.clientWidth * (rows.length - 1));
    return rows[Math.max(0, Math.min(rows.length - 1, at))];
  };
  const chart = make(
    "svg",
    {
      viewBox: `0 0 ${rows.length - 1} ${most}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `Symbols by day, up to ${most}`,
      onclick(event) {
        forms.day.elements.day.value = rowAt(event).date;
        showDay(true);
      },
      onpointermove(event) {
        const { date, traded, archived } = rowAt(event);
        pointed.textContent = `${date}: ${traded} traded, ${archived} archived `;
      },
      onpointerleave: () => pointed.textContent = all,
    },
    make("path", { class: "archived", d: area((row) => row.traded + row.archived) }),
    make("path", { class: "traded", d: area((row) => row.traded) }),
    line,
  );
  markDay = (day) => {
    const at = rows.findIndex((row) => row.date === day);
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
    line.setAttribute("visibility", at < 0 ? "hidden" : "visible");
  };
  const caption = make(
    "p",
    { class: "note" },
    pointed,
    make("span", { class: "key traded" }, "traded"),
    " ",
    make("span", { class: "key archived" }, "a file, but no trades"),
  );
  document.getElementById("history").replaceChildren(chart, caption);
}

/** What the page shows without being asked. */
async function start() {
  const version = document.getElementById("version");
  version.textContent = "Asking…";
  try {
    const symbols = await ask("v1/symbols?detail=1");
    const last = (await ask("v1/summary?from=latest")).to;
    const first = symbols.rows.reduce((day, row) => row.first < day ? row.first : day, last);
    version.textContent =
      `Version ${symbols.version}: ${symbols.count} symbols, ${first} to ${last}.`;
    document.getElementById("symbols").append(
      ...symbols.rows.map(({ symbol }) => make("option", { value: symbol })),
    );
    const quotes = [...new Set(symbols.rows.map((row) => row.quoteAsset))].filter(Boolean).sort();
    forms.day.elements.quote.append(
      ...quotes.map((quote) => make("option", { value: quote }, quote)),
    );
    for (const input of document.querySelectorAll('input[type="date"]')) {
      input.min = first;
      input.max = last;
    }
    const month = new Date(Date.parse(last) - 30 * 86_400_000).toISOString().slice(0, 10);
    // What was filled in meanwhile stays.
    forms.day.elements.day.value ||= last;
    forms.events.elements.from.value ||= month < first ? first : month;
    forms.events.elements.to.value ||= last;
    forms.sql.elements.sql.value ||=
      "SELECT symbol, count(*) AS lives\nFROM listings\nGROUP BY symbol\nHAVING lives > 1\nORDER BY symbol";
    await showAddress();
    if (!addressed().has("from")) showEvents();
    const { rows } = await ask(`v1/summary?from=${first}&to=${last}`);
    drawHistory(rows);
    markDay(forms.day.elements.day.value);
  } catch (error) {
    version.replaceChildren(make("span", { class: "problem", role: "alert" }, error.message));
  }
}

/** What the address names. */
function addressed() {
  return new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
}

/** Shows what the address names. */
async function showAddress() {
  const named = addressed();
  if (named.has("day")) fillDay(named);
  if (named.has("sql")) forms.sql.elements.sql.value = named.get("sql");
  if (named.has("symbol")) return await showSymbol(named.get("symbol"), { byHand: false });
  if (named.has("from")) {
    forms.events.elements.from.value = named.get("from");
    forms.events.elements.to.value = named.get("to") ?? named.get("from");
    bringIntoView(forms.events);
    return await showEvents();
  }
  if (!named.has("sql")) await showDay();
}

function fillDay(named) {
  const { day, quote, state } = forms.day.elements;
  const states = named.has("state") ? named.getAll("state") : ["traded"];
  day.value = named.get("day");
  quote.value = named.get("quote") ?? "";
  for (const box of state) box.checked = states.includes(box.value);
}

addEventListener("hashchange", showAddress);
await start();
