// One call: live while it goes on, then its record, in the same place.

import { get } from '../api.js';
import { buildCaptions } from '../captions.js';
import { buildControls } from '../call/controls.js';
import { buildHead } from '../call/head.js';
import { buildRecord } from '../call/record.js';
import { buildReply } from '../call/reply.js';
import { h, toggle } from '../dom.js';
import { phone } from '../format.js';
import { icon } from '../icons.js';
import { follow } from '../router.js';
import { currentLine } from '../softphone.js';
import { openStream } from '../stream.js';
import { say } from '../toast.js';
import { words } from '../words.js';

/// A record may reach the database a moment after the call's end.
const RECORD_TRIES_MS = [600, 1500, 4000, 10000];
const JOIN_TRIES = 40;
const JOIN_PAUSE_MS = 250;

export async function callView(place) {
  const id = place.params.id;
  const path = `/api/calls/${encodeURIComponent(id)}`;
  const view = {
    id,
    path,
    detail: await fetchDetail(id, path),
    node: h('div', { class: 'call-view', id: 'call' }),
    parts: [],
    left: false,
    timer: 0,
  };
  build(view);
  return {
    title: words.call.title(phone(view.detail.call.caller_number) || words.call.hidden),
    node: view.node,
    shown: () => (view.detail.live === null ? view.captions.toStart() : view.captions.toEnd()),
    leave: () => {
      view.left = true;
      letGo(view);
    },
  };
}

/// Whoever has just taken a call may see it only once their line is up.
async function fetchDetail(id, path) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await get(path);
    } catch (error) {
      const joining = currentLine()?.id === id && attempt < JOIN_TRIES;
      if (!joining || (error.status !== 403 && error.status !== 404)) throw error;
      await new Promise((resolve) => setTimeout(resolve, JOIN_PAUSE_MS));
    }
  }
}

function letGo(view) {
  clearTimeout(view.timer);
  for (const part of view.parts) part.leave?.();
  view.parts = [];
}

function build(view) {
  letGo(view);
  const live = view.detail.live !== null;
  view.call = live ? { ...view.detail.call, ...view.detail.live } : view.detail.call;
  view.node.dataset.live = String(live);
  if (live) buildLive(view);
  else buildPast(view);
}

const languagesOf = (view) => ({ caller: view.call.caller_language, agent: view.call.agent_language });

function lay(view, head, captions, reply, panel) {
  const panelId = 'call-panel';
  const open = h(
    'button',
    {
      type: 'button',
      class: 'button panel-open',
      id: 'panel-open',
      'aria-expanded': 'false',
      'aria-controls': panelId,
    },
    icon('settings'),
    view.detail.live ? words.call.panel : words.call.details,
  );
  const aside = h(
    'aside',
    { class: 'panel', id: panelId, 'aria-label': view.detail.live ? words.call.panel : words.call.details },
    panel,
  );
  open.addEventListener('click', () => {
    const shown = open.getAttribute('aria-expanded') !== 'true';
    open.setAttribute('aria-expanded', String(shown));
    toggle(aside, 'shown', shown);
    if (shown) aside.querySelector('button, input, select, a')?.focus();
  });
  aside.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || !aside.classList.contains('shown')) return;
    open.click();
    open.focus();
  });
  head.bar.append(open);
  view.node.replaceChildren(h('div', { class: 'call-main' }, head.node, captions.node, reply), aside);
}

function buildLive(view) {
  const captions = buildCaptions({ languages: () => languagesOf(view) });
  const head = buildHead(view, captions);
  const reply = buildReply(view, captions);
  const controls = buildControls(view);
  view.captions = captions;
  view.live = [head, reply, controls];
  lay(view, head, captions, reply.node, controls.node);
  captions.setAll(view.detail.utterances);
  refresh(view, view.detail.live);
  const close = openStream(
    `${view.path}/live`,
    {
      snapshot: (data) => {
        refresh(view, data.call);
        captions.setAll(data.utterances);
        reply.sawAll(data.utterances);
      },
      caption: (utterance) => {
        reply.saw(utterance);
        captions.put(utterance);
      },
      utterance: (utterance) => {
        reply.saw(utterance);
        captions.put(utterance);
      },
      call: (call) => refresh(view, call),
      typed: (typed) => reply.typed(typed),
      ended: ({ reason }) => {
        close();
        ended(view, reason);
      },
    },
    () => stillThere(view),
  );
  view.parts = [head, captions, reply, controls, { leave: close }];
}

/// A call can end, or go to another agent, while its stream is away.
async function stillThere(view) {
  try {
    const detail = await get(view.path);
    if (detail.live !== null || view.left) return !view.left;
    ended(view, detail.call.reason);
    return false;
  } catch (error) {
    if (error.status !== 403 && error.status !== 404) throw error;
    if (!view.left) follow(false);
    return false;
  }
}

function refresh(view, call) {
  view.call = { ...view.call, ...call };
  for (const part of view.live) part.update(view.call);
}

function ended(view, reason) {
  const why = words.reasons[reason];
  say(why === undefined ? words.call.over : words.call.ended(why));
  view.call = { ...view.call, phase: 'ending', ended: true };
  for (const part of view.live) part.update(view.call);
  fetchRecord(view, 0);
}

function fetchRecord(view, attempt) {
  view.timer = setTimeout(async () => {
    const detail = await get(view.path).catch(() => null);
    if (view.left) return;
    if (detail !== null && detail.live === null) {
      const top = view.captions.scroller.scrollTop;
      view.detail = detail;
      build(view);
      view.captions.scroller.scrollTop = top;
    } else if (attempt + 1 < RECORD_TRIES_MS.length) {
      fetchRecord(view, attempt + 1);
    }
  }, RECORD_TRIES_MS[attempt]);
}

function buildPast(view) {
  const record = buildRecord(view);
  const seekable = view.detail.audio !== null;
  const captions = buildCaptions({
    languages: () => languagesOf(view),
    onSeek: seekable ? record.seek : null,
    empty: words.call.emptyPast,
  });
  const head = buildHead(view, captions);
  view.captions = captions;
  record.follow(captions);
  lay(view, head, captions, null, record.node);
  head.update(view.call);
  captions.setAll(view.detail.utterances);
  view.parts = [head, captions, record];
}
