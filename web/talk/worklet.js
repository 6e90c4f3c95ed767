// Microphone and speaker of a leg, on the audio thread.
//
// Capture: native rate → 8 kHz → µ-law → frames of 20 ms, one after the other without a pause; without a microphone they are
// silence. Playout: µ-law → a buffer with a jitter allowance → native rate. A mark is echoed when everything that came
// before it has been played. What is said goes to the line without passing through the page.

const RATE = 8000;
const FRAME = 160;
/** What a pause of the network may be before a gap is heard, in samples: 60 ms. */
const JITTER = 480;
/** Samples that may wait: 65 s. The service sends four seconds ahead at most. */
const CAPACITY = 1 << 19;
/** Frames from one report of the levels to the next: 100 ms. */
const LEVEL_EVERY = 5;
/** Zero crossings of the low-pass on either side, and steps of its table between two of them. */
const ZEROS = 16;
const STEPS = 256;
/** Where the low-pass begins, as a part of the band: 3.6 of 4 kHz. */
const EDGE = 0.9;

const DECODED = Float32Array.from({ length: 256 }, (_, byte) => {
  const inverted = ~byte & 0xff;
  const magnitude = (((inverted & 0x0f) << 3) + 132) << ((inverted & 0x70) >> 4);
  return ((inverted & 0x80 ? 132 - magnitude : magnitude - 132) / 32768);
});

function encode(value) {
  let sample = Math.max(-32635, Math.min(32635, Math.round(value * 32768)));
  const sign = sample < 0 ? 0x80 : 0;
  sample = Math.abs(sample) + 132;
  const exponent = 24 - Math.clz32(sample);
  return ~(sign | (exponent << 4) | ((sample >> (exponent + 3)) & 0x0f)) & 0xff;
}

/** Half of a low-pass: a sinc under a Kaiser window, by distance in samples of the lower rate. */
const KERNEL = (() => {
  const bessel = (x) => {
    let sum = 1;
    for (let k = 1, term = 1; k < 30; k += 1) {
      term *= (x / (2 * k)) ** 2;
      sum += term;
    }
    return sum;
  };
  const beta = 8;
  return Float32Array.from({ length: ZEROS * STEPS + 2 }, (_, at) => {
    const x = at / STEPS;
    if (x >= ZEROS) return 0;
    const sinc = x === 0 ? EDGE : Math.sin(Math.PI * EDGE * x) / (Math.PI * x);
    return (sinc * bessel(beta * Math.sqrt(1 - (x / ZEROS) ** 2))) / bessel(beta);
  });
})();

/** Band-limited change of rate, for any two rates. */
class Resampler {
  constructor(from, to) {
    this.step = from / to;
    this.scale = Math.min(1, to / from);
    this.half = Math.ceil(ZEROS / this.scale);
    this.samples = new Float32Array(4 * this.half + 1024);
    this.length = 2 * this.half;
    this.place = this.half;
  }

  /** Whether the next output needs more input first. */
  get hungry() {
    return Math.floor(this.place) + this.half >= this.length;
  }

  put(sample) {
    if (this.length === this.samples.length) {
      const done = Math.floor(this.place) - this.half;
      this.samples.copyWithin(0, done);
      this.length -= done;
      this.place -= done;
    }
    this.samples[this.length] = sample;
    this.length += 1;
  }

  get() {
    const { samples, place, scale, half } = this;
    const centre = Math.floor(place);
    let sum = 0;
    for (let at = centre - half + 1; at <= centre + half; at += 1) {
      const x = Math.abs(place - at) * scale * STEPS;
      const step = Math.floor(x);
      if (step < ZEROS * STEPS) {
        const here = KERNEL[step];
        sum += samples[at] * (here + (KERNEL[step + 1] - here) * (x - step));
      }
    }
    this.place += this.step;
    return sum * scale;
  }
}

class Leg extends AudioWorkletProcessor {
  constructor() {
    super();
    this.down = new Resampler(sampleRate, RATE);
    this.up = new Resampler(RATE, sampleRate);
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.muted = false;
    this.stopped = false;
    this.ring = new Uint8Array(CAPACITY);
    this.written = 0;
    this.played = 0;
    this.playing = false;
    this.since = null;
    this.marks = [];
    this.sums = { frames: 0, said: 0, heard: 0, samples: 0 };
    /** To the line, which has the socket; the node's own port is the page's. */
    this.line = null;
    this.port.onmessage = ({ data }) => this.order(data);
  }

  /** What the page wants. */
  order({ line, muted, stop }) {
    if (line) {
      this.line = line;
      line.onmessage = ({ data }) => this.take(data);
    }
    if (muted !== undefined) this.muted = muted;
    if (stop) this.stopped = true;
  }

  /** What the line brings. */
  take(data) {
    if (data.mulaw) this.enqueue(new Uint8Array(data.mulaw));
    else if (data.mark !== undefined) this.marks.push({ at: this.written, name: data.mark });
    else if (data.clear) this.clear(data.clear.echo);
  }

  enqueue(mulaw) {
    const room = CAPACITY - (this.written - this.played);
    for (const byte of mulaw.subarray(0, room)) {
      this.ring[this.written % CAPACITY] = byte;
      this.written += 1;
    }
  }

  clear(echo) {
    this.played = this.written;
    this.playing = false;
    this.since = null;
    if (!echo) this.marks = [];
  }

  /** The next sample to be heard; silence while nothing is there, or not enough of it. */
  next() {
    if (!this.playing) return 0;
    if (this.played === this.written) {
      this.playing = false;
      this.since = null;
      return 0;
    }
    const byte = this.ring[this.played % CAPACITY];
    this.played += 1;
    return DECODED[byte];
  }

  /** Begins to play when the allowance is full, or when no more has come in its time. */
  ready() {
    const waiting = this.written - this.played;
    if (this.playing || waiting === 0) return;
    this.since ??= currentFrame;
    const waited = ((currentFrame - this.since) * RATE) / sampleRate;
    this.playing = waiting >= JITTER || waited >= JITTER;
  }

  process(inputs, outputs) {
    const out = outputs[0][0];
    const microphone = this.muted ? undefined : inputs[0][0];
    this.ready();
    for (let at = 0; at < out.length; at += 1) {
      while (this.up.hungry) this.up.put(this.next());
      out[at] = this.up.get();
      this.sums.heard += out[at] ** 2;
      this.down.put(microphone ? microphone[at] : 0);
      while (!this.down.hungry) this.say(this.down.get());
    }
    this.sums.samples += out.length;
    while (this.marks.length > 0 && this.marks[0].at <= this.played) {
      this.line?.postMessage({ mark: this.marks.shift().name });
    }
    return !this.stopped;
  }

  say(sample) {
    this.sums.said += sample ** 2;
    this.frame[this.filled] = encode(sample);
    this.filled += 1;
    if (this.filled < FRAME) return;
    this.filled = 0;
    const { buffer } = this.frame;
    this.line?.postMessage({ mulaw: buffer }, [buffer]);
    this.frame = new Uint8Array(FRAME);
    this.sums.frames += 1;
    if (this.sums.frames === LEVEL_EVERY) this.report();
  }

  report() {
    const { said, heard, samples } = this.sums;
    const level = (sum, count) => Math.sqrt(sum / Math.max(1, count));
    this.port.postMessage({
      levels: { said: level(said, FRAME * LEVEL_EVERY), heard: level(heard, samples) },
    });
    this.sums = { frames: 0, said: 0, heard: 0, samples: 0 };
  }
}

registerProcessor("duologue-leg", Leg);
