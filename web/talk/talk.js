// The page of the demo: choosing a part, the call, and what is said in it.

import { announce, startLeg } from "./leg.js";
import { Captions } from "./captions.js";

const $ = (id) => document.getElementById(id);
/** The level at which a meter is full, as a root mean square: loud speech. */
const LOUD = 0.2;

const PHASES = {
  starting: "Asking for the microphone",
  connecting: "Connecting",
  waiting: "Waiting for an agent",
  listening: "Waiting for a caller",
  conversation: "Talking",
  reconnecting: "Connection lost; trying again",
  silenced: "Sound is off",
  ending: "Saying goodbye",
  ended: "The call is over",
};
const ENDS = {
  hung_up: "You have hung up.",
  refused: "The service did not let this page in. Start another call.",
  lost: "The connection was lost and could not be taken up again.",
  failed: "The loudspeaker could not be used.",
};
const MICROPHONES = {
  asking: "The browser is being asked for the microphone.",
  silent: "Your microphone gives no sound.",
  lost: "Your microphone cannot be used. You can go on listening.",
};

let setup;
let role = null;
let leg = null;
let live = null;
let captions = null;
let talking = false;
let waiting = null;

async function post(path, body = {}, signal = undefined) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (answer.status === 204) return null;
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.error ?? `The service answered ${answer.status}.`);
  return json;
}

function phase(name, text = PHASES[name]) {
  const trouble = name === "reconnecting" || name === "silenced";
  $("phase").textContent = text;
  $("phase").dataset.state = trouble ? "trouble" : name;
}

function notice(text) {
  $("notice").textContent = text ?? "";
  $("notice").hidden = !text;
}

function language(tag) {
  return setup.languages.find((one) => one.tag === tag) ?? setup.agent;
}

async function begin() {
  const query = new URLSearchParams(location.search);
  // The key is of no more use, and should not stand in a screenshot.
  history.replaceState(null, "", "/try");
  const answer = await fetch("/try/setup");
  if (!answer.ok) {
    notice("Open the address that the terminal shows, or ask for an invitation.");
    $("choose").inert = true;
    return;
  }
  setup = await answer.json();
  for (const one of setup.languages) {
    const name = one.native === one.name ? one.name : `${one.native} (${one.name})`;
    $("language").append(new Option(name, one.tag));
  }
  $("language").value = setup.languages.find((one) => one.slug === "spanish")?.tag ?? setup.languages[0].tag;
  $("agent-language").textContent = setup.agent.native;
  $("simulated").hidden = !setup.simulated;
  $("microphone").checked = !setup.simulated;
  if (query.get("as")) $(query.get("as") === "agent" ? "as-agent" : "as-caller").querySelector("button").focus();
}

async function call(event) {
  event.preventDefault();
  notice();
  const chosen = language($("language").value);
  try {
    const called = await post("/try/caller", { language: chosen.slug });
    start("caller", called, chosen);
    captions.note(called.say.text);
    announce(called.say.text, called.say.language);
  } catch (error) {
    notice(error.message);
  }
}

async function answer(event) {
  event.preventDefault();
  notice();
  show("agent", null);
  phase("listening");
  waiting = new AbortController();
  try {
    let offered = null;
    while (!offered) offered = await post("/try/agent", {}, waiting.signal);
    waiting = null;
    start("agent", offered, language(offered.language));
  } catch (error) {
    if (error.name === "AbortError") return;
    over();
    notice(error.message);
  }
}

/** Shows the call's part of the page. */
function show(part, caller) {
  role = part;
  talking = false;
  captions = new Captions($("captions"), role, { caller, agent: setup.agent });
  $("choose").hidden = true;
  $("talk").hidden = false;
  $("again").hidden = true;
  $("hang-up").hidden = false;
  $("mute").disabled = true;
  $("invited").hidden = true;
  $("invite").hidden = false;
  const other = part === "caller" ? setup.agent : caller;
  const mine = part === "caller" ? caller : setup.agent;
  const theirs = other ? ` The ${part === "caller" ? "agent" : "caller"} speaks ${other.name}.` : "";
  $("who").textContent = `You are the ${part} and speak ${mine.name}.${theirs}`;
  sentences(mine);
}

