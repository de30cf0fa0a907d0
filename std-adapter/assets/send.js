// What scripts add to sending events: auto_save while somebody types, as an editor does.
"use strict";

{
  const form = document.querySelector("form.send");
  const auto = document.getElementById("auto");
  const every = Number(form?.dataset.seconds) * 1000;
  let last = -Infinity;
  let timer = null;

  // The first change is saved at once; what comes after waits for its turn.
  function typed() {
    if (!auto.checked || timer) return;
    timer = setTimeout(save, Math.max(0, last + every - performance.now()));
  }

  async function save() {
    timer = null;
    last = performance.now();
    const fields = new URLSearchParams(new FormData(form));
    fields.set("do", "auto_save");
    const answer = await fetch(location.href, { method: "POST", body: fields }).catch(() => null);
    if (!answer || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page.getElementById("said");
    const problem = page.getElementById("problem");
    const words = said?.firstElementChild ? said : problem;
    if (words) document.getElementById("said").replaceChildren(...words.cloneNode(true).childNodes);
  }

  form?.elements.payload.addEventListener("input", typed);
}
