// The line of a leg: its socket, on a thread of its own, so that nothing that the page does can hold up what is said.
//
// The page's audio thread gives it frames of 20 ms through a port. While none come (sound that waits for a click, a
// microphone that is being asked for, an audio device that hangs) it sends silence itself: the service takes a page that
// sends nothing for two seconds for lost. A lost socket is opened again, until the service says that there is nothing to
// come back to. What the page may ask, and is told:
//
//   page → line: { open: { url, again, token, name }, port }  { dtmf }  { stop: true }  { renew: true }
//   line → page: { state, detail }  { hello: { call, side, callSid } }

/** When attempts to come back follow, in milliseconds; the last is repeated. */
const ATTEMPTS = [0, 250, 500, 1000, 2000, 3000];
/** How long one comes back for. The service keeps a desk's leg for a minute and then offers the call to others. */
const PATIENCE_MS = 90_000;
/** An attempt that has no answer by then has failed. */
const ANSWER_MS = 5000;
/** The line looks after itself so often. */
const TICK_MS = 200;
/** Without a frame for so long, silence is sent. Shorter hitches of the audio thread make up for themselves. */
const QUIET_MS = 500;
/** Whoever has slept this long has been given up by the service: it waits two seconds for sound. */
const ASLEEP_MS = 2000;
/** Sound that may wait for a network that takes none, in bytes: two seconds. What comes then is left out. */
const BACKLOG_MAX = 16_000;
/** A network that has taken nothing for so long has lost us. */
const STALLED_MS = 2000;
/** How far the stream may run ahead of the clock, in milliseconds; the service allows five seconds. */
const AHEAD_MAX = 600;
/** Milliseconds of a frame, and bytes of a millisecond. */
const FRAME_MS = 20;
const BYTES_PER_MS = 8;
/** Longest message of sound that the service takes, in milliseconds. */
const MESSAGE_MS = 500;
/** µ-law of nothing. */
const SILENCE = 0xff;
/** How long the last words to the service may take. */
const PARTING_MS = 500;
/** The code of a stream that has no business there. */
const REFUSED = 1008;

let url;
let again;
let token;
let name;
let audio = null;
let socket = null;
let greeted = false;
let over = false;
let stopping = false;
/** Resolves the pause between two attempts before its time. */
let hurry = null;
/** Counts what sockets and attempts belong to: one that has been given up must not touch the next. */
let turn = 0;
/** Of the present socket, in milliseconds of `performance`: when it opened, when the last frame came, how far the stream
 *  is filled, and since when the network takes nothing. */
let opened = 0;
let framed = 0;
let filled = 0;
let stalled = null;
/** Milliseconds of the stream so far, and of a gap that is still to be named. */
let position = 0;
let gap = 0;
let ticked = { at: performance.now(), wall: Date.now() };

const tell = (state, detail = {}) => postMessage({ state, detail });
const isOpen = () => socket?.readyState === WebSocket.OPEN;

onmessage = ({ data }) => {
  if (data.open) begin(data.open, data.port);
  else if (data.dtmf) send({ event: "dtmf", digit: data.dtmf });
  else if (data.stop) stop();
  else if (data.renew) renew();
};

function begin(what, port) {
  ({ url, again, token, name } = what);
  audio = port;
  audio.onmessage = ({ data }) => heard(data);
  addEventListener("online", () => renew());
  setInterval(tick, TICK_MS);
  connect("connecting");
}

/** Somebody hangs up. Without a socket the service is told as soon as there is one. */
function stop() {
  if (over) return;
  stopping = true;
  if (!isOpen() || !greeted) return;
  send({ event: "stop" });
  end({ reason: "hung_up" });
}

/** Gives the present socket up, which nobody may be listening to any more, and opens another. */
function renew() {
  if (over) return;
  if (socket === null) {
    hurry?.();
    return;
  }
  const old = socket;
  socket = null;
  old.close();
  lost();
}

function connect(state) {
  tell(state);
  turn += 1;
  const mine = turn;
  greeted = false;
  const fresh = new WebSocket(url);
  fresh.binaryType = "arraybuffer";
  socket = fresh;
  const limit = setTimeout(() => mine === turn && !greeted && renew(), ANSWER_MS);
  fresh.onopen = () => {
    if (socket !== fresh) return;
    opened = performance.now();
    framed = opened;
    filled = opened;
    position = 0;
    gap = 0;
    stalled = null;
    send(name.callSid ? { token, call_sid: name.callSid } : { token });
  };
  fresh.onmessage = ({ data }) => socket === fresh && told(data);
  fresh.onclose = ({ code }) => {
    clearTimeout(limit);
    if (socket !== fresh) return;
    socket = null;
    if (code === REFUSED && !greeted) end({ reason: "refused" });
    else lost();
  };
}

