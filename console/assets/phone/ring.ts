// The ring: made here, in Italy's cadence (425 Hz, one second on and four off), on the chosen speaker.
const TONE = 425;
const ON = 1;
const EVERY = 5;
/** So many seconds are laid down at once, by the clock of the sound: timers of a page in the background are slow. */
const LONGEST = 300;

export class Ring {
  private context: AudioContext | undefined;
  private tone: OscillatorNode | undefined;
  private speaker = "";

  /** Browsers let a page sound only after somebody has touched it: to be called from a click. */
  async unlock(): Promise<void> {
    await this.sounding()
      .resume()
      .catch(() => undefined);
  }

  /** Ring there from now on; empty: the browser's choice. */
  async use(speaker: string): Promise<void> {
    this.speaker = speaker;
    // Not in every browser; then it is the system's choice.
    const context = this.context as (AudioContext & { setSinkId?: (id: string) => Promise<void> }) | undefined;
    await context?.setSinkId?.(speaker).catch(() => undefined);
  }

  /** Ring until `stop`, or for so many seconds. `volume` is between 0 and 1. */
  start(volume: number, seconds = LONGEST): void {
    if (this.tone) return;
    const context = this.sounding();
    void context.resume().catch(() => undefined);
    const gain = context.createGain();
    const tone = context.createOscillator();
    tone.frequency.value = TONE;
    gain.gain.value = 0;
    for (let at = 0; at < seconds; at += EVERY) {
      // Without a ramp, a tone begins and ends with a click.
      gain.gain.setTargetAtTime(volume, context.currentTime + at, 0.02);
      gain.gain.setTargetAtTime(0, context.currentTime + at + ON, 0.02);
    }
    tone.connect(gain).connect(context.destination);
    tone.onended = () => {
      gain.disconnect();
      if (this.tone === tone) this.tone = undefined;
    };
    tone.start();
    tone.stop(context.currentTime + seconds);
    this.tone = tone;
  }

  stop(): void {
    this.tone?.stop();
    this.tone = undefined;
  }

  private sounding(): AudioContext {
    if (!this.context) {
      this.context = new AudioContext();
      if (this.speaker) void this.use(this.speaker);
    }
    return this.context;
  }
}
