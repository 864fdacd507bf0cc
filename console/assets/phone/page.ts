// The page of an operator's place: the phone, the state, the card of who calls, and what goes on at the desk.
import { Line, type Access, type CallState, type LineCall } from "./line";
import { Ring } from "./ring";

interface Config {
  csrf: string;
  me: number;
  urls: Record<string, string>;
  texts: Record<string, string>;
  supervise: boolean;
}

interface Phone {
  extension: string;
  label: string;
  tier: string;
  state: "free" | "ringing" | "busy" | "unreachable";
  paused: string | null;
}

interface Place {
  extension: string;
  operator: number;
  name: string;
  device: "web" | "desk";
  tier: string;
  reason: string | null;
  note: string;
  since: string;
  until: string | null;
  forgotten: boolean;
}

interface OnCall {
  call: string;
  extension: string;
  state: "ringing" | "calling" | "talking";
  since: string;
  citizen: boolean;
  others: string[];
  /** The place that a supervisor listens to with this phone. */
  hears: string | null;
}

interface Live {
  known: boolean;
  waiting: number;
  phones: Phone[];
  places: Place[];
  calls: OnCall[];
  /** Changes whenever who is to be called back does. */
  toCall: string;
}

const TICK = 1000; // milliseconds between two looks at the clock
const SETTINGS = "centralino.sound";
const LOCK = "centralino.phone";
/** Parts of the page, and what stands at the head of one and can have the focus. */
const BOX = "details, section";
const HEADING = "summary, h2";

const config = JSON.parse(byId("workplace").dataset.config ?? "{}") as Config;
const say = (key: string): string => config.texts[key] ?? key;
const ring = new Ring();

const LINE = { connecting: "line.connecting", ready: "line.ready", lost: "line.lost" } as const;
const CALL = {
  ringing: "call.incoming",
  calling: "call.calling",
  talking: "call.talking",
  held: "call.held",
  ended: "call.hang_up",
} as const;

let live: Live = { known: false, waiting: 0, phones: [], places: [], calls: [], toCall: "" };
let line: Line | undefined;
/** The citizen's call, and the one in which a colleague is asked. */
let call: LineCall | undefined;
let asked: LineCall | undefined;
/** A call of our own is about to ring here: it is picked up by itself. */
let expecting = 0;
let cardOf = "";
let toCallOf = "";
let stays = "";
/** What had the focus last. */
let focused: Element | undefined;

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const mine = (): Place | undefined => live.places.find((place) => place.operator === config.me);

async function post(name: string, values: Record<string, string> = {}, extra = ""): Promise<Response> {
  const answer = await fetch(config.urls[name] + extra, {
    method: "POST",
    headers: { "X-CSRFToken": config.csrf },
    body: new URLSearchParams(values),
    credentials: "same-origin",
    redirect: "error",
  });
  if (answer.status === 401) location.reload();
  return answer;
}

async function order(name: string, values: Record<string, string> = {}, extra = ""): Promise<boolean> {
  try {
    const answer = await post(name, values, extra);
    if (answer.ok) return true;
  } catch {
    // Told below, like an answer that says no.
  }
  tell(say("phone.failed"));
  return false;
}

/** What came of what the operator did: it stays until the next thing is done. */
function tell(text: string): void {
  announce(byId("news"), text);
}

/** Screen readers hear of what comes into a region that was there before, so that is never hidden. */
function announce(region: HTMLElement, text: string): void {
  if (region.textContent?.trim() === text) return;
  const shown = document.createElement("p");
  shown.className = "alert alert-warning";
  shown.textContent = text;
  region.replaceChildren(...(text ? [shown] : []));
}

/** What had the focus is not there any more: go on at the heading of its part, not at the top of the page. */
function keepFocus(): void {
  // Browsers take the focus from what is hidden, some at once.
  const at = document.activeElement === document.body ? focused : document.activeElement;
  // Where all is well, or the focus is in the page of work, nothing is moved.
  if (!at || at.checkVisibility()) return;
  const boxes: Element[] = [];
  for (let box = at.closest(BOX); box; box = box.parentElement?.closest(BOX) ?? null) boxes.push(box);
  const headings = [...boxes, byId("at-work"), byId("place-form")].map((box) => box.querySelector<HTMLElement>(HEADING));
  headings.find((heading) => heading?.checkVisibility())?.focus();
}

// --- sound -----------------------------------------------------------------------------------------------------------

