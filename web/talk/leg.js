// A party's leg in this page: microphone and speaker, over a WebSocket of the service.
//
//   const leg = startLeg({ url, token, microphone: true });
//   leg.onstate = (state, detail) => …;      "starting" "connecting" "live" "reconnecting" "silenced" "ended"
//   leg.onmicrophone = (state, error) => …;  "asking" "on" "silent" "lost" "off", see microphone.js
//   leg.onlevel = ({ said, heard }) => …;    root mean squares, 0 to 1, ten times a second
//   leg.mute(true); leg.useMicrophone(false); leg.dtmf("5"); leg.play(audioBuffer); leg.resume(); leg.renew(); leg.stop();
//
// `url` is the address of the socket; what comes next is asked at `url` + "/again". A caller has a name already and gives
// `call`, `side` and `callSid`; everybody else is told theirs. `microphone` may be a Microphone that is open already; with
// `false`, and while there is none, silence is sent.
//
// Only `stop()` hangs up. A page that is left, reloaded or closed says nothing: its call is kept, and it may come back.
//
// "silenced": the browser plays no sound before somebody has touched the page; any click or key will do.
// "ended": detail is { reason: "hung_up" | "told" | "refused" | "lost" | "failed", text, language, error }.

import { Microphone } from "./microphone.js";

const LINE = new URL("line.js", import.meta.url).href;
const WORKLET = new URL("worklet.js", import.meta.url).href;

/** The one script that this page may start on a thread of its own. */
const policy = window.trustedTypes?.createPolicy("duologue-line", {
  createScriptURL: (url) => {
    if (url !== LINE) throw new TypeError("no script of ours");
    return url;
  },
});

/** What counts as touching the page. */
const TOUCHES = ["pointerdown", "keydown"];

export function startLeg(options) {
  return new Leg(options);
}

/** Reads a sentence out in its language, if this browser has a voice for it. */
export function announce(text, language) {
  const synthesis = window.speechSynthesis;
  if (!synthesis || !text) return;
  const subtag = (tag) => tag.toLowerCase().split(/[-_]/)[0];
  const voice = synthesis.getVoices().find((one) => subtag(one.lang) === subtag(language));
  if (!voice) return;
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = language;
  utterance.voice = voice;
  synthesis.speak(utterance);
}

class Leg {
  #what;
  #line = null;
  #context = null;
  #node = null;
  #microphone = null;
  #source = null;
  #clip = null;
  #muted = false;
  #live = false;
  #over = false;
  #touched = () => this.resume();
  #shown = () => document.hidden || this.resume();

  onstate = null;
  onmicrophone = null;
  onlevel = null;
  onhello = null;

