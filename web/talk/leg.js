// A party's leg in this page: microphone and speaker, over a WebSocket of the service.
//
//   const leg = startLeg({ url, token, microphone: true });
//   leg.onstate = (state, detail) => …;   "starting" "connecting" "live" "reconnecting" "silenced" "ended"
//   leg.onlevel = ({ said, heard }) => …; root mean squares, 0 to 1, ten times a second
//   leg.mute(true); leg.dtmf("5"); leg.play(audioBuffer); leg.resume(); leg.stop();
//
// `url` is the address of the socket; what comes next is asked at `url` + "/again". A caller has a name already and gives
// `call`, `side` and `callSid`; everybody else is told theirs. With `microphone: false` silence is sent.
//
// "silenced": the browser plays no sound before somebody has touched the page; call `resume()` from a click.
// "ended": detail is { reason: "hung_up" | "told" | "refused" | "lost" | "failed", text, language, error }.

/** When the next attempt to come back follows, in milliseconds. The service waits ten seconds for a leg. */
const ATTEMPTS = [0, 250, 500, 1000, 2000, 3000, 3000];
/** Sound that may wait for a network that takes none, in bytes: two seconds. What comes then is left out. */
const BACKLOG_MAX = 16_000;
/** Milliseconds of a frame. */
const FRAME_MS = 20;
/** How long the last words to the service may take. */
const PARTING_MS = 500;
/** The code of a stream that has no business there. */
const REFUSED = 1008;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

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
  #url;
  #token;
  #name;
  #context = null;
  #node = null;
  #microphone = null;
  #stream = null;
  #clip = null;
  #socket = null;
  #gap = 0;
  #suspended = null;
  #muted = false;
  #over = false;
  #greeted = false;
  #attempt = 0;
  #leave = () => this.stop();

  onstate = null;
  onlevel = null;
  onhello = null;

  constructor({ url, token, microphone = true, call = null, side = null, callSid = null }) {
    this.#url = new URL(url, location.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#token = token;
    this.#name = { call, side, callSid };
    // Whoever made this leg sets its handlers first.
    setTimeout(() => this.#begin(microphone));
  }

  get callSid() {
    return this.#name.callSid;
  }

  mute(muted) {
    this.#muted = muted;
    this.#node?.port.postMessage({ muted: this.#muted && !this.#clip });
  }

  dtmf(digit) {
    this.#send(JSON.stringify({ event: "dtmf", digit }));
  }

  /** Lets sound out where the browser waits for a click. */
  resume() {
    return this.#context?.resume();
  }

  /** Says a recording in the microphone's place; resolves when it is over. */
  async play(recording) {
    this.#clip?.stop();
    const clip = new AudioBufferSourceNode(this.#context, { buffer: recording });
    const over = new Promise((resolve) => clip.addEventListener("ended", resolve, { once: true }));
    this.#clip = clip;
    this.#microphone?.disconnect();
    this.mute(this.#muted);
    clip.connect(this.#node);
    clip.start();
    await over;
    clip.disconnect();
    if (this.#clip !== clip || this.#over) return;
    this.#clip = null;
    this.#microphone?.connect(this.#node);
    this.mute(this.#muted);
  }

  /** Decodes a recording for `play`. */
  decode(bytes) {
    return this.#context.decodeAudioData(bytes);
  }

  /** Hangs up. */
  stop() {
    if (this.#over) return;
    this.#send(JSON.stringify({ event: "stop" }));
    this.#end({ reason: "hung_up" });
  }

  async #begin(microphone) {
    window.addEventListener("pagehide", this.#leave);
    this.#tell("starting");
    try {
      await this.#open(microphone);
    } catch (error) {
      this.#end({ reason: "failed", error });
      return;
    }
    if (!this.#over) this.#connect("connecting");
  }

  async #open(microphone) {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    context.addEventListener("statechange", () => this.#contextChanged());
    await context.audioWorklet.addModule(new URL("worklet.js", import.meta.url).href);
    const node = new AudioWorkletNode(context, "duologue-leg", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
    });
    node.port.onmessage = ({ data }) => this.#heard(data);
    node.connect(context.destination);
    this.#node = node;
    if (microphone) {
      const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
      this.#microphone = new MediaStreamAudioSourceNode(context, { mediaStream: this.#stream });
      this.#microphone.connect(node);
    }
    this.mute(this.#muted);
    // Without a click it waits, and tells nothing until there is one.
    context.resume().catch(() => {});
    if (this.#over) this.#close();
  }

  /** While sound is suspended no frame is made; the stream's clock goes on. */
  #contextChanged() {
    if (this.#over) return;
    if (this.#context.state === "running") {
      if (this.#suspended !== null) this.#gap += performance.now() - this.#suspended;
      this.#suspended = null;
      if (this.#greeted) this.#tell("live");
    } else {
      this.#suspended ??= performance.now();
      if (this.#greeted) this.#tell("silenced");
    }
  }

  #connect(state) {
    this.#tell(state);
    this.#greeted = false;
    this.#gap = 0;
    this.#suspended = this.#context.state === "running" ? null : performance.now();
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      const { callSid } = this.#name;
      socket.send(JSON.stringify(callSid ? { token: this.#token, call_sid: callSid } : { token: this.#token }));
    };
    socket.onmessage = ({ data }) => this.#told(data);
    socket.onclose = ({ code }) => {
      if (this.#socket === socket) this.#closed(code);
    };
  }

  /** The audio thread has something. */
  #heard({ mulaw, mark, levels }) {
    if (mulaw) this.#say(mulaw);
    else if (mark !== undefined) this.#send(JSON.stringify({ event: "mark", name: mark }));
    else if (levels) this.onlevel?.(levels);
  }

  #say(mulaw) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > BACKLOG_MAX) {
      this.#gap += FRAME_MS;
      return;
    }
    if (this.#gap >= FRAME_MS) {
      this.#send(JSON.stringify({ event: "gap", ms: Math.round(this.#gap) }));
      this.#gap = 0;
    }
    socket.send(mulaw);
  }

  #send(text) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** The service has something. */
  #told(data) {
    const { port } = this.#node;
    if (data instanceof ArrayBuffer) {
      port.postMessage({ mulaw: data }, [data]);
      return;
    }
    const message = JSON.parse(data);
    if (message.event === "mark") port.postMessage({ mark: message.name });
    else if (message.event === "clear") port.postMessage({ clear: { echo: true } });
    else if (message.event === "hello") this.#greet(message);
  }

  #greet({ call, side, call_sid: callSid }) {
    this.#greeted = true;
    this.#attempt = 0;
    this.#name = { call, side, callSid };
    this.onhello?.({ call, side });
    this.#tell(this.#context.state === "running" ? "live" : "silenced");
  }

  /** The stream is over, by a mishap or because the service let go. */
  #closed(code) {
    this.#node.port.postMessage({ clear: { echo: false } });
    this.#socket = null;
    if (this.#over) return;
    if (code === REFUSED && !this.#greeted) this.#end({ reason: "refused" });
    else this.#comeBack();
  }

  async #comeBack() {
    this.#tell("reconnecting");
    while (this.#attempt < ATTEMPTS.length) {
      await pause(ATTEMPTS[this.#attempt]);
      this.#attempt += 1;
      if (this.#over) return;
      const next = await this.#ask();
      if (this.#over) return;
      if (next?.token) {
        this.#token = next.token;
        this.#connect("reconnecting");
        return;
      }
      if (next) {
        announce(next.tell, next.language);
        this.#end({ reason: next.tell ? "told" : "lost", text: next.tell, language: next.language });
        return;
      }
    }
    this.#end({ reason: "lost" });
  }

  /** What comes next; `null` if the service cannot be reached. */
  async #ask() {
    const { call, side, callSid } = this.#name;
    // Nobody has told us who we are, so the token has not been used.
    if (!call) return { token: this.#token };
    const again = new URL(this.#url);
    again.protocol = again.protocol.replace("ws", "http");
    again.pathname += "/again";
    try {
      const answer = await fetch(again, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ call, side, call_sid: callSid }),
      });
      if (answer.status >= 500) return null;
      return answer.ok ? await answer.json() : {};
    } catch {
      return null;
    }
  }

  #tell(state, detail = {}) {
    this.onstate?.(state, detail);
  }

  #end(detail) {
    this.#over = true;
    window.removeEventListener("pagehide", this.#leave);
    this.#close();
    this.#tell("ended", detail);
  }

  #close() {
    const socket = this.#socket;
    if (socket) setTimeout(() => socket.close(1000), PARTING_MS);
    this.#socket = null;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#node?.port.postMessage({ stop: true });
    if (this.#context && this.#context.state !== "closed") this.#context.close();
  }
}
