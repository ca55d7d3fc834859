/**
 * The page: asks the service it came from, and shows what it says. Everything that arrives is shown as text, never as
 * markup; no statement is run by a link alone.
 *
 * All paths are relative: a proxy may serve it under any path.
 *
 * Addresses: `#day=2024-01-15` (with `&state=archived&quote=USDC`), `#symbol=LITUSDT`, `#sql=…` (filled in, not run).
 */

import { make, MAX_ROWS, table } from "./elements.js";

const STATES = ["traded", "archived", "missing"];

const forms = Object.fromEntries(
  ["day", "symbol", "events", "sql"].map((name) => [name, document.getElementById(`${name}-form`)]),
);

/** Asks the service; a problem document is thrown as what it says. */
async function ask(path, options) {
  const answer = await fetch(path, options).catch(() => {
    throw new Error("The service cannot be reached: try again.");
  });
  const body = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new Error(body?.detail ?? body?.title ?? `HTTP ${answer.status}`);
  if (body === undefined) throw new Error("The answer broke off: try again.");
  return body;
}

/** Fills a form's answer while it works; a failure is shown in its place. */
function answers(name, work) {
  const form = forms[name];
  const place = document.getElementById(`${name}-answer`);
  const button = form.querySelector("button");
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const wasAt = document.activeElement;
    button.disabled = true;
    let shown;
    try {
      shown = await work(new FormData(form));
    } catch (error) {
      shown = [make("p", { class: "problem", role: "alert" }, error.message)];
    }
    if (mine !== asked) return; // a later question has taken its place
    place.replaceChildren(...shown);
    button.disabled = false;
    // A button that is disabled loses the keyboard.
    const isNowhere = document.activeElement === document.body;
    if (wasAt === button && isNowhere) button.focus({ preventScroll: true });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  return show;
}

/** `251 traded on 2024-01-15 · JSON · CSV · Parquet`; `address` makes the link of a format. */
function note(text, address) {
  const formats = { json: "JSON", csv: "CSV", parquet: "Parquet" };
  const links = Object.entries(formats)
    .flatMap(([format, label]) => [" · ", make("a", { href: address(format) }, label)]);
  return make("p", { class: "note" }, text, ...links);
}

/** The address of a question in a format. */
function addressOf(path, query = "") {
  return (format) => `${path}${format === "json" ? "" : `.${format}`}${query}`;
}

/** A symbol that shows its lives when it is pressed. */
function symbolButton(symbol) {
  return make("button", { type: "button", onclick: () => showSymbol(symbol, true) }, symbol);
}

const showDay = answers("day", async (fields) => {
  const day = fields.get("day");
  if (!day) throw new Error("Give a day, such as 2024-01-15.");
  const quote = fields.get("quote");
  const chosen = fields.getAll("state").map((state) => ["state", state]);
  const address = new URLSearchParams([
    ["day", day],
    ...chosen.join() === "state,traded" ? [] : chosen,
  ]);
  if (quote) address.set("quote", quote);
  history.replaceState(null, "", `#${address}`);
  const query = new URLSearchParams([...chosen, ["detail", "1"]]);
  if (quote) query.set("where", `quote_asset=${quote}`);
  markDay(day);
  const path = `v1/snapshot/${day}`;
  const { rows, states } = await ask(`${path}?${query}`);
  const text = `${rows.length} ${states.join(", ")} on ${day}`;
  return [
    note(text, addressOf(path, `?${query}`)),
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
    ),
  ];
});

const askSymbol = answers("symbol", async (fields) => {
  const symbol = fields.get("symbol").trim();
  if (!symbol) throw new Error("Give a symbol, such as BTCUSDT.");
  const path = `v1/timeline/${encodeURIComponent(symbol)}`;
  history.replaceState(null, "", `#symbol=${encodeURIComponent(symbol)}`);
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
    ),
  ];
});

