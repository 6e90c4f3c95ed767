// The agent's own line in this page, where calls are taken at the desk. It outlives a change of view.

import { post } from './api.js';
import { words } from './words.js';

const MODULE = '/desk/assets/talk/leg.js';

/// `null`, or `{ id, microphone, muted, status, why, leg }`; status is `joining`, `on` or `ended`.
let line = null;
const listeners = new Set();

export const currentLine = () => line;

/// Calls `listener(line)` now and after every change; returns how to stop that.
export function watchLine(listener) {
  listeners.add(listener);
  listener(line);
  return () => listeners.delete(listener);
}

/// Takes a waiting call, or joins one again. Throws what the service says against it.
export async function takeCall(id, microphone) {
  stopLeg();
  const taken = await post(`/api/calls/${encodeURIComponent(id)}/take`);
  line = { id, microphone, muted: false, status: 'joining', why: null, leg: null };
  changed();
  open(line, taken);
}

export function muteLine(muted) {
  if (line === null || line.leg === null) return;
  line.muted = muted;
  line.leg.mute(muted);
  changed();
}

/// The browser plays nothing before the page was touched; this is called from a click.
export function resumeLine() {
  line?.leg?.resume?.();
}

export function stopLeg() {
  const old = line;
  line = null;
  if (old === null) return;
  old.leg?.stop();
  changed();
}

/// Leaving the page would hang up.
addEventListener('beforeunload', (event) => {
  if (line !== null && line.status !== 'ended') event.preventDefault();
});

async function open(mine, taken) {
  let talk;
  try {
    talk = await import(MODULE);
  } catch {
    end(mine, words.leg.missing);
    return;
  }
  if (line !== mine) return;
  try {
    const leg = await talk.startLeg({ token: taken.token, url: taken.url, microphone: mine.microphone });
    if (line !== mine) {
      leg.stop();
      return;
    }
    mine.leg = leg;
    mine.status = 'on';
    leg.onstate = (name, detail) => follow(mine, name, detail);
    changed();
  } catch (error) {
    end(mine, words.leg.failed(error?.message ?? ''));
  }
}

function follow(mine, name, detail) {
  if (line !== mine) return;
  if (name === 'ended') {
    const failed = detail?.reason === 'failed' || detail?.reason === 'refused';
    end(
      mine,
      failed ? words.leg.failed(detail.error?.message ?? detail.error ?? detail.reason) : words.leg.ended,
    );
    return;
  }
  mine.status = name === 'live' || name === 'silenced' ? 'on' : 'joining';
  changed();
}

function end(mine, why) {
  if (line !== mine) return;
  mine.leg = null;
  mine.status = 'ended';
  mine.why = why;
  changed();
}

function changed() {
  for (const listener of listeners) listener(line);
}
