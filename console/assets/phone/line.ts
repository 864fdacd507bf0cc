// The SIP line of a page: registration that survives sleep and lost networks, and the calls on it.
import JsSIP from "jssip";
import type { IncomingRTCSessionEvent, OutgoingRTCSessionEvent } from "jssip/lib/UA";
import type { RTCSession } from "jssip/lib/RTCSession";

/** What the server says about the line; the password lasts for `seconds`. */
export interface Access {
  url: string;
  user: string;
  password: string;
  seconds: number;
}

export type LineState = "connecting" | "ready" | "lost";
export type CallState = "ringing" | "calling" | "talking" | "held" | "ended";

/** So much later (milliseconds) than it should a timer of a page at work does not fire. */
const LATE = 5000;

const SETTLES = 100; // milliseconds
/** Nobody helps to find the way: Asterisk is where the page is served, or beside it. */
const PEERS: RTCConfiguration = { iceServers: [] };

/** The devices that the operator chose; empty: the browser's choice. */
export interface Devices {
  microphone: string;
  speaker: string;
}

/** One call. Its fields are for showing; what can be done with it are its methods. */
export class LineCall extends EventTarget {
  state: CallState;
  muted = false;
  readonly since = Date.now();
  talkingSince = 0;
  private readonly audio = new Audio();
  private microphone: MediaStream | undefined;
  private answered = false;
  private wantsHold = false;

  constructor(
    private readonly session: RTCSession,
    private readonly devices: () => Devices,
  ) {
    super();
    this.state = session.direction === "incoming" ? "ringing" : "calling";
    const hear = (connection: RTCPeerConnection): void => {
      connection.addEventListener("track", (event) => this.play(event.streams[0] ?? new MediaStream([event.track])));
      connection.addEventListener("connectionstatechange", () => {
        // Where the network is gone for good, no farewell comes.
        if (connection.connectionState === "failed") this.hangUp();
      });
    };
    if (session.connection) hear(session.connection);
    session.on("peerconnection", (event: { peerconnection: RTCPeerConnection }) => hear(event.peerconnection));
    session.on("confirmed", () => {
      this.talkingSince ||= Date.now();
      this.become("talking");
    });
    session.on("hold", () => this.become("held"));
    session.on("unhold", () => this.become("talking"));
    for (const end of ["ended", "failed"] as const) {
      session.on(end, () => {
        this.audio.srcObject = null;
        this.speakInto(undefined);
        this.become("ended");
      });
    }
  }

  /** What the display shows: who calls, or is called. */
  get name(): string {
    return this.session.remote_identity.display_name || "";
  }

  get number(): string {
    return this.session.remote_identity.uri.user || "";
  }

  get incoming(): boolean {
    return this.session.direction === "incoming";
  }

  get connection(): RTCPeerConnection | undefined {
    return this.session.connection ?? undefined;
  }

  /** Rejects where there is no microphone; the call then goes to the next phone. */
  async answer(): Promise<void> {
    if (this.answered) return;
    this.answered = true;
    try {
      this.speakInto(await microphoneOf(this.devices()));
    } catch (error) {
      if (!this.session.isEnded()) this.session.terminate({ status_code: 480 });
      throw error;
    }
    if (this.session.isEnded()) this.speakInto(undefined);
    else this.session.answer({ mediaStream: this.microphone!, pcConfig: PEERS });
  }

  /** From now on that microphone is this call's, and nobody else's is kept open. */
  speakInto(microphone: MediaStream | undefined): void {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.microphone = microphone;
  }

  hangUp(): void {
    if (this.session.isEnded()) return;
    this.session.terminate(this.state === "ringing" ? { status_code: 486 } : undefined);
  }

  hold(): void {
    this.wantsHold = true;
    this.settle();
  }

  resume(): void {
    this.wantsHold = false;
    this.settle();
  }

  /** While the exchange still answers the last change it takes no other: then a moment later. */
  private settle(): void {
    if (this.session.isEnded() || this.session.isOnHold().local === this.wantsHold) return;
    const begun = this.wantsHold ? this.session.hold() : this.session.unhold();
    if (!begun) window.setTimeout(() => this.settle(), SETTLES);
  }

  mute(muted: boolean): void {
    if (muted) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
    this.muted = muted;
    this.changed();
  }

  /** Press a key, sent as an event of RFC 4733. */
  press(key: string): void {
    this.session.sendDTMF(key, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 as never, duration: 120 });
  }

  /** Hand the other side to `target`, unasked, or into the call in which somebody was asked. True if it was taken. */
  handTo(target: string, asked?: LineCall): Promise<boolean> {
    return new Promise<boolean>((resolve) => {
      this.session.refer(target, {
        ...(asked && { replaces: asked.session }),
        eventHandlers: {
          requestFailed: () => resolve(false),
          accepted: () => resolve(true),
          failed: () => resolve(false),
        },
      });
    }).then((taken) => {
      if (taken) this.hangUp();
      return taken;
    });
  }

  async useSpeaker(device: string): Promise<void> {
    // Not in every browser; then it is the system's choice.
    if ("setSinkId" in this.audio) await this.audio.setSinkId(device).catch(() => undefined);
  }

  /** Speak into another microphone from now on. Rejects where it cannot be had; the talk then goes on as it was. */
  async useMicrophone(): Promise<void> {
    const sender = this.connection?.getSenders().find((one) => one.track?.kind === "audio");
    if (!sender) return;
    const microphone = await microphoneOf(this.devices());
    const [track] = microphone.getAudioTracks();
    // Muted or on hold it stays silent.
    track!.enabled = sender.track?.enabled ?? true;
    await sender.replaceTrack(track!);
    this.speakInto(microphone);
    if (this.session.isEnded()) this.speakInto(undefined);
  }

  private play(stream: MediaStream): void {
    this.audio.srcObject = stream;
    void this.useSpeaker(this.devices().speaker);
    void this.audio.play().catch(() => undefined);
  }

  private become(state: CallState): void {
    if (this.state === "ended") return;
    this.state = state;
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new Event("change"));
  }
}

