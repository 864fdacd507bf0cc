// The citizen's phone for trying the system out: calls the town's number and presses keys.
import { Line, type Access, type LineCall } from "./line";

const handset = document.getElementById("handset")!;
const state = document.getElementById("handset-state")!;
const callTown = document.getElementById("call-town") as HTMLButtonElement;
const hangUp = document.getElementById("hang-up") as HTMLButtonElement;
const caller = document.getElementById("caller") as HTMLSelectElement;
const keys = [...handset.querySelectorAll<HTMLButtonElement>("[data-key]")];
const say = (name: string): string => handset.dataset[name] ?? "";

let call: LineCall | undefined;
let wanted = false;

const line = new Line(
  async (): Promise<Access> => {
    const answer = await fetch(say("line"), {
      method: "POST",
      headers: { "X-CSRFToken": say("csrf") },
      credentials: "same-origin",
      redirect: "error",
    });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()) as Access;
  },
  () => ({ microphone: "", speaker: "" }),
  false,
);

function show(): void {
  const going = call !== undefined;
  callTown.hidden = going;
  hangUp.hidden = !going;
  caller.disabled = going;
  for (const key of keys) key.disabled = call?.state !== "talking";
  state.textContent = say(!going ? "idle" : call!.state === "talking" ? "talking" : "calling");
}

function place(): void {
  if (!wanted || line.state !== "ready") return;
  wanted = false;
  // Whom the town takes for the caller: this endpoint is trusted to say so, as a trunk is.
  void line.call(say("number"), [`P-Asserted-Identity: <sip:${caller.value}@centralino.invalid>`]);
}

line.addEventListener("state", place);
line.addEventListener("call", (event) => {
  call = (event as CustomEvent<LineCall>).detail;
  show();
});
line.addEventListener("deaf", () => (state.textContent = say("deaf")));
line.addEventListener("change", () => {
  if (call?.state === "ended") call = undefined;
  show();
});

callTown.addEventListener("click", () => {
  wanted = true;
  place();
  if (line.started) return;
  line.start().catch(() => {
    wanted = false;
    state.textContent = say("failed");
  });
});
hangUp.addEventListener("click", () => call?.hangUp());
for (const key of keys) key.addEventListener("click", () => call?.press(key.dataset.key ?? ""));
document.addEventListener("keydown", (event) => {
  const key = keys.find((one) => one.dataset.key === event.key && !one.disabled);
  if (key && !(event.target instanceof HTMLSelectElement)) key.click();
});
