// Keeps an open page true: what changed on it is sent, and put there, while somebody sees it.
(() => {
  "use strict";
  const stream = document.getElementById("stream");
  if (!stream) return;
  const SILENT_MS = 25000;  // the server says something every ten seconds
  const AGAIN_LEAST_MS = 250, AGAIN_MOST_MS = 10000;
  const link = document.getElementById("link");

  // A browser has six connections for all its tabs of a host. One that is hidden holds none; where many are seen
  // side by side, those that came first take turns at what the newest leave.
  const HOLDERS_MOST = 4, TURN_MS = 800, REST_MS = 1200;
  const tab = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const others = "BroadcastChannel" in window ? new BroadcastChannel("headway-live") : null;
  const newer = new Set();  // tabs that took a connection after this one

  let connection = null;
  let isLive = false;
  let heardAt = 0;
  let failures = 0;
  let rightSince = 0;  // by this connection; 0 until something came by it
  let waiting = 0, turnEnds = 0;
  let seen = stream.dataset.seen;  // what is on the page: who comes with it is sent what differs
  let put = Promise.resolve();  // what was sent, one message after the other

  function say(text, isOff) {
    link.textContent = text;
    link.classList.toggle("off", isOff);
  }

  function connect() {
    clearTimeout(waiting);
    if (connection || document.hidden) return;
    const own = connection = new EventSource(`${stream.dataset.address}&seen=${encodeURIComponent(seen)}`);
    let isWhole = true;  // all that came by it was put on the page
    const heard = (deed) => (event) => {
      if (own !== connection) return;
      heardAt = Date.now();
      put = put.then(() => isWhole && deed(event)).then(
        () => { if (own === connection) isRight(); },
        (error) => { isWhole = false; console.error(error); if (own === connection) lost(); });
    };
    heardAt = Date.now();
    rightSince = 0;
    own.addEventListener("message", heard(change));
    own.addEventListener("still", heard(() => {}));
    own.addEventListener("gone", () => location.reload());
    own.addEventListener("error", () => own === connection && lost());
  }

  // What is sent anew knows neither what its reader has unfolded nor where they are on it.
  const called = (one) => one.getAttribute("href") || one.name || one.tagName;
  function kept() {
    const unfolded = [...document.querySelectorAll("details[open][id]")].map((one) => one.id);
    const at = document.activeElement, part = at && at.closest("[id^=live_]");
    return () => {
      for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
      if (!part || at.isConnected) return;
      const all = document.getElementById(part.id)?.querySelectorAll("a, button, summary, input, select, textarea") ?? [];
      [...all].find((one) => called(one) === called(at))?.focus({ preventScroll: true });
    };
  }

  async function change(event) {
    const restore = kept();
    await htmx.swap({ text: event.data, swap: "none", target: stream, sourceElement: stream });
    restore();
    seen = event.lastEventId;
    document.dispatchEvent(new Event("live"));
  }

  function isRight() {
    // One that breaks off right behind its first word is a failure as well: the next one waits longer.
    rightSince ||= Date.now();
    if (Date.now() - rightSince > AGAIN_MOST_MS) failures = 0;
    say("live", false);
    isLive = true;
    takeTurns();
  }

  function takeTurns() {
    if (newer.size >= HOLDERS_MOST && !turnEnds) turnEnds = setTimeout(rest, TURN_MS);
  }

  function rest() {
    close();
    waiting = setTimeout(again, REST_MS);
  }

  function close() {
    isLive = false;
    clearTimeout(waiting);
    clearTimeout(turnEnds);
    turnEnds = 0;
    if (connection) connection.close();
    connection = null;
  }

  function letGo() {
    close();
    say("not connected: what you see may be old", true);
  }

  function lost() {
    const refused = connection.readyState === EventSource.CLOSED;
    letGo();
    const longest = Math.min(AGAIN_MOST_MS, AGAIN_LEAST_MS * 2 ** failures++);
    waiting = setTimeout(again, longest * (0.5 + Math.random() / 2));
    if (refused) leaveIfSignedOut();
  }

  async function leaveIfSignedOut() {
    const answer = await fetch("/live", { method: "HEAD" }).catch(() => null);
    if (answer && answer.status === 401) location.reload();  // leads to where one signs in
  }

  // Behind what is still being put on the page: it changes what has been seen.
  function again() {
    put.then(connect);
  }

  function atOnce() {
    failures = 0;
    if (!connection) again();
  }

  function tell(holds) {
    newer.clear();
    if (others) others.postMessage({ tab, holds });
  }

  function come() {
    if (document.hidden) return;
    tell(true);
    atOnce();
  }

  function go() {
    tell(false);
    letGo();
  }

  if (others) others.addEventListener("message", ({ data }) => {
    if (data.holds) newer.add(data.tab);
    else newer.delete(data.tab);
    if (isLive) takeTurns();
  });
  document.addEventListener("visibilitychange", () => document.hidden ? go() : come());
  addEventListener("focus", come);
  addEventListener("pagehide", go);
  addEventListener("pageshow", come);
  addEventListener("online", atOnce);
  // Without word of it: a network that is gone, a machine that slept.
  setInterval(() => connection && Date.now() - heardAt > SILENT_MS && lost(), 1000);
  if (document.hidden) letGo();
  else say("connecting", false);
  come();
})();
