// Small pieces that tell about a party of a live call: who is talking, health in words, delay.

import { h, setAttribute, setText, toggle } from './dom.js';
import { seconds } from './format.js';
import { voice } from './icons.js';
import { words } from './words.js';

/// Bars that move while this party talks.
export function talkingMark(side) {
  const text = h('span', { class: 'hidden' });
  const node = h('span', { class: `talking ${side}`, 'data-side': side }, voice(), text);
  return {
    node,
    update(talking) {
      toggle(node, 'on', talking);
      setText(text, talking ? words.call.talkingNow : '');
    },
  };
}

/// The state of the interpretation of what this party says.
export function healthMark() {
  const text = h('span', {});
  const node = h(
    'span',
    { class: 'health' },
    h('span', { class: 'health-dot', 'aria-hidden': 'true' }),
    text,
  );
  return {
    node,
    update(health) {
      setAttribute(node, 'data-health', health);
      setText(text, words.health[health] ?? health);
    },
  };
}

export function delayMark() {
  const node = h('span', { class: 'delay' });
  return {
    node,
    update(ms) {
      setText(node, ms === null || ms === undefined ? '' : seconds(ms));
      setAttribute(node, 'title', ms === null || ms === undefined ? null : words.delay.label(seconds(ms)));
    },
  };
}
