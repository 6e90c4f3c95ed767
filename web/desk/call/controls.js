// What can be done to a live call.

import { post } from '../api.js';
import { confirmButton } from '../confirm.js';
import { h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { nativeName, nameOf } from '../languages.js';
import { listenTo } from '../listen.js';
import { buildLine } from './line.js';
import { mayAs, state } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';

/// A slider that is being moved is sent so often at most.
const SLIDER_MS = 250;

export function buildControls(view) {
  const act = async (route, body) => {
    try {
      await post(`${view.path}/${route}`, body);
      return true;
    } catch (error) {
      say(error.message, 'bad');
      return false;
    }
  };
  const parts = [buildLine(view), interpretation(act), original(act), volumes(act)];
  if (mayAs('supervisor')) parts.push(listening(view));
  if (state.desk.agent_dial === 'client') parts.push(handOver(act));
  parts.push(hangUp(act), turnAway(act));
  return {
    node: h(
      'div',
      { class: 'controls' },
      parts.map((part) => part.node),
    ),
    update: (call) => parts.forEach((part) => part.update(call)),
    leave: () => parts.forEach((part) => part.leave?.()),
  };
}

function interpretation(act) {
  const word = h('span', { class: 'switch-word' });
  const button = h(
    'button',
    { type: 'button', id: 'interpretation', role: 'switch', class: 'switch', 'aria-checked': 'true' },
    h('span', { class: 'switch-label' }, words.controls.interpretation),
    word,
    h('span', { class: 'switch-track', 'aria-hidden': 'true' }),
  );
  const show = (on) => {
    setAttribute(button, 'aria-checked', String(on));
    setText(word, on ? words.controls.on : words.controls.off);
  };
  button.addEventListener('click', async () => {
    const on = button.getAttribute('aria-checked') !== 'true';
    show(on);
    if (!(await act('interpretation', { on }))) show(!on);
  });
  return { node: h('section', { class: 'control' }, button), update: (call) => show(call.interpretation) };
}

function original(act) {
  const help = h('p', { class: 'help', id: 'original-help' });
  const inputs = ['off', 'full', 'ducked'].map((value) =>
    h('input', { type: 'radio', name: 'original', value, id: `original-${value}` }),
  );
  for (const input of inputs)
    input.addEventListener('change', () => act('levels', { original: input.value }));
  const segments = inputs.map((input) =>
    h('label', { class: 'segment' }, input, h('span', {}, words.controls.originals[input.value])),
  );
  const node = h(
    'fieldset',
    { class: 'control', 'aria-describedby': 'original-help' },
    h('legend', {}, words.controls.original),
    h('div', { class: 'segments' }, segments),
    help,
  );
  return {
    node,
    update(call) {
      for (const input of inputs) input.checked = input.value === call.original;
      setText(help, words.controls.originalHelp[call.original] ?? '');
    },
  };
}

function volumes(act) {
  const groups = ['caller', 'agent'].map((speaker) => {
    const sliders = [
      slider(act, speaker, 'original_db', words.controls.originalLevel, -60, 0),
      slider(act, speaker, 'translation_db', words.controls.translationLevel, -30, 12),
    ];
    return {
      sliders,
      node: h(
        'fieldset',
        { class: 'volume' },
        h('legend', {}, words.controls.heardBy[speaker]),
        sliders.map((one) => one.node),
      ),
    };
  });
  const node = h(
    'details',
    { class: 'control', id: 'volumes' },
    h('summary', {}, words.controls.volumes),
    groups.map((group) => group.node),
  );
  return {
    node,
    update: (call) => groups.forEach((group) => group.sliders.forEach((one) => one.update(call))),
  };
}

function slider(act, speaker, name, label, min, max) {
  const id = `${name.replace('_db', '')}-${speaker}`;
  const shown = h('output', { for: id, class: 'decibels' });
  const input = h('input', { type: 'range', id, min, max, step: 1 });
  let timer = 0;
  let held = false;
  const show = () => {
    const text = words.controls.decibels(Number(input.value));
    setText(shown, text);
    setAttribute(input, 'aria-valuetext', text);
  };
  const send = () => {
    timer = 0;
    act('levels', { speaker, [name]: Number(input.value) }).then(() => {
      held = timer !== 0;
    });
  };
  input.addEventListener('input', () => {
    held = true;
    show();
    if (timer === 0) timer = setTimeout(send, SLIDER_MS);
  });
  return {
    node: h('label', { class: 'slider', for: id }, h('span', {}, label), input, shown),
    update(call) {
      const level = call.levels?.[speaker]?.[name];
      if (held || level === null || level === undefined) return;
      if (Number(input.value) !== Math.round(level)) input.value = String(Math.round(level));
      show();
    },
  };
}

function listening(view) {
  let stop = null;
  const status = h('p', { class: 'help', role: 'status' });
  const buttons = ['caller', 'agent'].map((side) => ({
    side,
    node: h('button', { type: 'button', class: 'button', id: `listen-${side}`, 'aria-pressed': 'false' }),
  }));
  const show = (side) => {
    for (const button of buttons) setAttribute(button.node, 'aria-pressed', String(button.side === side));
    setText(status, side === null ? '' : words.call.listening(nameOf(view.call[`${side}_language`])));
  };
  const end = () => {
    stop?.();
    stop = null;
    show(null);
  };
  for (const { side, node } of buttons) {
    node.addEventListener('click', () => {
      const again = node.getAttribute('aria-pressed') === 'true';
      end();
      if (again) return;
      stop = listenTo(view.id, side, () => {
        stop = null;
        show(null);
        setText(status, words.call.listenLost);
      });
      show(side);
    });
  }
  const group = h(
    'div',
    { class: 'button-row' },
    buttons.map((button) => button.node),
  );
  const node = h(
    'section',
    { class: 'control', 'aria-label': words.call.listen },
    h('h2', {}, icon('ear'), words.call.listen),
    group,
    status,
  );
  return { node, update: (call) => label(buttons, call), leave: end };
}

function label(buttons, call) {
  for (const { side, node } of buttons) {
    const tag = call[`${side}_language`];
    if (node.dataset.tag === tag) continue;
    node.dataset.tag = tag;
    node.replaceChildren(nativeName(tag));
    node.setAttribute('aria-label', words.call.listenIn(nameOf(tag)));
  }
}

function handOver(act) {
  const identity = h('input', {
    type: 'text',
    id: 'transfer-identity',
    'aria-label': words.controls.identity,
    placeholder: words.controls.identity,
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 120,
    required: true,
  });
  const button = h('button', { type: 'submit', class: 'button', id: 'transfer' }, words.controls.transfer);
  const status = h('p', { class: 'help', role: 'status' });
  const form = h('form', {}, h('div', { class: 'button-row' }, identity, button));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const to = identity.value.trim();
    if (to !== '' && (await act('transfer', { identity: to }))) identity.value = '';
  });
  const node = h(
    'section',
    { class: 'control', 'aria-label': words.controls.transfer },
    h('h2', {}, icon('arrow'), words.controls.transfer),
    form,
    status,
  );
  return {
    node,
    update(call) {
      button.disabled = call.transferring;
      setText(status, call.transferring ? words.controls.transferring : '');
    },
  };
}

function hangUp(act) {
  const button = confirmButton({
    id: 'hang-up',
    label: words.controls.hangUp,
    sure: words.controls.hangUpSure,
    class: 'danger wide',
    icon: icon('hangup'),
    act: () => act('hangup'),
  });
  const node = h('section', { class: 'control last' }, button);
  return {
    node,
    update(call) {
      node.hidden = call.phase === 'waiting';
      if (call.phase === 'ending') button.disabled = true;
    },
  };
}

/// Whoever waits is turned away by a supervisor alone.
function turnAway(act) {
  const button = confirmButton({
    id: 'turn-away',
    label: words.live.turnAway,
    sure: words.live.turnAwaySure,
    class: 'danger wide',
    icon: icon('hangup'),
    act: async () => (await act('hangup')) && say(words.live.turnedAway),
  });
  const node = h('section', { class: 'control last', hidden: true }, button);
  return {
    node,
    update(call) {
      node.hidden = call.phase !== 'waiting' || !mayAs('supervisor');
    },
  };
}
