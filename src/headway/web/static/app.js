// What pages need beside their stream: times that stay true, logs at their end, and keys.
(() => {
  "use strict";
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  function distance(seconds) {
    const gone = Math.abs(seconds);
    for (const [size, unit] of units) {
      if (gone >= size) {
        const text = `${Math.floor(gone / size)} ${unit}`;
        return seconds > 0 ? `in ${text}` : `${text} ago`;
      }
    }
    return "now";
  }

  for (const here of document.querySelectorAll(":is(.side, .tabs) a[aria-current]")) {
    const bar = here.closest(".side, .tabs");  // on a phone it is one line, wider than the window
    bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
  }

  function tick() {
    for (const time of document.querySelectorAll("time[datetime]:not([data-clock])")) {
      const said = distance((new Date(time.dateTime) - Date.now()) / 1000);
      if (time.textContent !== said) time.textContent = said;
    }
  }
  setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("live", tick);

  // A log: it stays at its end while its reader is there, and keeps no more lines than it may.
  const lines = document.getElementById("lines");
  if (lines) {
    const most = Number(lines.dataset.most);
    const isOwn = lines.classList.contains("scrolls");
    const box = isOwn ? lines : document.documentElement;
    const isAtEnd = () => box.scrollTop + box.clientHeight >= box.scrollHeight - 80;
    const toEnd = () => { box.scrollTop = box.scrollHeight; };
    const chosen = document.getElementById("chosen");
    let atEnd = true;
    if (chosen) chosen.scrollIntoView({ block: "center" });
    else if (document.getElementById("stream")) toEnd();
    (isOwn ? box : window).addEventListener("scroll", () => { atEnd = isAtEnd(); }, { passive: true });
    document.addEventListener("live", () => {
      // Who reads further up keeps those lines a little longer.
      const surplus = lines.children.length - (atEnd ? most : 2 * most);
      if (surplus > 0) {
        const gone = document.createRange();
        gone.setStart(lines, 0);
        gone.setEndBefore(lines.children[surplus]);
        gone.deleteContents();
      }
      if (atEnd) toEnd();
    });
  }

  // Rows.
  let at = -1;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  function go(step) {
    const all = rows();
    if (!all.length) return;
    all.forEach((row) => row.classList.remove("at"));
    at = Math.max(0, Math.min(all.length - 1, at + step));
    all[at].classList.add("at");
    if (step) all[at].scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("live", () => { if (at >= 0) go(0); });  // what was sent anew does not know of it
  function follow(key) {
    const row = rows()[at];
    const found = (row && row.querySelector(`[data-key="${key}"]`)) || document.querySelector(`main [data-key="${key}"]`);
    if (found) found.click();
  }
  function open() {
    const row = rows()[at];
    const found = row && row.querySelector("a[href]");
    if (found) found.click();
  }

  // Menus open and close without this; with it they close as well when one turns to something else.
  const menus = () => document.querySelectorAll(".menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      if (menu.contains(document.activeElement)) menu.firstElementChild.focus();
      menu.open = false;
    }
  });

  const jump = document.querySelector(".jump input");
  // What fits, while it is typed; Enter asks the server, with or without this.
  const hits = document.createElement("ul");
  hits.className = "hits";
  hits.hidden = true;
  let asked = 0, waiting = 0;
  async function look() {
    const text = jump.value.trim();
    const number = ++asked;
    if (!text) { hits.hidden = true; return; }
    const answer = await fetch(`/jump.json?q=${encodeURIComponent(text)}`).catch(() => null);
    if (number !== asked || !answer || !answer.ok) return;
    const found = (await answer.json()).hits.slice(0, 8);
    hits.replaceChildren(...found.map((hit) => {
      const row = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("small");
      link.href = hit.url;
      link.append(hit.name, kind);
      kind.textContent = hit.kind === "member" ? "app in environment" : hit.kind;
      row.append(link);
      return row;
    }));
    hits.hidden = !found.length;
  }
  if (jump) {
    jump.form.append(hits);
    jump.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 120); });
    jump.form.addEventListener("keydown", (event) => {
      const all = [jump, ...hits.querySelectorAll("a")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && !hits.hidden) {
        event.preventDefault();
        all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
      } else if (event.key === "Escape") {
        hits.hidden = true;
        jump.blur();
      }
    });
    document.addEventListener("click", (event) => { if (!jump.form.contains(event.target)) hits.hidden = true; });
  }
  function toJump() {
    if (jump) { jump.focus(); jump.select(); }
  }
  const keys = {
    j: () => go(1), k: () => go(-1), Enter: open, "/": toJump,
    l: () => follow("l"), r: () => follow("r"), d: () => follow("d"),
    g: () => location.assign("/"),
    "?": () => document.getElementById("keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      toJump();
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog, a, button, summary") && event.key !== "j" && event.key !== "k") return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    const deed = keys[event.key];
    if (deed) { event.preventDefault(); deed(); }
  });
})();
