// The record of a past call: how it ended, its sound, its export, its costs, and what happened on the way.

import { remove } from '../api.js';
import { confirmButton } from '../confirm.js';
import { h, setText } from '../dom.js';
import { duration, hourAndMinute, integer, money, phone, seconds, timeOfDay } from '../format.js';
import { icon } from '../icons.js';
import { nameOf } from '../languages.js';
import { navigate } from '../router.js';
import { mayAs } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';

export function buildRecord(view) {
  const { call, audio, utterances, events, usages } = view.detail;
  const player = audio === null ? null : buildPlayer(view);
  const sections = [
    outcome(call, utterances.length),
    player?.node ?? noRecording(),
    exporting(view),
    costs(call, usages),
    happened(events),
  ];
  if (mayAs('admin')) sections.push(erasing(view));
  return {
    node: h('div', { class: 'record' }, sections),
    seek: (utterance) => player?.seek(utterance),
    follow: (captions) => player?.follow(captions),
    leave: () => player?.leave(),
  };
}

function outcome(call, count) {
  const reason = call.reason === null ? '' : (words.reasons[call.reason] ?? call.reason);
  const facts = words.record.facts;
  const span = (one) =>
    one === null ? null : words.record.medianAnd90(seconds(one.median), seconds(one.p90));
  const talked = call.talked !== null && call.ended !== null ? duration(call.ended - call.talked) : null;
  const waited = duration((call.talked ?? call.ended ?? call.started) - call.started);
  const rows = [
    [facts.service, phone(call.service_number)],
    [facts.started, timeOfDay(call.started)],
    [facts.waited, waited],
    [facts.talked, talked],
    [facts.utterances, integer(count)],
    [facts.spanCaller, span(call.spans.caller)],
    [facts.spanAgent, span(call.spans.agent)],
    [facts.lost, call.lost_ms > 0 ? seconds(call.lost_ms) : null],
    [facts.dropped, call.dropped_ms > 0 ? seconds(call.dropped_ms) : null],
    [facts.repeated, call.repeated > 0 ? integer(call.repeated) : null],
  ];
  const list = rows
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)));
  return h(
    'section',
    { class: 'control' },
    h('h2', {}, words.record.outcome),
    h(
      'p',
      { class: 'outcome', id: 'outcome', 'data-class': call.class },
      h('strong', {}, words.classes[call.class] ?? ''),
      reason === '' ? '' : `, ${reason}`,
    ),
    h('dl', { class: 'facts' }, list),
  );
}

function noRecording() {
  return h(
    'section',
    { class: 'control' },
    h('h2', {}, words.record.recording),
    h('p', { class: 'help' }, words.record.noRecording),
  );
}

function buildPlayer(view) {
  const { call, audio, utterances } = view.detail;
  const player = h('audio', { id: 'player', controls: true, preload: 'metadata' });
  const track = h(
    'select',
    { id: 'track' },
    audio.tracks.map((name) => h('option', { value: name }, trackName(call, name))),
  );
  const address = () => `${view.path}/audio/${encodeURIComponent(track.value)}.wav`;
  const began = call.talked ?? call.started;
  player.src = address();
  track.addEventListener('change', () => change(player, address()));
  const seek = (utterance) => {
    const at = Math.max(0, (whenHeard(utterance, track.value) - began) / 1000);
    whenReady(player, () => {
      player.currentTime = at;
      player.play().catch(() => {});
    });
  };
  const node = h(
    'section',
    { class: 'control' },
    h('h2', {}, words.record.recording),
    h('label', { class: 'field' }, h('span', {}, words.record.track), track),
    player,
    h('p', { class: 'help' }, words.record.seek),
  );
  const follow = (captions) => {
    player.addEventListener('timeupdate', () =>
      captions.mark(
        player.paused ? null : playing(utterances, track.value, began + player.currentTime * 1000),
      ),
    );
    player.addEventListener('pause', () => captions.mark(null));
  };
  return { node, seek, follow, leave: () => player.pause() };
}

function trackName(call, name) {
  const side = name.startsWith('caller') ? 'caller' : 'agent';
  const other = side === 'caller' ? 'agent' : 'caller';
  const tag = name.endsWith('_translated') ? call[`${other}_language`] : call[`${side}_language`];
  return `${words.record.tracks[name] ?? name} (${nameOf(tag)})`;
}

