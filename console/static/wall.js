// The wall: fills the tiles with what the stream tells, counts the longest wait on, and says so when what it shows
// is not the present any more. It stays open for weeks: whatever breaks is tried again for ever.
"use strict";

(() => {
  const SILENT = 15000; // milliseconds without news after which the line counts as broken: there is some every five
  const AGAIN = 5000; // milliseconds until the next try
  const OLD = 300000; // the sums are made every minute
  const LONG = 180; // seconds: who waits longer is an alarm
  const DAY = 86400000; // once a day the page is loaded anew, in case there is a newer one

  const body = document.body;
  const texts = JSON.parse(body.dataset.texts);
  const language = document.documentElement.lang;
  const number = new Intl.NumberFormat(language);
  const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Rome" });
  const begun = Date.now();
  let state = JSON.parse(body.dataset.state);
  let heard = Date.now();
  let ahead = 0; // milliseconds by which our clock is ahead of the server's: those of screens are often wrong
  let stream;

  const at = (id) => document.getElementById(id);
  const now = () => Date.now() - ahead;

  function put(id, text, alarm = false) {
    if (at(id).textContent !== text) at(id).textContent = text;
    const tile = at(`tile-${id}`);
    tile.classList.toggle("alarm", alarm);
    tile.title = alarm ? texts["wall_live.alarm"] : "";
  }

  const count = (value) => (value === null || value === undefined ? "–" : number.format(value));
  const ratio = (value) => (value === null || value === undefined ? "–" : share.format(value));

  function span(seconds) {
    if (seconds === null || seconds === undefined) return "–";
    const whole = Math.max(0, Math.round(seconds));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  }

  function trouble() {
    if (Date.now() - heard > SILENT) return ["lost", new Date(state.at ?? begun)];
    if (!state.known) return ["unknown", null];
    if (state.madeAt && now() - Date.parse(state.madeAt) > OLD) return ["old", new Date(state.madeAt)];
    return [null, null];
  }

  function show() {
    const [what, since] = trouble();
    const line = at("trouble");
    line.hidden = what === null;
    const text = what ? texts[`wall_live.${what}`].replace("{at}", since ? time.format(since) : "") : "";
    if (line.textContent !== text) line.textContent = text;
    body.dataset.trouble = what ?? "";
    body.classList.toggle("stale", what === "lost" || what === "unknown");
    at("clock").textContent = time.format(new Date(now()));

    const known = state.known === true;
    // What was true when the line broke is shown as it was; it does not go on.
    const until = what === "lost" ? Date.parse(state.at) : now();
    const waited = known ? (state.waitingSince ? (until - Date.parse(state.waitingSince)) / 1000 : 0) : null;
    put("waiting", known ? count(state.waiting) : "–");
    put("longest", span(waited), known && waited > LONG);
    const there = state.phones ?? {};
    const nobody = known && state.waiting > 0 && there.available === 0 && there.in_call === 0;
    put("available", known ? count(there.available) : "–", nobody);
    put("in_call", known ? count(there.in_call) : "–");
    put("paused", known ? count(there.paused) : "–");
    put("offered", count(state.offered));
    put("answered", count(state.answered));
    put("abandoned", count(state.abandoned));
    put("level", ratio(state.level));
    put("asa", span(state.asa));
    put("callBacks", count(state.callBacks));
    put("overdue", count(state.overdue), state.overdue > 0);
  }

  function take(news) {
    heard = Date.now();
    // While the database is away only that nothing is known is told: today's figures stay as they were.
    state = { ...state, ...news };
    if (news.at) {
      // The server's beat is rounded down: the smallest difference that was seen is the nearest.
      const difference = Date.now() - Date.parse(news.at);
      if (ahead === 0 || difference < ahead) ahead = difference;
    }
    show();
  }

  function listen() {
    stream?.close();
    stream = new EventSource(body.dataset.live);
    stream.onmessage = (event) => take(JSON.parse(event.data));
    stream.onerror = () => {
      // Closed: the server refused. It may be starting, or this screen was ended: the page itself tells which.
      if (stream.readyState !== EventSource.CLOSED) return;
      setTimeout(again, AGAIN);
    };
  }

  async function again() {
    const answer = await fetch(location.href, { cache: "no-store", redirect: "manual" }).catch(() => null);
    // Led elsewhere: the key opens nothing any more.
    if (answer?.type === "opaqueredirect" || (answer?.ok && Date.now() - begun > DAY)) location.reload();
    else listen();
  }

  for (const id of ["waiting", "longest", "available", "in_call", "paused"]) at(`tile-${id}`).classList.add("lives");
  take(state);
  setInterval(show, 1000);
  // A line that died without a word (a cable, a proxy) has no error.
  setInterval(() => {
    if (Date.now() - heard > 2 * SILENT) listen();
  }, SILENT);
  setInterval(again, DAY);
  listen();
})();
