// The page without this script reads and calls all the same; with it, it can be heard and driven by keys.
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const one = (what, within = document) => within.querySelector(what);
  const page = one("#page");
  const say = (text) => { const box = one("#say"); box.textContent = text; clearTimeout(say.timer); say.timer = setTimeout(() => { box.textContent = ""; }, 4000); };

  // --- hearing: from half a second before the first word to the end of the last -------------------------------------
  const LEAD = 0.5;
  let heard = null; // {audio, to, piece}
  let frame = 0;
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const audioOf = (recording) => all("audio").find((a) => a.dataset.recording === recording) || null;
  function stop() {
    cancelAnimationFrame(frame);
    if (heard) heard.audio.pause();
    all(".play.on").forEach((b) => b.classList.remove("on"));
    document.body.classList.remove("playing-now");
    if (heard) document.body.dataset.heard = "stopped";
  }
  function watch() {
    if (!heard) return;
    const at = heard.audio.currentTime;
    one("#clock").textContent = clock(at);
    const whole = heard.audio.duration;
    if (whole) all(".now").forEach((line) => { const x = `${(at / whole) * 100}%`; line.setAttribute("x1", x); line.setAttribute("x2", x); });
    if (at >= heard.to || heard.audio.ended) return stop();
    frame = requestAnimationFrame(watch);
  }
  async function hear(recording, from, to, label, piece) {
    const audio = audioOf(recording);
    if (!audio) return say("This piece has no recording to hear.");
    stop();
    heard = { audio, to, piece };
    document.body.dataset.heard = "starting";
    if (audio.readyState < 1) {
      audio.load();
      await new Promise((done, fail) => { audio.addEventListener("loadedmetadata", done, { once: true }); audio.addEventListener("error", fail, { once: true }); }).catch(() => say("The recording cannot be heard here."));
      if (audio.error) return;
    }
    audio.currentTime = Math.max(0, from - LEAD);
    audio.playbackRate = Number(one("#speed").value);
    try { await audio.play(); } catch { return say("The recording cannot be played here."); }
    document.body.dataset.heard = "playing";
    document.body.classList.add("playing-now");
    one("#playing").textContent = label;
    if (piece) {
      all(".play[data-play]").forEach((b) => b.classList.toggle("on", b.dataset.play === piece));
      note(piece);
    }
    watch();
  }
  function note(piece) { // an audit line for each play
    const form = new FormData();
    form.set("token", page.dataset.token); form.set("evidence_id", piece);
    fetch(`/interviews/${encodeURIComponent(page.dataset.interview)}/plays`, { method: "POST", body: form, keepalive: true }).catch(() => {});
  }
  function hearPiece(id) {
    const card = document.getElementById(id);
    if (!card) return;
    if (heard && heard.piece === id && !heard.audio.paused) return stop();
    const quote = one(".quote", card).textContent;
    showLine(Number(card.dataset.line));
    return hear(card.dataset.recording, Number(card.dataset.from), Number(card.dataset.to), quote, id);
  }
  function hearLine(line) {
    const where = Object.fromEntries(page.dataset.speakers.split("\n").map((s) => [s.slice(0, s.lastIndexOf("=")), s.slice(s.lastIndexOf("=") + 1)]));
    if (heard && !heard.audio.paused) return stop();
    hear(where[line.dataset.speaker], Number(line.dataset.from), Number(line.dataset.to), one(".said-text", line).textContent, null);
  }

  // --- moving --------------------------------------------------------------------------------------------------------
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  function showLine(number) {
    const line = document.getElementById(`L${number}`);
    if (!line) return;
    all(".line.here").forEach((l) => l.classList.remove("here"));
    line.classList.add("here");
    const box = one("#transcript");
    if (getComputedStyle(box).position === "sticky") {
      box.scrollTo({ top: line.offsetTop - box.offsetTop - box.clientHeight / 3, behavior: still ? "auto" : "smooth" });
    }
  }
  function goTo(id) {
    const card = document.getElementById(id);
    if (!card) return;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
    showLine(Number(card.dataset.line));
  }
  const stops = () => { const pieces = all("[data-piece]"); return pieces.length ? pieces : all(".pillar h2"); };
  function step(by) {
    const places = stops();
    const now = document.activeElement.closest("[data-piece]") || document.activeElement;
    const at = places.indexOf(now);
    const next = places[at < 0 ? (by > 0 ? 0 : places.length - 1) : Math.min(Math.max(at + by, 0), places.length - 1)];
    if (!next) return;
    if (next.id) return goTo(next.id);
    next.focus();
  }
  const pillarNow = () => document.activeElement.closest(".pillar") || nearest();
  const nearest = () => all(".pillar").find((p) => p.getBoundingClientRect().bottom > 140) || one(".pillar");
  function pillarStep(by) {
    const places = all(".pillar");
    const at = places.indexOf(pillarNow());
    const inside = document.activeElement.closest(".pillar");
    const next = places[Math.min(Math.max(inside ? at + by : at, 0), places.length - 1)];
    if (next) { one("h2", next).focus({ preventScroll: true }); next.scrollIntoView({ block: "start" }); }
  }
  function lineStep(by) {
    const lines = all(".line");
    const at = lines.indexOf(document.activeElement);
    const next = lines[Math.min(Math.max(at + by, 0), lines.length - 1)];
    if (next) next.focus();
  }

  // --- citing and drafts ---------------------------------------------------------------------------------------------
  function count() {
    all("[data-citing]").forEach((box) => {
      const n = all(`input[name=cited][form="form-${box.dataset.citing}"]:checked`).length;
      one("[data-count]", box).textContent = n;
      one("[data-noun]", box).textContent = n === 1 ? "piece" : "pieces";
    });
    all("[data-piece]").forEach((card) => card.classList.toggle("cited", !!one("input[name=cited]:checked", card)));
  }
  const draftKey = (form) => `draft:${form.dataset.draft}`;
  function keepDraft(form) {
    const kept = { level: "", basis: "", rationale: form.elements.rationale.value, cited: [] };
    [...form.elements].forEach((f) => {
      if ((f.name === "level" || f.name === "basis") && f.checked) kept[f.name] = f.value;
      if (f.name === "cited" && f.checked) kept.cited.push(f.value);
    });
    sessionStorage.setItem(draftKey(form), JSON.stringify(kept));
  }
  function restoreDrafts() {
    all("form[data-draft]").forEach((form) => {
      const raw = sessionStorage.getItem(draftKey(form));
      if (!raw) return;
      const kept = JSON.parse(raw);
      form.elements.rationale.value = kept.rationale;
      [...form.elements].forEach((f) => {
        if ((f.name === "level" || f.name === "basis") && f.value === kept[f.name]) f.checked = true;
        if (f.name === "cited") f.checked = kept.cited.includes(f.value);
      });
    });
    count();
  }
  const changed = (event) => {
    const form = event.target.form;
    if (event.target.name === "cited" && event.target.checked) {
      const basis = form && [...form.elements].find((f) => f.name === "basis" && f.value === "cited");
      if (basis) basis.checked = true;
    }
    if (form && form.dataset.draft) keepDraft(form);
    count();
  };
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);

  // --- adding and correcting -----------------------------------------------------------------------------------------
  const points = (text) => [...text].length; // offsets count code points
  function placeOf(node, offset) {
    const line = (node.nodeType === 3 ? node.parentElement : node).closest(".line");
    if (!line) return null;
    const range = document.createRange();
    range.setStart(one(".said-text", line), 0);
    try { range.setEnd(node, offset); } catch { return null; }
    return { line, at: Number(line.dataset.start) + points(range.toString()) };
  }
  function selected() {
    const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
    if (!range || range.collapsed) return null;
    const a = placeOf(range.startContainer, range.startOffset);
    const b = placeOf(range.endContainer, range.endOffset);
    return a && b ? { start: a.at, end: b.at, text: getSelection().toString(), line: a.line } : null;
  }
  function wholeLine() {
    const line = document.activeElement.closest(".line") || one(".line.here");
    if (!line) return null;
    const text = one(".said-text", line).textContent;
    const start = Number(line.dataset.start);
    return { start, end: start + points(text), text, line };
  }
  function openAdd() {
    const span = selected() || wholeLine();
    if (!span) return say("Select some of the candidate's words, or go to a line with t.");
    if (span.line.dataset.role !== "candidate") return say("Evidence comes from the candidate's words only.");
    const dialog = one("#add");
    const form = one("form", dialog);
    form.elements.start.value = span.start; form.elements.end.value = span.end;
    one("#add-quote").textContent = span.text;
    one("#add-here").hidden = true;
    dialog.showModal();
    form.elements.signal.focus();
  }
  function openRespeak() {
    const line = document.activeElement.closest(".line") || one(".line.here");
    if (!line) return say("Go to a line first: t, then the arrow keys.");
    const form = one("#respeak form");
    form.elements.first_line.value = line.dataset.line; form.elements.last_line.value = line.dataset.line;
    one("#respeak").showModal();
  }
  // the signals are listed once, in the form for adding; other lists are filled from there when they are opened
  document.addEventListener("toggle", (event) => {
    const list = event.target.open && one("select[data-signals]", event.target);
    if (!list || list.length > 1) return;
    list.append(...all("#add select optgroup").map((group) => group.cloneNode(true)));
    const own = one(`option[value="${CSS.escape(list.dataset.signals)}"]`, list);
    if (own) own.remove();
  }, true);
  document.addEventListener("selectionchange", () => {
    const button = one("#add-here");
    if (!button) return;
    const span = selected();
    button.hidden = !span || span.line.dataset.role !== "candidate";
    if (!button.hidden) {
      const box = getSelection().getRangeAt(0).getBoundingClientRect();
      button.style.left = `${Math.max(8, Math.min(box.left, innerWidth - 190)) + scrollX}px`;
      button.style.top = `${box.bottom + scrollY + 6}px`;
    }
  });

  // --- searching -----------------------------------------------------------------------------------------------------
  let hits = []; let at = -1;
  function search(next) {
    const wanted = one("#search").value.trim().toLowerCase();
    if (!next) {
      all(".line.hit").forEach((l) => l.classList.remove("hit", "at"));
      hits = wanted.length < 2 ? [] : all(".line").filter((l) => l.textContent.toLowerCase().includes(wanted));
      hits.forEach((l) => l.classList.add("hit"));
      at = -1;
    }
    if (hits.length) {
      if (at >= 0) hits[at].classList.remove("at");
      at = (at + (next || 1) + hits.length) % hits.length;
      hits[at].classList.add("at");
      hits[at].scrollIntoView({ block: "center", behavior: "instant" });
    }
    one("#hits").textContent = wanted.length < 2 ? "" : hits.length ? `${at + 1} of ${hits.length}` : "nothing found";
  }

  // --- keys ----------------------------------------------------------------------------------------------------------
  function choose(level) {
    const pillar = pillarNow();
    const radio = pillar && one(`input[name=level][value=${level}]`, pillar);
    if (!radio) return say("No call is open here.");
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    say(`${one("h2", pillar).textContent}: ${radio.parentElement.textContent.replace(/\d\s*$/, "").trim()}`);
  }
  const KEYS = {
    j: () => step(1), k: () => step(-1), "[": () => pillarStep(-1), "]": () => pillarStep(1),
    1: () => choose("weak"), 2: () => choose("ok"), 3: () => choose("strong"), 0: () => choose("not_assessable"),
    n: () => { const r = pillarNow() && one("input[value=none_seen]", pillarNow()); if (r) { r.checked = true; r.dispatchEvent(new Event("change", { bubbles: true })); say("No evidence seen"); } },
    r: () => { const f = pillarNow() && one("textarea", pillarNow()); if (f) { f.focus(); f.scrollIntoView({ block: "center" }); } },
    c: () => { const box = document.activeElement.closest("[data-piece]") && one("input[name=cited]", document.activeElement.closest("[data-piece]")); if (box) { box.click(); say(box.checked ? "Cited" : "No longer cited"); } },
    x: () => { const b = one("#close-step"); if (b && !b.disabled) { b.focus(); b.click(); } else say("Not every pillar has a call yet."); },
    t: () => { const line = one(".line.hit.at") || one(".line.here") || one(".line"); if (line) { line.focus(); line.scrollIntoView({ block: "center" }); } },
    e: openAdd, s: openRespeak, "/": () => one("#search") && one("#search").focus(), "?": () => one("#keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("textarea, select, input:not([type=radio]):not([type=checkbox])");
    if (event.key === "Escape" && field) return field.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form && event.target.form.dataset.draft) { event.preventDefault(); return event.target.form.requestSubmit(); }
    if (event.target.id === "search" && event.key === "Enter") { event.preventDefault(); return search(event.shiftKey ? -1 : 1); }
    if (field || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    const line = event.target.closest && event.target.closest(".line");
    if (line && (event.key === "ArrowDown" || event.key === "ArrowUp")) { event.preventDefault(); return lineStep(event.key === "ArrowDown" ? 1 : -1); }
    if (event.key === " " && !event.target.closest("button, a, summary, input")) {
      const card = event.target.closest("[data-piece]");
      if (!card && !line && !heard) return;
      event.preventDefault();
      return card ? hearPiece(card.id) : line ? hearLine(line) : toggle();
    }
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });
  function toggle() {
    if (!heard) return say("Choose a quote to hear it.");
    if (!heard.audio.paused) return stop();
    heard.audio.play().then(() => { document.body.classList.add("playing-now"); heard.to = Infinity; watch(); });
  }
  document.addEventListener("click", (event) => {
    const hit = (what) => event.target.closest(what);
    if (hit("[data-help]")) return one("#keys").showModal();
    if (hit("[data-dismiss]")) return hit("dialog").close();
    if (hit("[data-toggle]")) return toggle();
    if (hit("#add-here")) return openAdd();
    const play = hit("[data-play]");
    if (play) return void hearPiece(play.dataset.play);
    const goto = hit("[data-goto]");
    if (goto && document.getElementById(goto.dataset.goto) && !getSelection().toString()) { event.preventDefault(); return goTo(goto.dataset.goto); }
    const link = hit("[data-line-link]");
    if (link) { showLine(Number(link.dataset.lineLink)); }
  });
  document.addEventListener("input", (event) => { if (event.target.id === "search") search(0); });
  document.addEventListener("submit", (event) => {
    if (event.target.matches(".search")) return event.preventDefault();
    const unsaved = event.target.matches(".progress form") && all("form[data-draft]").find((f) => sessionStorage.getItem(draftKey(f)));
    if (!unsaved) return;
    event.preventDefault(); // a closed step stays as it is
    unsaved.elements.rationale.focus();
    say("A call is changed but not saved yet. Save it, then close the step.");
  });

  // --- answers of the server -----------------------------------------------------------------------------------------
  document.addEventListener("htmx:beforeSwap", (event) => {
    const status = event.detail.xhr.status;
    if (status < 400) return;
    event.detail.shouldSwap = false;
    const form = event.detail.requestConfig.elt.closest("form") || event.detail.requestConfig.elt;
    const box = one(".problems", form);
    const text = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").body.textContent.trim();
    if (box) { box.replaceChildren(Object.assign(document.createElement("p"), { className: "problem", textContent: text })); box.firstChild.setAttribute("role", "alert"); } else say(text);
  });
  document.addEventListener("htmx:sendError", () => say("The server does not answer. What you typed is kept; try again."));
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (event.detail.successful && form && form.dataset && form.dataset.draft) { sessionStorage.removeItem(draftKey(form)); say("Call saved"); }
  });
  document.addEventListener("htmx:afterSettle", count);
  // where one was, across a reload after a correction
  const spot = `spot:${location.pathname}`;
  addEventListener("pagehide", () => { if (one("#transcript")) sessionStorage.setItem(spot, JSON.stringify([scrollY, one("#transcript").scrollTop])); });
  const kept = sessionStorage.getItem(spot);
  if (kept && one("#transcript") && !location.hash && performance.getEntriesByType("navigation")[0].type === "reload") { const [y, t] = JSON.parse(kept); scrollTo({ top: y, behavior: "instant" }); one("#transcript").scrollTo({ top: t, behavior: "instant" }); }
  restoreDrafts();
  if (location.hash.startsWith("#e-") || location.hash.startsWith("#p-")) goTo(location.hash.slice(1));
})();