/** A line. Events: `state`, `call` (a CustomEvent with the new call), `change` (of any call), `deaf` (no microphone). */
export class Line extends EventTarget {
  state: LineState = "connecting";
  readonly calls: LineCall[] = [];
  private ua: JsSIP.UA | undefined;
  private access: Access | undefined;
  /** For the call that is being made. */
  private microphone: MediaStream | undefined;
  private timer = 0;
  /** When the password is to be renewed (`Date.now()`): later than that, timers slept. */
  private due = Infinity;
  private stopped = false;

  /**
   * @param ask gives access; `fresh` is true the first time: calls of an earlier page are then no longer ours.
   * @param register whether calls come in on this line.
   */
  constructor(
    private readonly ask: (fresh: boolean) => Promise<Access>,
    private readonly devices: () => Devices,
    private readonly register = true,
  ) {
    super();
  }

  get started(): boolean {
    return this.ua !== undefined;
  }

  async start(): Promise<void> {
    this.access = await this.ask(true);
    const { url, user, password } = this.access;
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: `sip:${user}@centralino.invalid`,
      authorization_user: user,
      password,
      register: this.register,
      register_expires: 600,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: "Centralino",
    });
    this.ua = ua;
    ua.on("connected", () => {
      if (!this.register) this.become("ready");
    });
    ua.on("registered", () => this.become("ready"));
    ua.on("unregistered", () => this.become("lost"));
    ua.on("disconnected", () => this.become("lost"));
    ua.on("registrationFailed", ({ response }: { response: unknown }) => {
      this.become("lost");
      // Without an answer the connection is dead, whatever the browser thinks of it.
      if (!response) this.reconnect();
      this.renewIn(2);
    });
    ua.on("newRTCSession", (event: IncomingRTCSessionEvent | OutgoingRTCSessionEvent) => {
      this.note(event.session);
    });
    ua.start();
    for (const wake of ["online", "pageshow"]) window.addEventListener(wake, this.wake);
    for (const wake of ["resume", "visibilitychange"]) document.addEventListener(wake, this.wake);
    this.renewIn(this.access.seconds / 3);
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.timer);
    for (const wake of ["online", "pageshow"]) window.removeEventListener(wake, this.wake);
    for (const wake of ["resume", "visibilitychange"]) document.removeEventListener(wake, this.wake);
    this.ua?.stop();
  }

  /** The page goes away: fall silent without a farewell, so that the exchange does not take it for the end of the call. */
  vanish(): void {
    this.stopped = true;
    for (const call of this.calls) call.connection?.close();
  }

  /** Call a number; tells by `deaf` where there is no microphone. */
  async call(number: string, headers: string[] = []): Promise<void> {
    const microphone = await microphoneOf(this.devices()).catch(() => undefined);
    if (!microphone) {
      this.dispatchEvent(new Event("deaf"));
      return;
    }
    this.microphone = microphone;
    this.ua?.call(this.address(number), { mediaStream: microphone, pcConfig: PEERS, extraHeaders: headers });
  }

  /** Answer; tells by `deaf` where there is no microphone. */
  async answer(call: LineCall): Promise<void> {
    await call.answer().catch(() => this.dispatchEvent(new Event("deaf")));
  }

  address(number: string): string {
    return `sip:${number}@centralino.invalid`;
  }

  private note(session: RTCSession): void {
    if (session.direction === "incoming" && this.calls.length > 0) {
      session.terminate({ status_code: 486 });
      return;
    }
    const call = new LineCall(session, this.devices);
    if (!call.incoming) call.speakInto(this.microphone);
    this.calls.push(call);
    call.addEventListener("change", () => {
      if (call.state === "ended") this.calls.splice(this.calls.indexOf(call), 1);
      this.dispatchEvent(new CustomEvent("change", { detail: call }));
    });
    this.dispatchEvent(new CustomEvent("call", { detail: call }));
  }

  /** The page was asleep, or the network away, and maybe our timers too: nothing of what we believe need be so. */
  private readonly wake = (): void => {
    if (this.stopped || !this.ua) return;
    if (!this.ua.isConnected()) this.reconnect();
    if (this.state === "lost" || Date.now() > this.due + LATE) this.renewIn(0);
  };

  /** Do not wait for the next try: begin anew, unless somebody talks. */
  private reconnect(): void {
    if (this.calls.length > 0) return;
    this.ua?.stop();
    this.ua?.start();
  }

  private renewIn(seconds: number): void {
    window.clearTimeout(this.timer);
    this.due = Date.now() + seconds * 1000;
    if (!this.stopped) this.timer = window.setTimeout(() => void this.renew(), seconds * 1000);
  }

  private async renew(): Promise<void> {
    try {
      this.access = await this.ask(false);
    } catch {
      this.renewIn(5);
      return;
    }
    if (this.stopped || !this.ua) return;
    this.ua.set("password", this.access.password);
    if (this.register && this.ua.isConnected()) this.ua.register();
    this.renewIn(this.access.seconds / 3);
  }

  private become(state: LineState): void {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** The chosen microphone, or the browser's choice where that is not there. Rejects where there is none. */
async function microphoneOf(devices: Devices): Promise<MediaStream> {
  const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (devices.microphone) {
    try {
      // Chromium takes no notice of a device that is only preferred.
      return await navigator.mediaDevices.getUserMedia({ audio: { ...audio, deviceId: { exact: devices.microphone } } });
    } catch {
      // Unplugged: any other is better than none.
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio });
}
