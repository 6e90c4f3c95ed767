// What is said, in both languages, as it is said.

const NAMES = { caller: "Caller", agent: "Agent" };
/** Lines that are kept on the page. */
const LINES_MAX = 500;

export class Captions {
  /** `languages`: of the caller and of the agent, each with tag and rtl; `mine`: who reads this. */
  constructor(log, mine, languages) {
    this.log = log;
    this.mine = mine;
    this.languages = languages;
    this.lines = new Map();
    log.replaceChildren();
  }

  /** A piece of text more. */
  grow({ key, speaker, source, text }) {
    const line = this.#line(key, speaker);
    const place = source ? line.source : line.target;
    place.textContent += text;
    this.#follow();
  }

  /** The whole of it. */
  say({ key, speaker, source, target }) {
    const line = this.#line(key, speaker);
    line.source.textContent = source;
    line.target.textContent = target;
    line.element.classList.remove("growing");
    this.#follow();
  }

  /** Something that nobody said. */
  note(text, language = "en") {
    const line = document.createElement("p");
    line.className = "event";
    line.lang = language;
    line.dir = "auto";
    line.textContent = text;
    this.#append(line);
  }

  #line(key, speaker) {
    const known = this.lines.get(key);
    if (known) return known;
    const element = document.createElement("article");
    element.className = `said growing ${speaker}`;
    element.classList.toggle("mine", speaker === this.mine);
    const listener = speaker === "caller" ? "agent" : "caller";
    const who = document.createElement("p");
    who.className = "who";
    who.textContent = speaker === this.mine ? `${NAMES[speaker]} (you)` : NAMES[speaker];
    const source = this.#text("source", this.languages[speaker]);
    const target = this.#text("target", this.languages[listener]);
    element.append(who, source, target);
    const line = { element, source, target };
    this.lines.set(key, line);
    this.#append(element);
    return line;
  }

  #text(kind, language) {
    const text = document.createElement("p");
    text.className = kind;
    text.lang = language.tag;
    text.dir = language.rtl ? "rtl" : "ltr";
    return text;
  }

  #append(element) {
    this.log.append(element);
    while (this.log.childElementCount > LINES_MAX) this.log.firstElementChild.remove();
    this.#follow();
  }

  #follow() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}
