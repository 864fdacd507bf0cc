// Keeps the list of requests current without reloading the page: asks for the list every two seconds, changes
// only the rows that changed (so that focus and selection stay) and announces new requests to screen readers.
"use strict";

(() => {
  const EVERY = 2000; // milliseconds between two questions
  const SLOWEST = 30000; // at most this long after failures in a row
  const PATIENCE = 10000; // an answer that takes longer counts as a failure
  const NEW_FOR = 6000; // how long a new row stays marked

  const live = document.getElementById("live");
  const state = document.getElementById("live-state");
  const news = document.getElementById("live-news");
  let version = live.dataset.version;
  let latest = 0; // the greatest number of a request that was seen
  let failures = 0;
  let timer = 0;
  let running = false;

  function show(name) {
    if (state.dataset.now === name) return;
    state.dataset.now = name;
    state.textContent = state.dataset[name];
    state.hidden = false;
  }

  const rowsOf = (root) => [...root.querySelectorAll("tbody > tr[data-reference]")];

  // Numbers grow: a row that slides in because another one left is not news.
  function arrivedIn(rows) {
    const numbers = rows.map((row) => Number(row.dataset.number));
    const arrived = numbers.filter((number) => number > latest).length;
    latest = Math.max(latest, ...numbers);
    return arrived;
  }

  function mergeRows(body, fresh) {
    const known = new Map(rowsOf(body).map((row) => [row.dataset.reference, row]));
    let next = body.querySelector("tbody").firstElementChild;
    for (const wanted of rowsOf(fresh)) {
      const old = known.get(wanted.dataset.reference);
      known.delete(wanted.dataset.reference);
      let row = old;
      if (!old) {
        row = document.importNode(wanted, true);
        row.classList.add("new");
        setTimeout(() => row.classList.remove("new"), NEW_FOR);
      } else if (old.innerHTML !== wanted.innerHTML) {
        const focused = old.contains(document.activeElement) && document.activeElement.localName;
        const chosen = old.querySelector("input:checked") !== null;
        old.innerHTML = wanted.innerHTML;
        const box = old.querySelector("input");
        if (box) box.checked = chosen;
        if (focused) (old.querySelector(focused) || old.querySelector("a")).focus();
      }
      if (row === next) next = next.nextElementSibling;
      else body.querySelector("tbody").insertBefore(row, next);
    }
    for (const gone of known.values()) gone.remove();
  }

  function merge(html) {
    const fresh = document.createElement("div");
    // Our own server's escaped markup; the content security policy runs no script in it either way.
    fresh.innerHTML = html;
    const hadTable = live.querySelector("tbody");
    if (!hadTable || !fresh.querySelector("tbody")) {
      const arrived = arrivedIn(rowsOf(fresh));
      live.replaceChildren(...fresh.childNodes);
      return arrived;
    }
    const arrived = arrivedIn(rowsOf(fresh));
    mergeRows(live, fresh);
    const oldPaging = live.querySelector("nav");
    const newPaging = fresh.querySelector("nav");
    if (oldPaging && newPaging) {
      if (oldPaging.innerHTML !== newPaging.innerHTML) {
        const focused = oldPaging.contains(document.activeElement);
        oldPaging.replaceWith(newPaging);
        if (focused) newPaging.querySelector("a").focus();
      }
    } else if (oldPaging) oldPaging.remove();
    else if (newPaging) live.append(newPaging);
    return arrived;
  }

  function announce(arrived) {
    if (arrived === 0) return;
    news.textContent = arrived === 1 ? news.dataset.one : news.dataset.many.replace("#", String(arrived));
  }

  async function ask() {
    const answer = await fetch(live.dataset.url, {
      headers: { "If-None-Match": version },
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.status === 401) {
      location.assign(live.dataset.signIn);
      return false;
    }
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (document.hidden) return true; // merged when the tab is looked at again
      announce(merge(html));
      version = answer.headers.get("ETag") || "";
    }
    return true;
  }

  async function turn() {
    if (running || document.hidden) return;
    running = true;
    let goOn = true;
    try {
      goOn = await ask();
      failures = 0;
      show("on");
    } catch {
      failures += 1;
      // One lost answer is nothing to worry anyone with.
      if (failures > 1) show("broken");
    }
    running = false;
    clearTimeout(timer);
    if (goOn && !document.hidden) timer = setTimeout(turn, Math.min(EVERY * 2 ** Math.min(failures, 5), SLOWEST));
  }

  arrivedIn(rowsOf(live));
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) show("paused");
    else turn();
  });
  turn();
})();
