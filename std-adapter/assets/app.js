// What scripts add to every page: live updates, keys, copying, filters that need no button. Nothing here is needed.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

document.documentElement.classList.add("scripted");
all("[data-scripted]").forEach((element) => { element.hidden = false; });
all("[data-unscripted]").forEach((element) => { element.hidden = true; });

// Choosing is enough: no button has to be pressed after it.
all("form[data-auto] select").forEach((select) => {
  select.addEventListener("change", () => select.form.requestSubmit());
});

// Rows that do not have what was typed are hidden.
function filterRows() {
  all("[data-filter]").forEach((input) => {
    const wanted = input.value.trim().toLowerCase();
    const rows = all(`#${input.dataset.filter} > tr`);
    rows.forEach((row) => { row.hidden = !rowText(row).includes(wanted); });
    const none = document.getElementById("none");
    none.textContent = `No webhook has “${input.value.trim()}” in its name, URL or topics.`;
    none.hidden = rows.some((row) => !row.hidden);
  });
}

function rowText(row) {
  const titles = all("[title]", row).map((element) => element.title);
  return [row.cells[0].textContent, ...titles].join(" ").toLowerCase();
}

all("[data-filter]").forEach((input) => input.addEventListener("input", filterRows));

// A link to a text copies the text, made at this moment.
document.addEventListener("click", async (click) => {
  const link = click.target.closest("a[data-copy]");
  if (!link || !navigator.clipboard || click.ctrlKey || click.metaKey || click.shiftKey) return;
  click.preventDefault();
  const said = link.textContent;
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    link.textContent = "Copied";
  } catch {
    location.href = link.href;
  }
  setTimeout(() => { link.textContent = said; }, 2000);
});

// Moments grow old while one looks at them.
function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds <= 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function tick() {
  all("time[datetime]").forEach((time) => {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const due = seconds < 0 ? `in ${span(-seconds)}` : seconds < 1 || time.classList.contains("due") ? "now" : `${span(seconds)} ago`;
    if (time.textContent !== due) time.textContent = due;
  });
}

setInterval(tick, 1000);

// Keys: j and k move through the rows, Enter opens one, / goes to the filter.
let at = null;

function rows() {
  return all("table[data-keys] tbody tr").filter((row) => !row.hidden);
}

function move(step) {
  const list = rows();
  if (list.length === 0) return;
  const place = list.findIndex((row) => row.id === at);
  const row = list[Math.max(0, Math.min(list.length - 1, place < 0 ? (step > 0 ? 0 : list.length - 1) : place + step))];
  at = row.id;
  mark();
  row.querySelector("[data-open]").focus();
  row.scrollIntoView({ block: "nearest" });
}

function mark() {
  all("tr.at").forEach((row) => row.classList.remove("at"));
  if (at) document.getElementById(at)?.classList.add("at");
}

document.addEventListener("keydown", (key) => {
  if (key.ctrlKey || key.metaKey || key.altKey) return;
  if (key.target.closest("input, select, textarea, [contenteditable]")) {
    if (key.key === "Escape") key.target.blur();
    return;
  }
  if (key.key === "j") move(1);
  else if (key.key === "k") move(-1);
  else if (key.key === "/") {
    const find = document.querySelector("[data-find]");
    if (!find) return;
    key.preventDefault();
    find.focus();
    find.select();
  }
});

// Live: told that something changed, the page asks for itself and puts the changed parts in place.
const watched = document.body.dataset.watch;
let asking = false;
let again = false;

async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the next change asks again */ }
  asking = false;
  if (again) { again = false; refresh(); }
}

function swap(fresh) {
  all("[data-live]").forEach((old) => {
    const next = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!next || next.outerHTML === old.outerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const path = focused && pathOf(focused);
    old.replaceWith(next);
    if (path) next.querySelector(path)?.focus({ preventScroll: true });
  });
  filterRows();
  mark();
}

// How to find an element again after its part of the page was replaced.
function pathOf(element) {
  const row = element.closest("tr[id]");
  const inside = element.dataset.open !== undefined ? "[data-open]" : element.tagName.toLowerCase();
  return row ? `#${CSS.escape(row.id)} ${inside}` : null;
}

if (watched && window.EventSource) {
  const source = new EventSource(watched);
  source.onopen = () => { document.body.dataset.connected = ""; };
  source.onmessage = refresh;
}
