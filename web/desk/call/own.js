// Small pieces of one's own line: mute, hang up, and how loud one's voice is.

import { confirmButton } from '../confirm.js';
import { h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { hangUpLine, muteLine, resumeLine, watchLevel } from '../softphone.js';
import { words } from '../words.js';

/// The level at which the meter is full, as a root mean square: loud speech.
const LOUD = 0.2;

export function muteButton(id) {
  const text = h('span', {});
  const node = h('button', { type: 'button', class: 'button mute', id }, text);
  let muted = false;
  node.addEventListener('click', () => {
    resumeLine();
    muteLine(!muted);
  });
  return {
    node,
    show(line) {
      muted = line.muted;
      node.hidden = !line.microphone;
      if (node.getAttribute('aria-pressed') === String(muted)) return;
      setAttribute(node, 'aria-pressed', String(muted));
      setText(text, muted ? words.leg.muted : words.leg.mute);
      node.replaceChildren(icon(muted ? 'muted' : 'microphone'), text);
    },
  };
}

/// Hangs up through the line itself, which needs no session.
export function hangUpButton(id) {
  const node = confirmButton({
    id,
    label: words.controls.hangUp,
    sure: words.controls.hangUpSure,
    icon: icon('hangup'),
    act: hangUpLine,
  });
  return {
    node,
    show(line) {
      node.disabled = line.status === 'leaving';
    },
  };
}

export function levelMeter() {
  const node = h('meter', { class: 'level', min: 0, max: 1, 'aria-label': words.leg.level, title: words.leg.level });
  const stop = watchLevel((level) => {
    if (!node.hidden) node.value = Math.min(1, Math.sqrt(level / LOUD));
  });
  return {
    node,
    show(line) {
      node.hidden = !line.microphone;
      if (line.muted || line.mic !== 'on') node.value = 0;
    },
    leave: stop,
  };
}