  constructor({ url, token, microphone = true, muted = false, call = null, side = null, callSid = null }) {
    const socket = new URL(url, location.href);
    const again = new URL(socket);
    socket.protocol = socket.protocol.replace("http", "ws");
    again.protocol = again.protocol.replace("ws", "http");
    again.pathname += "/again";
    this.#what = { url: socket.href, again: again.href, token, name: { call, side, callSid } };
    this.#muted = muted;
    // Whoever made this leg sets its handlers first.
    setTimeout(() => this.#begin(microphone));
  }

  get callSid() {
    return this.#what.name.callSid;
  }

  mute(muted) {
    this.#muted = muted;
    this.#node?.port.postMessage({ muted: this.#muted && !this.#clip });
  }

  dtmf(digit) {
    this.#line?.postMessage({ dtmf: digit });
  }

  /** Lets sound out where the browser waits for a click. */
  resume() {
    // It may wait for the next one.
    return this.#context?.resume().catch(() => {});
  }

  /** Opens the line anew: nobody may be listening to the present one any more. */
  renew() {
    this.#line?.postMessage({ renew: true });
  }

  /** Speaks through the microphone, again if it was lost, or with `false` through none. */
  async useMicrophone(wanted) {
    if (wanted) {
      this.#microphone ??= this.#watched(new Microphone());
      await this.#microphone.open().catch(() => {});
      return;
    }
    this.#microphone?.close();
    this.#microphone = null;
    this.#source?.disconnect();
    this.#source = null;
  }

  /** Says a recording in the microphone's place; resolves when it is over. */
  async play(recording) {
    this.#clip?.stop();
    const clip = new AudioBufferSourceNode(this.#context, { buffer: recording });
    const over = new Promise((resolve) => clip.addEventListener("ended", resolve, { once: true }));
    this.#clip = clip;
    this.#source?.disconnect();
    this.mute(this.#muted);
    clip.connect(this.#node);
    clip.start();
    await over;
    clip.disconnect();
    if (this.#clip !== clip || this.#over) return;
    this.#clip = null;
    this.#source?.connect(this.#node);
    this.mute(this.#muted);
  }

  /** Decodes a recording for `play`. */
  decode(bytes) {
    return this.#context.decodeAudioData(bytes);
  }

  /** Hangs up. */
  stop() {
    if (this.#over) return;
    if (this.#line) this.#line.postMessage({ stop: true });
    else this.#end({ reason: "hung_up" });
  }

  async #begin(microphone) {
    this.#tell("starting");
    for (const touch of TOUCHES) document.addEventListener(touch, this.#touched, true);
    document.addEventListener("visibilitychange", this.#shown);
    try {
      await this.#open();
    } catch (error) {
      this.#end({ reason: "failed", error });
    }
    const given = microphone instanceof Microphone;
    if (this.#over) {
      if (given) microphone.close();
      this.#close();
      return;
    }
    this.#connect();
    if (given) this.#adopt(microphone);
    else if (microphone) this.useMicrophone(true);
  }

  async #open() {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    context.addEventListener("statechange", () => this.#show());
    await context.audioWorklet.addModule(WORKLET);
    const node = new AudioWorkletNode(context, "duologue-leg", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
    });
    node.port.onmessage = ({ data }) => this.onlevel?.(data.levels);
    node.connect(context.destination);
    this.#node = node;
    this.mute(this.#muted);
    // Without a click it may wait; the line sends silence meanwhile.
    this.resume();
  }

  /** The socket is the business of a thread of its own, which has the audio thread at its other end. */
  #connect() {
    const line = new Worker(policy ? policy.createScriptURL(LINE) : LINE);
    const audio = new MessageChannel();
    line.onmessage = ({ data }) => this.#told(data);
    line.onerror = () => {
      line.terminate();
      this.#end({ reason: "failed", error: new Error("line.js") });
    };
    line.postMessage({ open: this.#what, port: audio.port1 }, [audio.port1]);
    this.#node.port.postMessage({ line: audio.port2 }, [audio.port2]);
    this.#line = line;
  }

  #told({ state, detail, hello }) {
    if (this.#over) return;
    if (hello) {
      this.#what.name = hello;
      this.onhello?.({ call: hello.call, side: hello.side });
    } else if (state === "ended") {
      this.#end(detail);
    } else {
      this.#live = state === "live";
      if (this.#live) this.#show();
      else this.#tell(state);
    }
  }

  /** The line is up; whether sound comes out is the browser's to say. */
  #show() {
    if (this.#live && !this.#over) this.#tell(this.#context.state === "running" ? "live" : "silenced");
  }

  #adopt(microphone) {
    this.#microphone = this.#watched(microphone);
    if (microphone.stream) this.#speakThrough(microphone.stream);
    this.onmicrophone?.(microphone.state, null);
  }

  #watched(microphone) {
    microphone.onstate = (state, error) => {
      if (this.#microphone === microphone) this.onmicrophone?.(state, error);
    };
    microphone.onstream = (stream) => this.#speakThrough(stream);
    return microphone;
  }

  #speakThrough(stream) {
    if (this.#over) return;
    this.#source?.disconnect();
    this.#source = new MediaStreamAudioSourceNode(this.#context, { mediaStream: stream });
    if (!this.#clip) this.#source.connect(this.#node);
    // A page that hears somebody may be heard.
    this.resume();
  }

  #tell(state, detail = {}) {
    this.onstate?.(state, detail);
  }

  #end(detail) {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    this.#tell("ended", detail);
  }

  /** The line ends by itself, after its last words. */
  #close() {
    for (const touch of TOUCHES) document.removeEventListener(touch, this.#touched, true);
    document.removeEventListener("visibilitychange", this.#shown);
    this.#microphone?.close();
    this.#node?.port.postMessage({ stop: true });
    if (this.#context && this.#context.state !== "closed") this.#context.close();
  }
}