function start(part, { call: id, call_sid: callSid = null, token, url }, caller) {
  show(part, caller);
  live = new EventSource(`/try/live?call=${id}`);
  live.addEventListener("caption", ({ data }) => captions.grow(JSON.parse(data)));
  live.addEventListener("utterance", ({ data }) => captions.say(JSON.parse(data)));
  live.addEventListener("state", ({ data }) => happened(JSON.parse(data).state));
  const microphone = $("microphone").checked;
  leg = startLeg({ url, token, microphone, call: part === "caller" ? id : null, side: part, callSid });
  leg.onstate = changed;
  leg.onmicrophone = (state) => notice(MICROPHONES[state]);
  leg.onlevel = ({ said, heard }) => {
    $("said").value = Math.min(1, Math.sqrt(said / LOUD));
    $("heard").value = Math.min(1, Math.sqrt(heard / LOUD));
  };
}

/** Something happened to the call. */
function happened(state) {
  if (state === "conversation") {
    talking = true;
    $("invite").hidden = true;
    phase("conversation");
    captions.note("You are connected.");
  } else if (state === "ending" || state === "ended") {
    talking = false;
    phase("ending");
    live?.close();
  }
}

/** Something happened to our own leg. */
function changed(state, detail) {
  $("sound").hidden = state !== "silenced";
  $("mute").disabled = state !== "live" || !$("microphone").checked;
  for (const button of $("sentences").querySelectorAll("button")) button.disabled = state !== "live";
  if (state === "ended") {
    if (detail.text) captions.note(detail.text, detail.language);
    else captions.note(ENDS[detail.reason] ?? PHASES.ended);
    over();
  } else if (state === "live") {
    phase(talking ? "conversation" : "waiting", talking || role === "caller" ? undefined : "Connecting");
  } else {
    phase(state);
  }
}

function over() {
  live?.close();
  waiting?.abort();
  [live, leg, waiting] = [null, null, null];
  phase("ended");
  $("hang-up").hidden = true;
  $("sound").hidden = true;
  $("again").hidden = false;
  $("invite").hidden = true;
  $("mute").disabled = true;
  $("mute").setAttribute("aria-pressed", "false");
  for (const id of ["said", "heard"]) $(id).value = 0;
  $("again").focus();
}

function hangUp() {
  if (leg) leg.stop();
  else if (waiting) {
    over();
    choose();
  }
}

function choose() {
  $("talk").hidden = true;
  $("choose").hidden = false;
  phase("ended", "Not connected");
  $("choose").querySelector("button").focus();
}

function mute() {
  if (!leg || $("mute").disabled) return;
  const muted = $("mute").getAttribute("aria-pressed") !== "true";
  $("mute").setAttribute("aria-pressed", String(muted));
  leg.mute(muted);
}

async function invite() {
  const { url } = await post("/try/invitation", { as: role === "caller" ? "agent" : "caller" });
  $("link").value = url;
  $("invited").hidden = false;
  $("link").select();
}

/** The sentences that the simulated interpreter knows, to be clicked. */
async function sentences(mine) {
  $("phrases").hidden = !setup.simulated;
  if (!setup.simulated) return;
  const list = await (await fetch(`/try/phrases/${mine.slug}`)).json();
  const items = list.map(({ number, text }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.lang = mine.tag;
    button.dir = mine.rtl ? "rtl" : "ltr";
    button.textContent = text;
    button.dataset.number = number;
    button.disabled = true;
    button.addEventListener("click", () => speak(button, `/try/clip/${mine.slug}/${number}`));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  $("sentences").replaceChildren(...items);
}

async function speak(button, url) {
  const speaking = leg;
  const bytes = await (await fetch(url)).arrayBuffer();
  const clip = await speaking.decode(bytes);
  button.setAttribute("aria-busy", "true");
  await speaking.play(clip);
  button.removeAttribute("aria-busy");
}

$("as-caller").addEventListener("submit", call);
$("as-agent").addEventListener("submit", answer);
$("hang-up").addEventListener("click", hangUp);
$("mute").addEventListener("click", mute);
$("sound").addEventListener("click", () => leg?.resume());
$("again").addEventListener("click", choose);
$("invitation").addEventListener("click", () => invite().catch((error) => notice(error.message)));
$("copy").addEventListener("click", () => navigator.clipboard?.writeText($("link").value));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  if (event.key === "m" || event.key === "M") mute();
  if (event.key === "h" || event.key === "H") hangUp();
});
begin().catch((error) => notice(error.message));
