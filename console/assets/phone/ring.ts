// The ring: made here, in Italy's cadence (425 Hz, one second on and four off), on the chosen speaker.
const TONE = 425;
const ON = 1;
const EVERY = 5;

export class Ring {
  private context: AudioContext | undefined;
  private gain: GainNode | undefined;
  private timer = 0;

  /** Browsers let a page sound only after somebody has touched it: to be called from a click. */
  async unlock(): Promise<void> {
    this.context ??= new AudioContext();
    await this.context.resume().catch(() => undefined);
  }

  async use(speaker: string): Promise<void> {
    const context = this.context as (AudioContext & { setSinkId?: (id: string) => Promise<void> }) | undefined;
    await context?.setSinkId?.(speaker).catch(() => undefined);
  }

  get ringing(): boolean {
    return this.gain !== undefined;
  }

  start(volume: number): void {
    if (this.gain) return;
    this.context ??= new AudioContext();
    const context = this.context;
    void context.resume().catch(() => undefined);
    const gain = context.createGain();
    const tone = context.createOscillator();
    tone.frequency.value = TONE;
    gain.gain.value = 0;
    tone.connect(gain).connect(context.destination);
    tone.start();
    this.gain = gain;
    const ring = (): void => {
      const now = context.currentTime;
      // Without a ramp, a tone begins and ends with a click.
      gain.gain.setTargetAtTime(volume, now, 0.02);
      gain.gain.setTargetAtTime(0, now + ON, 0.02);
    };
    ring();
    this.timer = window.setInterval(ring, EVERY * 1000);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.gain?.disconnect();
    this.gain = undefined;
  }
}
