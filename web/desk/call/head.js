// The head of a call: both parties over their columns, with what is known of each just now.

import { post } from '../api.js';
import { tick } from '../clock.js';
import { h, setAttribute, setText, toggle } from '../dom.js';
import { dateAndTime, duration, phone } from '../format.js';
import { icon } from '../icons.js';
import { nameOf, nativeName, nativeOf } from '../languages.js';
import { delayMark, healthMark, talkingMark } from '../party.js';
import { languagePicker } from '../picker.js';
import { currentLine, watchLine } from '../softphone.js';
import { isMine } from '../state.js';
import { say } from '../toast.js';
import { troublePlace, troublesOf } from './trouble.js';
import { words } from '../words.js';

export function buildHead(view, captions) {
  const live = view.detail.live !== null;
  const title = h('h1', {}, phone(view.call.caller_number) || words.call.hidden);
  const time = h('span', { class: 'call-time' });
  const note = h('span', { class: 'call-note', id: 'call-note' });
  const read = readIn(view, captions);
  const bar = h(
    'div',
    { class: 'call-bar' },
    backLink(live),
    title,
    time,
    note,
    h('span', { class: 'spring' }),
    read.node,
  );
  const parties = ['caller', 'agent'].map((side) => party(view, side, live));
  const troubles = troublePlace();
  const node = h(
    'header',
    { class: 'call-head' },
    bar,
    h(
      'div',
      { class: 'parties' },
      h('div', { class: 'meta' }),
      parties.map((one) => one.node),
    ),
    troubles.node,
  );
  const showTroubles = () => live && troubles.show(troublesAt(view));
  const stop = watchLine(showTroubles);
  return {
    node,
    bar,
    update(call) {
      showTroubles();
      for (const one of parties) one.update(call);
      read.update(call);
      if (live && !call.ended) tick(time, call.talked ?? call.started);
      else tick(time, null);
      if (!live)
        setText(
          time,
          `${dateAndTime(call.started)}${call.talked && call.ended ? ` · ${duration(call.ended - call.talked)}` : ''}`,
        );
      setText(note, noteOf(call, live));
    },
    leave() {
      tick(time, null);
      stop();
    },
  };
}

/// What is wrong with the agent's line: here, or as the service tells it.
function troublesAt({ id, call }) {
  const line = currentLine();
  if (line !== null && line.id === id && line.status !== 'ended') return troublesOf(line);
  if (call.phase !== 'conversation' || call.agent_line !== 'lost') return [];
  const mine = isMine(call);
  return [{ kind: mine ? 'lost' : 'agent-lost', tone: 'warn', text: mine ? words.leg.lost : words.call.agentLost, acts: [] }];
}

function backLink(live) {
  return h(
    'a',
    {
      class: 'back',
      href: live ? '/desk' : '/desk/past',
      'aria-label': words.call.back,
      title: words.call.back,
    },
    icon('back'),
  );
}

function noteOf(call, live) {
  if (!live) return call.reason === null ? '' : (words.reasons[call.reason] ?? call.reason);
  if (call.transferring) return words.controls.transferring;
  if (!call.legs.caller && call.talked !== null) return words.call.legDown.caller;
  if (!call.legs.agent && call.talked !== null && call.agent_line !== 'lost') return words.call.legDown.agent;
  return call.phase === 'conversation' ? '' : words.phase[call.phase];
}

function party(view, side, live) {
  const who = h('span', { class: 'party-who' });
  const talking = talkingMark(side);
  const health = healthMark();
  const delay = delayMark();
  const language = live
    ? languageOf(view, side)
    : { node: h('span', { class: 'party-language' }), set: null };
  const state = live ? h('p', { class: 'party-state' }, health.node, delay.node) : null;
  const node = h(
    'div',
    { class: `party ${side}`, role: 'group', 'aria-label': words.party[side] },
    h(
      'p',
      { class: 'party-name' },
      h('span', { class: 'side-name' }, words.party[side]),
      who,
      live ? talking.node : null,
    ),
    h('div', { class: 'party-line' }, language.node, state),
  );
  return {
    node,
    update(call) {
      setText(who, side === 'agent' ? (call.agent ?? '') : '');
      if (language.set === null) language.node.replaceChildren(nativeName(call[`${side}_language`]));
      else language.set(call[`${side}_language`]);
      if (!live) return;
      const on = Boolean(call.talking?.[side]);
      talking.update(on);
      toggle(node, 'talking-now', on);
      health.update(call.health?.[side] ?? 'off');
      delay.update(call.delay?.[side]);
    },
  };
}

function languageOf(view, side) {
  const picker = languagePicker({
    id: `language-${side}`,
    label: words.call.languageOf[side],
    choose: async (language) => {
      try {
        await post(`${view.path}/language`, { party: side, language });
        say(words.controls.languageSet(words.party[side].toLowerCase(), nameOf(language)));
      } catch (error) {
        say(error.message, 'bad');
        picker.set(null);
        picker.set(view.call[`${side}_language`]);
      }
    },
  });
  return picker;
}

/// Which of the two languages is shown; both, unless the reader wants one alone.
function readIn(view, captions) {
  const options = ['both', 'caller', 'agent'].map((value) => {
    const text = h('span', {});
    const input = h('input', {
      type: 'radio',
      name: 'read',
      value,
      id: `read-${value}`,
      checked: value === 'both',
    });
    input.addEventListener('change', () => {
      captions.readIn(value);
      view.node.dataset.read = value;
    });
    return { value, text, node: h('label', { class: 'segment' }, input, text) };
  });
  const node = h(
    'div',
    { class: 'segments small', role: 'radiogroup', 'aria-label': words.call.readIn },
    options.map((option) => option.node),
  );
  return {
    node,
    update(call) {
      for (const { value, text } of options) {
        const tag = value === 'both' ? null : call[`${value}_language`];
        setText(text, tag === null ? words.call.readBoth : nativeOf(tag));
        setAttribute(text, 'lang', tag);
        setAttribute(text, 'title', tag === null ? null : nameOf(tag));
      }
    },
  };
}