/// Another track goes on from where the last one was.
function change(player, address) {
  const at = player.currentTime;
  const paused = player.paused;
  player.src = address;
  whenReady(player, () => {
    player.currentTime = at;
    if (!paused) player.play().catch(() => {});
  });
}

function whenReady(player, action) {
  if (player.readyState >= HTMLMediaElement.HAVE_METADATA) action();
  else {
    player.addEventListener('loadedmetadata', action, { once: true });
    player.load();
  }
}

/// In a translation's track an utterance begins when it was heard, in an original's when it was spoken.
function whenHeard(utterance, track) {
  const translated = track === `${utterance.speaker}_translated`;
  return translated && utterance.heard !== null ? utterance.heard : utterance.spoken;
}

function playing(utterances, track, now) {
  const speaker = track.startsWith('caller') ? 'caller' : 'agent';
  let found = null;
  for (const utterance of utterances) {
    if (utterance.speaker === speaker && whenHeard(utterance, track) <= now + 50) found = utterance;
  }
  if (found === null) return null;
  const end = track.endsWith('_translated') ? (found.heard_end ?? found.spoken_end) : found.spoken_end;
  return end === null || now <= end + 400 ? found.key : null;
}

function exporting(view) {
  const { call } = view.detail;
  const language = h('select', { id: 'export-language' }, [
    h('option', { value: 'both' }, words.record.both),
    h('option', { value: 'caller' }, nameOf(call.caller_language)),
    h('option', { value: 'agent' }, nameOf(call.agent_language)),
  ]);
  const links = Object.entries(words.record.formats).map(([format, name]) => {
    const link = h('a', { class: 'button', id: `export-${format}`, download: true }, name);
    return { format, link };
  });
  const point = () => {
    for (const { format, link } of links)
      link.href = `${view.path}/transcript.${format}?language=${language.value}`;
  };
  language.addEventListener('change', point);
  point();
  return h(
    'section',
    { class: 'control' },
    h('h2', {}, icon('download'), words.record.export),
    h('label', { class: 'field' }, h('span', {}, words.record.exportLanguage), language),
    h(
      'div',
      { class: 'button-row four' },
      links.map((one) => one.link),
    ),
  );
}

function costs(call, usages) {
  const total = call.cost === null ? words.record.unknownCost : money(call.cost);
  const rows = usages.map((usage) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, words.party[usage.speaker] ?? usage.speaker),
      h('td', { class: 'model' }, usage.model),
      h('td', { class: 'number' }, usage.cost === null ? words.record.unknownCost : money(usage.cost)),
    ),
  );
  const head = h(
    'thead',
    {},
    h(
      'tr',
      {},
      h('th', { scope: 'col' }, words.record.speaker),
      h('th', { scope: 'col' }, words.record.model),
      h('th', { scope: 'col', class: 'number' }, words.record.cost),
    ),
  );
  const table = rows.length === 0 ? null : h('table', { class: 'plain' }, head, h('tbody', {}, rows));
  return h(
    'details',
    { class: 'control' },
    h('summary', {}, words.record.costs, h('span', { class: 'summary-value' }, total)),
    table,
  );
}

function happened(events) {
  const rows = events.map((event) => {
    const who = event.speaker === null ? null : h('span', { class: 'side-name' }, words.party[event.speaker]);
    const text = h(
      'span',
      {},
      words.events[event.kind] ?? event.kind,
      event.detail === null ? '' : ` ${event.detail}`,
    );
    return h(
      'li',
      {},
      h('span', { class: 'when', title: hourAndMinute(event.at) }, timeOfDay(event.at)),
      h('span', {}, who, ' ', text),
    );
  });
  return h(
    'details',
    { class: 'control' },
    h('summary', {}, words.record.events, h('span', { class: 'summary-value' }, String(events.length))),
    h('ol', { class: 'events', id: 'events' }, rows),
  );
}

function erasing(view) {
  const status = h('span', { class: 'hidden', role: 'status' });
  const act = async () => {
    try {
      await remove(view.path);
      say(words.record.erased);
      navigate('/desk/past');
    } catch (error) {
      setText(status, error.message);
      say(error.message, 'bad');
    }
  };
  return h(
    'section',
    { class: 'control last' },
    confirmButton({
      id: 'erase',
      label: words.record.erase,
      sure: words.record.eraseSure,
      class: 'danger quiet wide',
      act,
    }),
    status,
  );
}
