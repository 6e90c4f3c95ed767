// The call that one is in, on all pages that do not show it, and when one is signed out: who, how long, and one's own line.

import { hangUpButton, levelMeter, muteButton } from './call/own.js';
import { troublePlace, troublesOf } from './call/trouble.js';
import { tick } from './clock.js';
import { h, setAttribute, setText } from './dom.js';
import { phone } from './format.js';
import { icon } from './icons.js';
import { isTalking, watchLine } from './softphone.js';
import { words } from './words.js';

/// `signedOut`: there is no page of the call to go to.
export function buildCallBar({ signedOut = false } = {}) {
  const who = h('a', { class: 'bar-who' });
  const time = h('span', { class: 'call-time' });
  const mute = muteButton('bar-mute');
  const level = levelMeter();
  const hangUp = hangUpButton('bar-hang-up');
  const troubles = troublePlace();
  const node = h(
    'section',
    { class: 'call-strip', id: 'call-strip', 'aria-label': words.strip.label, hidden: true },
    h('div', { class: 'bar-line' }, icon('headset'), who, time, level.node, h('span', { class: 'spring' }), mute.node, hangUp.node),
    troubles.node,
  );
  const bar = { path: null, line: null };
  const show = () => {
    const { line } = bar;
    const away = isTalking() && (signedOut || bar.path !== pathOf(line));
    node.hidden = !away;
    if (!away) {
      tick(time, null);
      return;
    }
    const found = troublesOf(line);
    setAttribute(node, 'data-tone', found[0]?.tone ?? null);
    setText(who, words.strip.with(phone(line.number ?? '') || words.call.hidden));
    setAttribute(who, 'href', signedOut ? null : pathOf(line));
    tick(time, line.talked);
    mute.show(line);
    level.show(line);
    hangUp.show(line);
    troubles.show(found);
  };
  const stop = watchLine((line) => {
    bar.line = line;
    show();
  });
  return {
    node,
    setPath(path) {
      bar.path = path;
      show();
    },
    leave() {
      tick(time, null);
      level.leave();
      stop();
    },
  };
}

const pathOf = (line) => `/desk/calls/${encodeURIComponent(line.id)}`;