function told(data) {
  if (data instanceof ArrayBuffer) {
    audio.postMessage({ mulaw: data }, [data]);
    return;
  }
  const message = JSON.parse(data);
  if (message.event === "mark") audio.postMessage({ mark: message.name });
  else if (message.event === "clear") audio.postMessage({ clear: { echo: true } });
  else if (message.event === "hello") greet(message);
}

function greet({ call, side, call_sid: callSid }) {
  greeted = true;
  name = { call, side, callSid };
  postMessage({ hello: name });
  if (stopping) stop();
  else tell("live");
}

/** The audio thread has something. */
function heard({ mulaw, mark }) {
  if (mark !== undefined) send({ event: "mark", name: mark });
  else if (mulaw) say(new Uint8Array(mulaw));
}

function say(mulaw) {
  if (!isOpen()) return;
  const now = performance.now();
  framed = now;
  filled = now;
  // Silence has stood for this already.
  if (position - (now - opened) > AHEAD_MAX) return;
  sound(mulaw);
}

function sound(mulaw) {
  const length = mulaw.length / BYTES_PER_MS;
  position += length;
  if (socket.bufferedAmount > BACKLOG_MAX) {
    gap += length;
    return;
  }
  if (gap >= FRAME_MS) {
    send({ event: "gap", ms: Math.round(gap) });
    gap = 0;
  }
  socket.send(mulaw);
}

function send(message) {
  if (isOpen()) socket.send(JSON.stringify(message));
}

function tick() {
  const now = performance.now();
  const wall = Date.now();
  // One of the two clocks stands still while some machines sleep.
  const slept = Math.max(now - ticked.at, wall - ticked.wall) > ASLEEP_MS;
  ticked = { at: now, wall };
  if (over) return;
  if (slept || isStalled(now)) renew();
  else if (isOpen() && now - framed > QUIET_MS) fill(now);
}

function isStalled(now) {
  if (!isOpen() || socket.bufferedAmount <= BACKLOG_MAX) stalled = null;
  else stalled ??= now;
  return stalled !== null && now - stalled > STALLED_MS;
}

/** Silence up to now, with each tick as long as no frame comes. */
function fill(now) {
  while (now - filled >= FRAME_MS) {
    const length = Math.min(MESSAGE_MS, Math.floor((now - filled) / FRAME_MS) * FRAME_MS);
    sound(new Uint8Array(length * BYTES_PER_MS).fill(SILENCE));
    filled += length;
  }
}

/** The stream is over, by a mishap or because the service let go. */
async function lost() {
  audio.postMessage({ clear: { echo: false } });
  if (over) return;
  tell("reconnecting");
  turn += 1;
  const mine = turn;
  const until = Date.now() + PATIENCE_MS;
  for (let attempt = 0; Date.now() < until; attempt += 1) {
    await pause(ATTEMPTS[Math.min(attempt, ATTEMPTS.length - 1)]);
    if (over || mine !== turn) return;
    const next = await ask();
    if (over || mine !== turn) return;
    if (next?.token) {
      token = next.token;
      connect("reconnecting");
      return;
    }
    if (next) {
      end({ reason: next.tell ? "told" : "lost", text: next.tell, language: next.language });
      return;
    }
  }
  end({ reason: "lost" });
}

function pause(ms) {
  return new Promise((resolve) => {
    hurry = resolve;
    setTimeout(resolve, ms);
  });
}

/** What comes next; `null` if the service cannot be reached. */
async function ask() {
  // Nobody has told us who we are, so the token has not been used.
  if (!name.call) return { token };
  try {
    const answer = await fetch(again, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ call: name.call, side: name.side, call_sid: name.callSid }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (answer.status >= 500 || answer.status === 429) return null;
    return answer.ok ? await answer.json() : {};
  } catch {
    return null;
  }
}

function end(detail) {
  if (over) return;
  over = true;
  const last = socket;
  socket = null;
  tell("ended", detail);
  setTimeout(() => {
    last?.close(1000);
    close();
  }, PARTING_MS);
}
