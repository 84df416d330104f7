// Single keys for the review queue, for who wants them: every page works without this script.
// S, D, C answer; N goes to the note; U takes the last answer back; J and K move; ? shows the keys.
// WCAG 2.2, 2.1.4: the keys can be turned off, and never work while somebody is writing.
(() => {
  "use strict";
  const STORED = "samechild-review-keys";
  const main = document.getElementById("main-content");
  if (!main) return;
  let sent = false;

  const on = () => {
    try { return localStorage.getItem(STORED) !== "off"; } catch { return true; }
  };
  const set = (value) => {
    try { localStorage.setItem(STORED, value ? "on" : "off"); } catch { /* kept for this page only */ }
  };

  const form = main.querySelector('form[action^="/review/pairs/"]');
  const choose = (answer) => {
    const radio = form && form.querySelector(`input[name="answer"][value="${answer}"]`);
    if (!radio || sent) return false;
    radio.checked = true;
    sent = true;
    form.requestSubmit();
    return true;
  };
  const press = (action) => {
    const other = main.querySelector(`form[action="${action}"]`);
    if (!other || sent) return false;
    sent = true;
    other.requestSubmit();
    return true;
  };

  const lines = [...main.querySelectorAll("tbody tr")];
  let at = -1;
  const move = (by) => {
    if (!lines.length) return false;
    if (at >= 0) lines[at].classList.remove("samechild-here");
    at = Math.min(Math.max(at + by, 0), lines.length - 1);
    const line = lines[at];
    line.classList.add("samechild-here");
    const link = line.querySelector("a");
    if (link) {
      link.focus();
    } else {
      line.tabIndex = -1;
      line.focus();
    }
    line.scrollIntoView({ block: "nearest" });
    return true;
  };

  const help = () => {
    const keys = [...main.querySelectorAll("details")].find((each) => /^Keys/.test(each.innerText.trim()));
    if (!keys) return false;
    keys.open = !keys.open;
    keys.querySelector("summary").focus();
    return true;
  };
  const note = () => {
    const field = form && form.querySelector("textarea");
    if (!field) return false;
    field.focus();
    return true;
  };

  const DONE = {
    s: () => choose("same"),
    d: () => choose("different"),
    c: () => choose("cannot tell"),
    u: () => press("/review/undo"),
    n: () => note() || press("/review/next"),
    j: () => move(1),
    k: () => move(-1),
    arrowdown: () => move(1),
    arrowup: () => move(-1),
    "?": help,
  };

  const writing = (target) =>
    target instanceof HTMLElement &&
    (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName) ||
      (target.tagName === "INPUT" && !["radio", "checkbox", "submit", "button"].includes(target.type)));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && writing(event.target)) {
      event.target.blur();
      return;
    }
    if (event.key === "Enter" && event.ctrlKey && writing(event.target) && form && !sent) {
      if (form.querySelector('input[name="answer"]:checked')) {
        sent = true;
        form.requestSubmit();
      }
      return;
    }
    if (!on() || event.ctrlKey || event.altKey || event.metaKey || event.repeat || writing(event.target)) return;
    const radio = event.target instanceof HTMLInputElement && event.target.type === "radio";
    if (radio && event.key.startsWith("Arrow")) return;
    const act = DONE[event.key.toLowerCase()];
    if (act && act()) event.preventDefault();
  });
  window.addEventListener("pageshow", () => { sent = false; });

  const turn = document.createElement("button");
  turn.type = "button";
  turn.className = "samechild-as-link govuk-body";
  const say = () => { turn.textContent = on() ? "Turn the single keys off" : "Turn the single keys on"; };
  turn.addEventListener("click", () => { set(!on()); say(); });
  say();
  const keys = [...main.querySelectorAll("details")].find((each) => /^Keys/.test(each.innerText.trim()));
  if (keys) keys.querySelector(".govuk-details__text").append(document.createElement("br"), turn);
})();
