// A stream of server-sent events that comes back by itself, later and later, and says when it is away.

import { get } from './api.js';

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 15000;
const HELLO_MS = 4000;

const away = new Set();
let watcher = () => {};

/// `watcher(true)` when any stream has been lost, `watcher(false)` when all are back.
export function watchConnection(action) {
  watcher = action;
}

/// Opens `path`; `handlers` has a function for each event's name. `mayReturn()`, if given, is asked before a lost stream is
/// opened again. Returns a function that closes it for good.
export function openStream(path, handlers, mayReturn = async () => true) {
  const stream = { path, handlers, mayReturn, source: null, timer: 0, delay: FIRST_DELAY_MS, closed: false };
  connect(stream);
  return () => close(stream);
}

function connect(stream) {
  const source = new EventSource(stream.path);
  stream.source = source;
  source.onopen = () => {
    stream.delay = FIRST_DELAY_MS;
    mark(stream, false);
  };
  source.onerror = () => retry(stream);
  for (const [name, handler] of Object.entries(stream.handlers)) {
    source.addEventListener(name, (event) => {
      const data = parse(event.data);
      if (data !== null && !stream.closed) handler(data);
    });
  }
}

function retry(stream) {
  stream.source?.close();
  if (stream.closed) return;
  mark(stream, true);
  clearTimeout(stream.timer);
  stream.timer = setTimeout(() => again(stream), stream.delay * (0.8 + Math.random() * 0.4));
  stream.delay = Math.min(LAST_DELAY_MS, stream.delay * 2);
}

/// An EventSource does not tell why it failed; the session's route does, and sends us to the sign-in if it is over.
async function again(stream) {
  if (stream.closed) return;
  const hello = new AbortController();
  const timer = setTimeout(() => hello.abort(), HELLO_MS);
  try {
    await get('/api/session', { signal: hello.signal });
    if (!(await stream.mayReturn())) {
      close(stream);
      return;
    }
  } catch {
    if (!stream.closed) retry(stream);
    return;
  } finally {
    clearTimeout(timer);
  }
  if (!stream.closed) connect(stream);
}

function close(stream) {
  stream.closed = true;
  clearTimeout(stream.timer);
  stream.source?.close();
  mark(stream, false);
}

function mark(stream, isAway) {
  const before = away.size > 0;
  if (isAway) away.add(stream);
  else away.delete(stream);
  if (before !== away.size > 0) watcher(away.size > 0);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
