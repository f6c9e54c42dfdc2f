// Keeps an open page true: what changed on it is sent, and put there, while somebody sees it.
(() => {
  "use strict";
  const stream = document.getElementById("stream");
  if (!stream) return;
  const SILENT_MS = 25000;  // the server says something every ten seconds
  const AGAIN_LEAST_MS = 250, AGAIN_MOST_MS = 10000;
  const link = document.getElementById("link");

  let connection = null;
  let heardAt = 0;
  let failures = 0;
  let waiting = 0;
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
        () => { if (own === connection) { failures = 0; say("live", false); } },
        (error) => { isWhole = false; console.error(error); if (own === connection) lost(); });
    };
    heardAt = Date.now();
    own.addEventListener("message", heard(change));
    own.addEventListener("still", heard(() => {}));
    own.addEventListener("gone", () => location.reload());
    own.addEventListener("error", () => own === connection && lost());
  }

  async function change(event) {
    await htmx.swap({ text: event.data, swap: "none", target: stream, sourceElement: stream });
    seen = event.lastEventId;
    document.dispatchEvent(new Event("live"));
  }

  function letGo() {
    clearTimeout(waiting);
    if (connection) connection.close();
    connection = null;
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

  // A browser has six connections for all its tabs of a host, so that one that is hidden holds none.
  function turn() {
    if (document.hidden) letGo();
    else atOnce();
  }
  document.addEventListener("visibilitychange", turn);
  addEventListener("pagehide", letGo);
  addEventListener("pageshow", turn);
  addEventListener("online", atOnce);
  // Without word of it: a network that is gone, a machine that slept.
  setInterval(() => connection && Date.now() - heardAt > SILENT_MS && lost(), 1000);
  say("connecting", false);
  turn();
})();
