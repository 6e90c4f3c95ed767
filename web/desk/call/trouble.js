// What is wrong with a line, in a sentence, with what can be done about it.

import { h } from '../dom.js';
import { icon } from '../icons.js';
import { resumeLine, useMicrophone } from '../softphone.js';
import { words } from '../words.js';

/// The troubles of the line in this page, the worst first: `{ kind, tone, text, acts }`.
export function troublesOf(line) {
  if (line === null || line.status === 'ended') return [];
  const found = [];
  if (line.microphone && (line.mic === 'lost' || line.mic === 'silent')) {
    const acts = [
      { id: 'try-microphone', label: words.leg.again, act: () => useMicrophone(true) },
      { id: 'type-only', label: words.leg.typing, act: () => useMicrophone(false) },
    ];
    found.push({ kind: `microphone-${line.mic}`, tone: 'bad', text: words.leg.microphone[line.mic], acts });
  } else if (line.microphone && line.mic === 'asking' && line.status !== 'leaving') {
    found.push({ kind: 'asking', tone: 'warn', text: words.leg.microphone.asking, acts: [] });
  }
  if (line.status === 'silenced') {
    const hear = { id: 'hear', label: words.leg.hear, act: resumeLine };
    found.push({ kind: 'silenced', tone: 'warn', text: words.leg.silenced, acts: [hear] });
  }
  if (line.status === 'back') found.push({ kind: 'back', tone: 'warn', text: words.leg.back, acts: [] });
  return found;
}

/// A place where troubles are shown and read out. `show(troubles)` changes nothing while they are the same.
export function troublePlace() {
  const node = h('div', { class: 'troubles', role: 'alert' });
  let shown = '';
  return {
    node,
    show(troubles) {
      const key = troubles.map((one) => one.kind).join(' ');
      if (key === shown) return;
      shown = key;
      node.replaceChildren(...troubles.map(row));
    },
  };
}

function row({ kind, tone, text, acts }) {
  const buttons = acts.map(({ id, label, act }) =>
    h('button', { type: 'button', id, class: 'button small', onclick: act }, label),
  );
  return h(
    'p',
    { class: 'trouble', 'data-kind': kind, 'data-tone': tone },
    icon(kind.startsWith('microphone') ? 'muted' : kind === 'silenced' ? 'ear' : 'headset'),
    h('span', {}, text),
    buttons,
  );
}