interface Sound {
  microphone: string;
  speaker: string;
  ringer: string;
  volume: number;
  notify: boolean;
}

const sound: Sound = {
  microphone: "",
  speaker: "",
  ringer: "",
  volume: 30,
  notify: false,
  ...(JSON.parse(localStorage.getItem(SETTINGS) ?? "{}") as Partial<Sound>),
};

async function listDevices(): Promise<void> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind] of [
    ["microphone", "audioinput"],
    ["speaker", "audiooutput"],
    ["ringer", "audiooutput"],
  ] as const) {
    const choice = byId<HTMLSelectElement>(id);
    const options = devices
      .filter((device) => device.kind === kind && device.deviceId !== "default" && device.deviceId !== "")
      .map((device) => new Option(device.label || device.deviceId, device.deviceId));
    choice.replaceChildren(new Option(say("line.default_device"), ""), ...options);
    choice.value = sound[id];
    if (choice.selectedIndex < 0) choice.selectedIndex = 0;
  }
}

function keepSound(changed: string): void {
  // Only what was chosen now: a device that is unplugged today is remembered.
  if (changed === "microphone" || changed === "speaker" || changed === "ringer")
    sound[changed] = byId<HTMLSelectElement>(changed).value;
  sound.volume = byId<HTMLInputElement>("volume").valueAsNumber;
  sound.notify = byId<HTMLInputElement>("notify").checked;
  localStorage.setItem(SETTINGS, JSON.stringify(sound));
  if (changed === "ringer") void ring.use(sound.ringer);
  for (const going of [call, asked]) {
    if (changed === "speaker") void going?.useSpeaker(sound.speaker);
    if (changed === "microphone") going?.useMicrophone().catch(() => tell(say("line.no_microphone")));
  }
  if (changed === "notify" && sound.notify) void mayNotify();
}

/** Asked for when the operator wants it, and told when the browser does not let it. */
async function mayNotify(): Promise<void> {
  const allowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
  if (allowed) return;
  byId<HTMLInputElement>("notify").checked = sound.notify = false;
  localStorage.setItem(SETTINGS, JSON.stringify(sound));
  tell(say("line.no_notices"));
}

async function askMicrophone(): Promise<void> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
    await listDevices();
  } catch {
    tell(say("line.no_microphone"));
  }
}

// --- the line --------------------------------------------------------------------------------------------------------

async function access(fresh: boolean): Promise<Access> {
  const answer = await post("line", fresh ? { fresh: "1" } : {});
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Access;
}

/** The phone is in one tab: this one, once no other has it. Until then it waits here. */
function connect(): void {
  if (line) return;
  const own = new Line(access, () => sound);
  line = own;
  own.addEventListener("state", showLine);
  own.addEventListener("call", (event) => take((event as CustomEvent<LineCall>).detail));
  own.addEventListener("change", showCall);
  own.addEventListener("deaf", () => tell(say("line.no_microphone")));
  showLine();
  // A page with a lock is also one that browsers do not put to sleep.
  void navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock) return hold(own);
    tell(say("phone.elsewhere"));
    await navigator.locks.request(LOCK, () => {
      tell("");
      return hold(own);
    });
    return undefined;
  });
}

