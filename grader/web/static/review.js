// Keys, and what htmx leaves to do. Everything here is also a link, a button or a form without it.
"use strict";
(() => {
  const STORED = "grader-keys";
  const areKeysOn = () => localStorage.getItem(STORED) !== "off";
  const isTyping = (at) => at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const shown = (all) => [...all].filter((one) => one.getClientRects().length > 0);

  function open(element) { // every closed <details> that it stands in
    for (let box = element.parentElement.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  }

  function act(element) {
    open(element.matches("summary") ? element.parentElement : element); // its own box opens by the click
    if (element.matches("a, button, summary")) { element.click(); return; }
    element.focus();
    if (element.select) element.select();
  }

  function step(elements, by) { // to the next or previous of these, seen from where the focus is
    const all = shown(elements);
    if (!all.length) return false;
    const here = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
    const to = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
    const one = all[to];
    if (one.matches("details")) {
      one.open = true;
      (one.querySelector("[data-quick]") || one.querySelector("summary")).focus({ preventScroll: true });
    } else one.focus();
    one.scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape" && isTyping(document.activeElement)) { document.activeElement.blur(); return; }
    if (!areKeysOn() || isTyping(event.target)) return;
    // Arrows also scroll and read: they are ours only where the focus is on nothing, or on a row of the list.
    if (event.key.startsWith("Arrow") && !document.activeElement.matches("body, main, #list a.to")) return;
    const rows = document.querySelectorAll("#list a.to");
    const waiting = document.querySelectorAll("details[data-waits]");
    const list = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const rule = { n: 1, p: -1 }[event.key];
    let done = false;
    if (rows.length && list) done = step(rows, list);
    else if (rule) done = step(waiting, rule);
    else if ("123".includes(event.key)) {
      const box = document.activeElement.closest("details[data-waits]");
      const button = box && box.querySelector(`[data-quick="${event.key}"]`);
      if (button) { button.click(); done = true; }
    }
    if (!done) {
      const wanted = document.querySelector(`[data-key~="${CSS.escape(event.key)}"]`);
      if (wanted) { act(wanted); done = true; }
    }
    if (done) event.preventDefault();
  });

  // --- what a saved decision changes ------------------------------------------------------------

  document.addEventListener("htmx:afterRequest", (event) => {
    const version = event.detail.xhr && event.detail.xhr.getResponseHeader("X-Version");
    if (version) for (const one of document.querySelectorAll("input[name=seen_version]")) one.value = version;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const where = event.detail.elt;
    const asked = event.detail.requestConfig;
    if (!asked || asked.verb !== "post" || !where.id || document.activeElement !== document.body) return; // the focus is somewhere already
    const place = document.getElementById(where.id);
    const next = place && (place.querySelector("[role=alert][data-after-save]") || place.querySelector("[data-after-save]") || place.querySelector("[data-quick], summary, textarea"));
    if (next) next.focus({ preventScroll: true });
  });
  for (const kind of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(kind, (event) => {
      const xhr = event.detail.xhr;
      const said = document.getElementById("said");
      if (!said) return;
      said.className = "notice bad";
      said.setAttribute("role", "alert");
      said.textContent = xhr && xhr.status ? `Not saved: the page was refused (${xhr.status}). Load it anew; what you typed still stands here.` : "Not saved: the grader does not answer. What you typed still stands here; try again when it runs.";
      said.scrollIntoView({ block: "nearest" });
    });
  }

  // --- the box that chooses a whole page of the list: there is one only where this runs ------------

  const offerAll = () => document.querySelectorAll("[data-check-all]").forEach((one) => { one.hidden = false; });
  document.addEventListener("htmx:afterSettle", offerAll);
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-check-all]")) return;
    for (const one of document.querySelectorAll("#list input[name=code]")) one.checked = event.target.checked;
  });
  offerAll();

  // --- the comment bank, unsaved words, the switch of the keys ------------------------------------

  document.addEventListener("change", (event) => {
    const bank = event.target.closest("select[data-bank]");
    if (!bank || !bank.value) return;
    const into = document.getElementById(bank.dataset.bank);
    into.value = into.value.trim() ? `${into.value.trimEnd()}\n${bank.value}` : bank.value;
    bank.value = "";
    into.focus();
  });
  const isUnsaved = () => [...document.querySelectorAll(".desk textarea, .desk input[name=points], .desk input[name=reason], .desk input[name=text]")].some((one) => one.value !== one.defaultValue);
  let isSending = false;
  document.addEventListener("submit", () => { isSending = true; setTimeout(() => { isSending = false; }, 0); });
  window.addEventListener("beforeunload", (event) => { if (!isSending && isUnsaved()) event.preventDefault(); });

  function tellSwitch() {
    const button = document.querySelector("[data-switch-keys]");
    if (!button) return;
    button.setAttribute("aria-pressed", String(areKeysOn()));
    button.textContent = areKeysOn() ? "Single keys are on" : "Single keys are off";
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-switch-keys]")) return;
    localStorage.setItem(STORED, areKeysOn() ? "off" : "on");
    tellSwitch();
  });
  tellSwitch();
})();
