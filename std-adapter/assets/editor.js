// What scripts add to the form of a webhook: the grid shows what is covered, rows come and go, the preview follows.
"use strict";

{
  const form = document.querySelector("form.editor");
  const find = (selector, root = form) => [...root.querySelectorAll(selector)];
  const enabled = !form.querySelector("fieldset").disabled;

  // Only what counts is shown.
  function show() {
    document.getElementById("grid").hidden = form.elements.scope.value === "all";
    document.getElementById("custom").hidden = form.elements.body.value !== "custom";
  }

  // A whole row or column takes in its cells: they need no mark of their own.
  function cover() {
    const whole = new Set(find("input[name=topic]:checked").map((box) => box.value).filter((topic) => topic.includes("*")));
    find("input[name=topic]").forEach((box) => {
      const [type, action] = box.value.split(".");
      if (box.value.includes("*")) return;
      const covered = whole.has(`${type}.*`) || whole.has(`*.${action}`);
      box.closest("td").classList.toggle("covered", covered);
      box.indeterminate = covered && !box.checked;
    });
  }

  // Buttons that would send the form add a row instead.
  function add(name) {
    const rows = form.querySelector(`[data-rows=${name}]`);
    const row = rows.lastElementChild.cloneNode(true);
    find("input", row).forEach((input) => { input.value = ""; input.removeAttribute("aria-invalid"); });
    find("input[name=header-value]", row).forEach((input) => { input.placeholder = "Value"; });
    find("select", row).forEach((select) => { select.selectedIndex = 0; });
    find(".problem", row).forEach((problem) => { problem.hidden = true; });
    rows.append(row);
    row.querySelector("select").focus();
  }

  function remove(row) {
    const rows = row.parentElement;
    if (rows.children.length === 1) add(rows.dataset.rows);
    row.remove();
  }

  form.addEventListener("click", (click) => {
    const adding = click.target.closest("[data-add]");
    const removing = click.target.closest("[data-remove]");
    if (adding) { click.preventDefault(); add(adding.dataset.add); }
    if (removing) { remove(removing.closest("[data-row]")); later(); }
  });

  // The preview, asked for a moment after the last change.
  let timer = null;
  let latest = 0;

  function later() {
    if (!enabled) return;
    clearTimeout(timer);
    timer = setTimeout(preview, 350);
  }

  async function preview() {
    const number = ++latest;
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (number !== latest || !answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const problems = find("[data-problem]", page).map((text) => [text.dataset.problem, text.textContent]);
    document.getElementById("preview").replaceChildren(page.getElementById("preview-inner"));
    tell(problems);
  }

  // Fields that were never touched are not told off yet.
  const touched = new Set();

  function tell(problems) {
    const at = (place) => problems.filter(([other]) => other === place).map(([, text]) => text).join(". ");
    find("[data-problem-at]").forEach((element) => say(element, touched.has(element.dataset.problemAt) ? at(element.dataset.problemAt) : ""));
    ["filters", "headers"].forEach((name) => {
      const used = find(`[data-rows=${name}] > [data-row]`).filter((row) => find("input, select[name=filter-doc]", row).some((field) => field.value));
      find(`[data-problem-row=${name}]`).forEach((element) => {
        const place = used.indexOf(element.closest("[data-row]"));
        say(element, place < 0 || !touched.has(name) ? "" : at(`${name}.${place}`));
      });
    });
  }

  function say(element, text) {
    element.textContent = text;
    element.hidden = !text;
    const row = element.closest("[data-row]");
    const field = row ? row.querySelector("input.wide-input") : form.querySelector(`[aria-describedby="${element.id}"]`);
    if (field && text) field.setAttribute("aria-invalid", "true");
    else if (field) field.removeAttribute("aria-invalid");
  }

  const places = { topic: "topics", own: "topics", scope: "topics", payload: "payload", body: "payload", "basic-username": "basic", "basic-password": "basic" };

  form.addEventListener("change", (change) => {
    const name = change.target.name;
    touched.add(places[name] || name);
    if (name.startsWith("filter-")) touched.add("filters");
    if (name.startsWith("header-")) touched.add("headers");
    show();
    cover();
    later();
  });

  form.addEventListener("input", (input) => {
    if (input.target.name.startsWith("filter-")) touched.add("filters");
    if (input.target.name === "payload") touched.add("payload");
    later();
  });

  document.getElementById("problems")?.focus();
  show();
  cover();
  later();
}