async function hold(own: Line): Promise<void> {
  for (let wait = 1; line === own; wait = Math.min(wait * 2, 15)) {
    try {
      await own.start();
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
  await new Promise<void>((resolve) => own.addEventListener("stopped", () => resolve()));
}

function disconnect(): void {
  line?.stop();
  line?.dispatchEvent(new Event("stopped"));
  line = undefined;
}

function showLine(): void {
  const shown = byId("line-state");
  shown.dataset.state = line?.state ?? "";
  shown.textContent = line ? say(LINE[line.state]) : "";
}

function take(fresh: LineCall): void {
  if (call && !fresh.incoming) {
    asked = fresh;
  } else {
    call = fresh;
    if (fresh.incoming && Date.now() < expecting) {
      expecting = 0;
      void line?.answer(fresh);
    } else if (fresh.incoming) {
      ring.start(sound.volume / 100);
      notify(fresh);
    }
  }
  showCall();
}

function notify(fresh: LineCall): void {
  const who = [fresh.name, fresh.number].filter(Boolean).join(" ");
  byId("ring-news").textContent = `${say("call.incoming")}: ${who}. ${say("call.answer")}: F2`;
  // Desktops keep what they were shown, and show it on locked screens: nothing of the caller leaves the page.
  const shown = onDesktop(say("call.incoming"), say("call.notice"));
  fresh.addEventListener("change", () => {
    if (fresh.state === "ringing") return;
    shown?.close();
    byId("ring-news").textContent = "";
  });
}

/** Shown where the operator wants it and looks at something else. A click on it leads back here. */
function onDesktop(title: string, body: string): Notification | undefined {
  if (!sound.notify || document.hasFocus() || !("Notification" in window)) return undefined;
  if (Notification.permission !== "granted") return undefined;
  const shown = new Notification(title, { body, tag: "centralino", requireInteraction: true });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
  return shown;
}

const clock = (at: string): string =>
  new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
const until = (at: string): string => say("duty.until").replace("{at}", clock(at));

function showCall(): void {
  if (call?.state === "ended") {
    call = asked?.state === "ended" ? undefined : asked;
    asked = undefined;
  }
  if (asked?.state === "ended") asked = undefined;
  if (call?.state !== "ringing") ring.stop();
  const state: CallState | "none" = call?.state ?? "none";
  if (state === "none") for (const id of ["keypad", "transfer"]) byId<HTMLDetailsElement>(id).open = false;
  byId("call-panel").classList.toggle("ringing", state === "ringing");
  byId("no-call").hidden = state !== "none";
  byId("call").hidden = state === "none";
  byId("dial").hidden = state !== "none" || mine()?.device === "desk";
  document.title = state === "ringing" ? `☎ ${say("call.incoming")}` : say("phone.title");
  if (call) {
    byId("call-state").textContent = say(CALL[call.state]);
    byId("call-name").textContent = call.name;
    byId("call-number").textContent = call.number;
    button("answer").hidden = state !== "ringing";
    button("hang-up").textContent = say(state === "ringing" ? "call.reject" : "call.hang_up");
    const going = state === "talking" || state === "held";
    for (const name of ["hold", "mute"]) button(name).hidden = !going;
    byId("keypad").hidden = byId("transfer").hidden = !going;
    press("hold", state === "held", say(state === "held" ? "call.resume" : "call.hold"));
    press("mute", call.muted, say(call.muted ? "call.unmute" : "call.mute"));
  }
  byId("asked").hidden = !asked;
  byId("targets").hidden = !!asked;
  if (asked) {
    byId("asked-state").textContent = say(CALL[asked.state]);
    byId("asked-name").textContent = asked.name || asked.number;
  }
  showTargets();
  tick();
  keepFocus();
}

function button(act: string): HTMLButtonElement {
  return document.querySelector<HTMLButtonElement>(`#call-buttons [data-act="${act}"]`)!;
}

function press(act: string, pressed: boolean, text: string): void {
  const shown = button(act);
  shown.setAttribute("aria-pressed", String(pressed));
  shown.textContent = text;
}

async function hand(target: string): Promise<void> {
  if (!call || !line) return;
  const taken = await call.handTo(line.address(target));
  if (!taken) tell(say("call.refused"));
}

function ask(target: string): void {
  if (!call || !line) return;
  call.hold();
  void line.call(target);
}

async function give(): Promise<void> {
  if (!call || !asked || !line) return;
  const consulted = asked;
  const taken = await call.handTo(line.address(consulted.number), consulted);
  if (taken) consulted.hangUp();
  else tell(say("call.refused"));
}

function back(): void {
  asked?.hangUp();
  call?.resume();
}

// --- who calls -------------------------------------------------------------------------------------------------------

/** The card of the call at this place: little while it rings, more once somebody talks. */
function showCard(): void {
  const place = mine();
  const here = place && live.calls.filter((on) => on.extension === place.extension && on.citizen);
  const on = here?.find((one) => one.state === "talking") ?? here?.[0];
  const wanted = on ? `${on.call} ${on.state === "talking"}` : "";
  if (wanted === cardOf) return;
  cardOf = wanted;
  if (!on) {
    // What was known of a citizen does not stay on the screen for long.
    byId("card").replaceChildren();
    return;
  }
  void load("card", `/${encodeURIComponent(on.call)}`, byId("card"), () => cardOf === wanted);
}

async function load(name: string, extra: string, into: HTMLElement, still: () => boolean): Promise<void> {
  for (let tries = 0; tries < 5 && still(); tries += 1) {
    const answer = await fetch(config.urls[name] + extra, { cache: "no-store", credentials: "same-origin" }).catch(
      () => undefined,
    );
    if (answer?.ok && still()) {
      const text = await answer.text();
      // Our own server's escaped markup; the content security policy runs no script in it either way.
      refill(into, () => (into.innerHTML = text));
      return;
    }
    if (answer?.status === 404 && tries > 2) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const loadToCall = (): Promise<void> => load("to_call", "", byId("to-call"), () => true);

/** Put something else there. Who was at something in it is at the same afterwards, or at the heading of it. */
function refill(list: HTMLElement, fill: () => void): void {
  const at = list.contains(document.activeElement) ? (document.activeElement as HTMLElement) : undefined;
  const id = at?.dataset.id ?? at?.getAttribute("href");
  fill();
  if (!at) return;
  const again = [...list.querySelectorAll<HTMLElement>("[data-id], [href]")];
  const same = again.find((one) => id && id === (one.dataset.id ?? one.getAttribute("href")));
  (same ?? list.closest(BOX)?.querySelector<HTMLElement>(HEADING) ?? byId("call-title")).focus();
}

// --- what goes on ----------------------------------------------------------------------------------------------------

function listen(): void {
  const stream = new EventSource(config.urls.live!);
  let broken = 0;
  stream.onmessage = (event: MessageEvent<string>) => {
    window.clearTimeout(broken);
    live = { ...live, ...(JSON.parse(event.data) as Partial<Live>) };
    announce(byId("live-state"), live.known ? "" : say("phone.unknown_live"));
    show();
  };
  stream.onerror = () => {
    window.clearTimeout(broken);
    broken = window.setTimeout(() => announce(byId("live-state"), say("phone.broken")), 4000);
    if (stream.readyState === EventSource.CLOSED) {
      // The server refused: too many pages, or logged out. Ask again in a while.
      window.setTimeout(listen, 5000);
    }
  };
}

function show(): void {
  const place = mine();
  byId("place-form").hidden = !!place;
  byId("at-work").hidden = !place;
  if (!place) disconnect();
  else {
    const phone = live.phones.find((one) => one.extension === place.extension);
    byId("place-name").textContent = phone ? `${phone.label} (${place.extension})` : place.extension;
    const duty = byId("duty");
    duty.dataset.state = place.reason ? "paused" : "available";
    duty.textContent = place.reason
      ? `${say("duty.paused")}: ${say(`pause_reason.${place.reason}`)}${place.note ? ` – ${place.note}` : ""}`
      : say("duty.available");
    byId("resume").hidden = !place.reason || (place.forgotten && stays !== place.since);
    byId("pausing").hidden = byId("wrap-up").hidden = !!place.reason;
    byId("until").textContent = place.until ? until(place.until) : "";
    askAbout(place);
    byId("sound").hidden = place.device === "desk";
    byId("dial").hidden = place.device === "desk" || !!call;
    byId("line-state").hidden = place.device === "desk";
    if (place.device === "web") connect();
    else disconnect();
  }
  byId("listened").hidden = !place || !live.calls.some((on) => on.hears === place.extension);
  byId("waiting").textContent = say("desk_now.waiting").replace("{number}", String(live.waiting));
  replaceIfChanged(byId("colleagues"), live.phones.map(colleague));
  showTargets();
  showCard();
  if (toCallOf !== live.toCall) {
    toCallOf = live.toCall;
    void loadToCall();
  }
  keepFocus();
}

/** A pause that lasts longer than it was meant to: ask, once. */
function askAbout(place: Place): void {
  const shown = byId("forgotten");
  const wanted = place.forgotten && stays !== place.since;
  if (wanted && shown.hidden) onDesktop(say("duty.paused"), say("duty.forgotten"));
  shown.hidden = !wanted;
}

function replaceIfChanged(list: HTMLElement, items: HTMLElement[]): void {
  const fresh = document.createElement("ul");
  fresh.append(...items);
  if (fresh.innerHTML === list.innerHTML) return;
  refill(list, () => list.replaceChildren(...items));
}

function describe(phone: Phone): string {
  const on = live.calls.find((one) => one.extension === phone.extension);
  if (on && on.state !== "ringing") return say("desk_now.on_call");
  const place = live.places.find((one) => one.extension === phone.extension);
  if (phone.paused)
    return [say(`pause_reason.${phone.paused}`), place?.note, place?.until && until(place.until)].filter(Boolean).join(", ");
  return say(`phone_state.${phone.state}`);
}

function item(phone: Phone): HTMLLIElement {
  const row = document.createElement("li");
  const place = live.places.find((one) => one.extension === phone.extension);
  const dot = document.createElement("span");
  dot.className = "dot";
  dot.dataset.state = phone.paused && phone.state === "free" ? "paused" : phone.state;
  dot.setAttribute("aria-hidden", "true");
  const who = document.createElement("span");
  who.append(dot, `${phone.label} (${phone.extension})${place ? ` – ${place.name}` : ""}`);
  const state = document.createElement("span");
  state.textContent = describe(phone);
  row.append(who, state);
  return row;
}

function act(text: string, name: string, extension: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn btn-outline-primary btn-xs";
  made.textContent = text;
  made.dataset.do = name;
  made.dataset.extension = extension;
  made.dataset.id = `${name}-${extension}`;
  return made;
}

function colleague(phone: Phone): HTMLLIElement {
  const row = item(phone);
  row.dataset.extension = phone.extension;
  const place = live.places.find((one) => one.extension === phone.extension);
  if (place?.forgotten && config.supervise) {
    const mark = document.createElement("strong");
    mark.textContent = say("desk_now.forgotten");
    row.append(mark);
  }
  if (!config.supervise || !place || place.operator === config.me) return row;
  const more = document.createElement("span");
  more.className = "more";
  if (place.reason) more.append(act(say("duty.resume"), "resume", phone.extension));
  const talking = live.calls.some((on) => on.extension === phone.extension && on.state === "talking" && on.citizen);
  if (talking && mine())
    more.append(
      act(say("desk_now.listen"), "listen", phone.extension),
      act(say("desk_now.whisper"), "whisper", phone.extension),
    );
  if (phone.tier !== "office")
    more.append(
      place.tier === "counter"
        ? act(say("desk_now.to_back_office"), "back_office", phone.extension)
        : act(say("desk_now.to_counter"), "counter", phone.extension),
    );
  row.append(more);
  return row;
}

function showTargets(): void {
  const own = mine()?.extension;
  const open = byId<HTMLDetailsElement>("transfer").open;
  if (!open) return;
  replaceIfChanged(
    byId("targets"),
    live.phones
      .filter((phone) => phone.extension !== own)
      .map((phone) => {
        const row = item(phone);
        const more = document.createElement("span");
        more.className = "more";
        if (phone.state !== "unreachable")
          more.append(act(say("call.blind"), "blind", phone.extension), act(say("call.ask"), "ask", phone.extension));
        row.append(more);
        return row;
      }),
  );
}

function tick(): void {
  const shown = byId("call-time");
  if (!call) return;
  const seconds = Math.floor((Date.now() - (call.talkingSince || call.since)) / 1000);
  shown.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const waits = document.querySelector<HTMLElement>("#card [data-since]");
  if (waits) {
    const waited = Math.floor((Date.now() - Date.parse(waits.dataset.since ?? "")) / 1000);
    waits.textContent = say("card.seconds").replace("{number}", String(waited));
  }
}

// --- what is pressed -------------------------------------------------------------------------------------------------

const ACTS: Record<string, () => unknown> = {
  answer: () => call && line?.answer(call),
  "hang-up": () => call?.hangUp(),
  hold: () => (call?.state === "held" ? call.resume() : call?.hold()),
  mute: () => call?.mute(!call.muted),
  give,
  back,
  resume: () => order("resume"),
  "wrap-up": () => order("pause", { reason: "wrap_up" }),
  ring: () => {
    ring.stop();
    ring.start(sound.volume / 100, 2);
  },
  stay: () => {
    stays = mine()?.since ?? "";
    show();
  },
  leave: async () => {
    if (call && !confirm(say("call.leaving"))) return;
    disconnect();
    await order("leave");
  },
};

/** What function keys do, also while the page of work beside the phone has the focus. */
const SHORTCUTS: Record<string, () => unknown> = {
  F2: () => push("answer"),
  "Shift+F2": () => push("hang-up"),
  F4: () => unfold("transfer"),
  "Shift+F4": () => unfold("keypad"),
  F8: () => push("hold"),
  F9: () => push("mute"),
  "Shift+F9": () => (document.activeElement === work ? byId("duty-title") : work).focus(),
};
const work = byId<HTMLIFrameElement>("work");

/** Press that button, if it can be pressed now. */
function push(name: string): boolean {
  const shown = button(name);
  if (!shown.checkVisibility()) return false;
  shown.click();
  return true;
}

function unfold(id: string): boolean {
  const folded = byId<HTMLDetailsElement>(id);
  if (!folded.checkVisibility()) return false;
  folded.open = true;
  folded.querySelector("summary")?.focus();
  return true;
}

function onKey(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  const shortcut = SHORTCUTS[`${event.shiftKey ? "Shift+" : ""}${event.key}`];
  // Where there is nothing to do, the key is the browser's.
  if (shortcut && shortcut() !== false) event.preventDefault();
  else if (byId("keypad").contains(document.activeElement)) {
    const key = byId("keypad").querySelector<HTMLButtonElement>(`[data-key="${CSS.escape(event.key)}"]`);
    key?.focus();
    key?.click();
  }
}

document.addEventListener("focusin", (event) => (focused = event.target as Element));
document.addEventListener("keydown", onKey);
// What is opened there is of our own server.
work.addEventListener("load", () => work.contentDocument?.addEventListener("keydown", onKey));

document.addEventListener("click", (event) => {
  const pressed = (event.target as Element).closest<HTMLElement>("button, a");
  if (!pressed) return;
  const { act: name, key, callBack, extension } = pressed.dataset;
  tell("");
  if (name) void ACTS[name]?.();
  else if (key) (asked ?? call)?.press(key);
  else if (callBack) void callBackNow(callBack);
  else if (pressed.dataset.do && extension) void onColleague(pressed.dataset.do, extension);
  else if (pressed instanceof HTMLAnchorElement && pressed.closest("#navigation, .subsections")) {
    // The page with the phone stays; others open beside it.
    if (pressed.pathname !== location.pathname) pressed.target = "work";
    else event.preventDefault();
  }
});

async function callBackNow(reference: string): Promise<void> {
  expecting = Date.now() + 20000;
  const answer = await post("call_back", {}, `/${reference}`).catch(() => undefined);
  if (!answer?.ok) expecting = 0;
  tell(say(answer?.ok ? "to_call.placed" : "to_call.off"));
}

async function onColleague(name: string, extension: string): Promise<void> {
  if (name === "blind") await hand(extension);
  else if (name === "ask") ask(extension);
  else {
    if (name === "listen" || name === "whisper") expecting = Date.now() + 20000;
    const answer = await post("supervise", { extension, do: name }).catch(() => undefined);
    if (answer?.ok) return;
    expecting = 0;
    tell(say(answer?.status === 409 ? "desk_now.listening_off" : "phone.failed"));
  }
}

byId("take-place").addEventListener("submit", (event) => {
  event.preventDefault();
  void ring.unlock();
  void sit(new FormData(event.target as HTMLFormElement));
});

async function sit(form: FormData): Promise<void> {
  const device = String(form.get("device"));
  if (device === "web") await askMicrophone();
  const answer = await post("place", { extension: String(form.get("extension")), device }).catch(() => undefined);
  if (answer?.status === 409) tell(say("seat.occupied"));
  else if (!answer?.ok) tell(say("phone.failed"));
}

byId("pause").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  void order("pause", values).then(() => {
    form.reset();
    byId<HTMLDetailsElement>("pausing").open = false;
    keepFocus();
  });
});

byId("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = byId<HTMLInputElement>("number");
  void line?.call(number.value);
  number.value = "";
});

byId("transfer").addEventListener("toggle", showTargets);
byId("sound").addEventListener("change", (event) => keepSound((event.target as HTMLElement).id));
byId("sound").addEventListener("toggle", () => void listDevices());
navigator.mediaDevices?.addEventListener("devicechange", () => void listDevices());
void ring.use(sound.ringer);
document.addEventListener("click", () => void ring.unlock(), { once: true });
byId<HTMLInputElement>("volume").value = String(sound.volume);
byId<HTMLInputElement>("notify").checked = sound.notify;

window.addEventListener("beforeunload", (event) => {
  // Nobody is lost, but the talk would be cut: ask first.
  if (call && call.state !== "ringing") event.preventDefault();
});
window.addEventListener("pageshow", (event) => {
  // Out of the browser's memory, with a line that was given up when it went there.
  if (event.persisted) location.reload();
});
window.addEventListener("pagehide", () => {
  if (!line) return;
  line.vanish();
  const form = new URLSearchParams({ csrf_token: config.csrf });
  navigator.sendBeacon(config.urls.gone!, form);
});

window.setInterval(tick, TICK);
listen();
