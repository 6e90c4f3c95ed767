// The microphone of a leg: opened, watched while it is in use, and asked for again when it ends.
//
//   const microphone = new Microphone();
//   microphone.onstate = (state, error) => …;   "asking" "on" "silent" "lost" "off"
//   microphone.onstream = (stream) => …;        the sound, a new one each time
//   await microphone.open(); microphone.close();
//
// "silent": the system gives no sound, though the device is there. "lost": unplugged, or no longer permitted; it has been
// asked for once by itself, in vain. Either way `open()` tries again; a device that comes while it is lost is tried too.

const WANTED = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
/** What the system has silenced for so long is asked for anew. */
const SILENT_MS = 1500;
/** A microphone that has worked so long may be asked for once more by itself. */
const TRUSTED_MS = 10_000;
/** Devices come in several steps, each of which is told. */
const SETTLED_MS = 500;

export class Microphone {
  #stream = null;
  #state = "off";
  #since = 0;
  #opening = null;
  #closed = false;
  /** Whether it has been asked for again by itself. */
  #asked = false;
  #timer = 0;
  #permission = null;
  #devices = () => this.#devicesChanged();

  onstate = null;
  onstream = null;

  get state() {
    return this.#state;
  }

  get stream() {
    return this.#stream;
  }

  /** Asks for it, again if need be. Throws what the browser says against it. */
  open() {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    navigator.mediaDevices?.removeEventListener("devicechange", this.#devices);
    if (this.#permission) this.#permission.onchange = null;
    this.#let();
    this.#tell("off");
  }

  async #open() {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#watch();
    this.#tell("asking");
    let stream;
    try {
      // Pages that are not served securely have no devices at all.
      if (!navigator.mediaDevices) throw new DOMException("no devices", "NotFoundError");
      stream = await navigator.mediaDevices.getUserMedia({ audio: WANTED });
    } catch (error) {
      this.#let();
      this.#tell("lost", error);
      throw error;
    }
    this.#let();
    this.#stream = stream;
    if (this.#closed) {
      this.#let();
      return;
    }
    const [track] = stream.getAudioTracks();
    track.onended = () => this.#stream === stream && this.#failed("lost");
    track.onmute = () => this.#stream === stream && this.#muted(track);
    track.onunmute = () => this.#stream === stream && this.#tell("on");
    this.onstream?.(stream);
    this.#tell("on");
    if (track.muted) this.#muted(track);
  }

  /** The system has silenced it, for a moment or for longer. */
  #muted(track) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (track.muted && this.#stream?.getAudioTracks()[0] === track) this.#failed("silent");
    }, SILENT_MS);
  }

  /** Asks for it once by itself, unless that has just been tried. */
  #failed(state) {
    const worked = this.#state === "on" && Date.now() - this.#since > TRUSTED_MS;
    const vain = this.#asked && !worked;
    this.#asked = true;
    if (vain) {
      this.#tell(state);
      return;
    }
    // What the browser says against it has been told.
    this.open().catch(() => {});
  }

  #watch() {
    if (this.#permission !== null) return;
    this.#permission = undefined;
    navigator.mediaDevices?.addEventListener("devicechange", this.#devices);
    navigator.permissions
      ?.query({ name: "microphone" })
      .then((permission) => {
        this.#permission = permission;
        permission.onchange = () => permission.state === "granted" && this.#devicesChanged();
      })
      // A browser that does not tell of permissions, then.
      .catch(() => {});
  }

  /** A device has come or gone. One that works is kept. */
  #devicesChanged() {
    if (this.#closed || this.#state !== "lost") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#state === "lost") this.open().catch(() => {});
    }, SETTLED_MS);
  }

  #let() {
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.onmute = null;
      track.onunmute = null;
      track.stop();
    }
    this.#stream = null;
  }

  #tell(state, error = null) {
    if (state === this.#state && error === null) return;
    this.#state = state;
    this.#since = Date.now();
    this.onstate?.(state, error);
  }
}