function showSymbol(symbol, scroll) {
  forms.symbol.elements.symbol.value = symbol;
  if (scroll) forms.symbol.scrollIntoView({ behavior: "smooth", block: "center" });
  return askSymbol();
}

/** One strip a year, one unit a day. */
function years(rows) {
  const place = make("div", { class: "years" });
  for (const [year, days] of Map.groupBy(rows, (row) => row.date.slice(0, 4))) {
    const start = Date.UTC(year, 0, 1);
    const strip = make("svg", {
      viewBox: "0 0 366 10",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${year}`,
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

const showEvents = answers("events", async (fields) => {
  const query = `?${new URLSearchParams(fields)}`;
  const [came, went] = await Promise.all(
    ["v1/new-listings", "v1/delistings"].map((path) => ask(path + query)),
  );
  const events = [
    ...came.events.map((event) => ({ ...event, what: event.relisting ? "relisted" : "new" })),
    ...went.events.map((event) => ({ ...event, what: "gone" })),
  ].sort((a, b) => a.date < b.date ? 1 : a.date > b.date ? -1 : 0);
  return [
    note(`${came.count} new`, addressOf("v1/new-listings", query)),
    note(`${went.count} gone`, addressOf("v1/delistings", query)),
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
    ),
  ];
});

const runSql = answers("sql", async (fields) => {
  const sql = fields.get("sql");
  history.replaceState(null, "", `#sql=${encodeURIComponent(sql)}`);
  const start = performance.now();
  const answer = await ask("v1/query", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sql }),
  });
  const left = Math.min(answer.rows.length, MAX_ROWS);
  const shown = left < answer.rows.length ? `, the first ${left} are shown` : "";
  const cut = answer.truncated ? " (cut off: `bfa sql` on your own machine has no limit)" : "";
  return [
    note(
      `${answer.count} rows${shown}${cut} in ${
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
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) runSql();
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
  const chart = make(
    "svg",
    {
      viewBox: `0 0 ${rows.length - 1} ${most}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `Symbols by day, up to ${most}`,
      onclick(event) {
        const at = Math.round(event.offsetX / chart.clientWidth * (rows.length - 1));
        const { date } = rows[Math.max(0, Math.min(rows.length - 1, at))];
        forms.day.elements.day.value = date;
        showDay();
      },
    },
    make("path", { class: "archived", d: area((row) => row.traded + row.archived) }),
    make("path", { class: "traded", d: area((row) => row.traded) }),
    line,
  );
  markDay = (day) => {
    const at = rows.findIndex((row) => row.date === day);
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
  };
  const { date } = rows[0];
  const caption = make(
    "p",
    { class: "note" },
    `${date} to ${rows.at(-1).date} `,
    make("span", { class: "key traded" }, "traded"),
    " ",
    make("span", { class: "key archived" }, "a file, but no trades"),
  );
  document.getElementById("history").replaceChildren(chart, caption);
}

/** What the page shows without being asked. */
async function start() {
  const version = document.getElementById("version");
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
    showEvents();
    const { rows } = await ask(`v1/summary?from=${first}&to=${last}`);
    drawHistory(rows);
    markDay(forms.day.elements.day.value);
  } catch (error) {
    version.replaceChildren(make("span", { class: "problem", role: "alert" }, error.message));
  }
}

/** Shows what the address names. */
async function showAddress() {
  const named = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  const day = named.get("day");
  if (day !== null) {
    const states = named.getAll("state");
    for (const box of forms.day.elements.state) {
      box.checked = states.length ? states.includes(box.value) : box.value === "traded";
    }
    forms.day.elements.quote.value = named.get("quote") ?? "";
    forms.day.elements.day.value = day;
  }
  if (named.has("sql")) forms.sql.elements.sql.value = named.get("sql");
  const symbol = named.get("symbol");
  if (symbol !== null) await showSymbol(symbol, true);
  else if (!named.has("sql")) await showDay();
}

addEventListener("hashchange", showAddress);
await start();
