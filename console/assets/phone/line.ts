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

/** The devices that the operator chose; empty: the browser's choice. */
export interface Devices {
  microphone: string;
  speaker: string;
}

/** One call. Its fields are for showing; what can be done with it are its methods. Events: `change`, `deaf` (no microphone). */
export class LineCall extends EventTarget {
  state: CallState;
  muted = false;
  /** Whether it was turned away here: refused, or there is no microphone. */
  refused = false;
  readonly since = Date.now();
  talkingSince = 0;
  private readonly audio = new Audio();
  /** A microphone chosen in mid-call; the one from the beginning is the session's. */
  private microphone: MediaStreamTrack | undefined;
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
    session.on("getusermediafailed", () => {
      this.refused = true;
      this.dispatchEvent(new Event("deaf"));
    });
    for (const end of ["ended", "failed"] as const) {
      session.on(end, () => {
        this.audio.srcObject = null;
        this.microphone?.stop();
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

  answer(): void {
    this.session.answer(mediaOf(this.devices()));
  }

  hangUp(): void {
    if (this.session.isEnded()) return;
    this.refused = this.state === "ringing";
    this.session.terminate(this.refused ? { status_code: 486 } : undefined);
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
    const { mediaConstraints } = mediaOf(this.devices());
    const [track] = (await navigator.mediaDevices.getUserMedia(mediaConstraints)).getAudioTracks();
    if (!track) return;
    // Muted or on hold it stays silent.
    track.enabled = sender.track?.enabled ?? true;
    await sender.replaceTrack(track);
    this.microphone?.stop();
    this.microphone = track;
    if (this.state === "ended") track.stop();
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

/** A line. Events: `state`, `call` (a CustomEvent with the new call), `change` (of any call). */
export class Line extends EventTarget {
  state: LineState = "connecting";
  readonly calls: LineCall[] = [];
  private ua: JsSIP.UA | undefined;
  private access: Access | undefined;
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

  call(number: string, headers: string[] = []): void {
    this.ua?.call(`sip:${number}@centralino.invalid`, {
      ...mediaOf(this.devices()),
      extraHeaders: headers,
    });
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

function mediaOf(devices: Devices): {
  mediaConstraints: MediaStreamConstraints;
  pcConfig: RTCConfiguration;
} {
  const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (devices.microphone) audio.deviceId = { ideal: devices.microphone };
  return { mediaConstraints: { audio, video: false }, pcConfig: { iceServers: [] } };
}
