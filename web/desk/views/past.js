// Past calls: filters that stand in the address, and a table that grows by pages.

import { get, post, withQuery } from '../api.js';
import { confirmButton } from '../confirm.js';
import { arrows, h, setText } from '../dom.js';
import { dateAndTime, duration, midnight, money, phone, seconds } from '../format.js';
import { icon } from '../icons.js';
import { allLanguages, nativeName } from '../languages.js';
import { replaceQuery } from '../router.js';
import { mayAs } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';

/// A pause in typing that long begins the search.
const TYPING_MS = 300;
const FILTERS = ['q', 'from', 'to', 'language', 'agent', 'number', 'outcome'];

export function pastView({ query }) {
  const fields = buildFields(query);
  const count = h('p', { class: 'results-count', role: 'status', id: 'count' });
  const body = h('tbody', { id: 'results' });
  const more = h('button', { type: 'button', class: 'button', id: 'more', hidden: true }, words.past.more);
  const none = h('p', { class: 'empty-line', hidden: true }, words.past.none);
  const table = h(
    'table',
    { class: 'results' },
    h('caption', { class: 'hidden' }, words.past.title),
    head(),
    body,
  );
  const search = { fields, count, body, more, none, table, next: null, loading: null, timer: 0, shown: 0 };
  const clear = h('button', { type: 'reset', class: 'button quiet', id: 'clear' }, words.past.clear);
  const form = h(
    'form',
    { class: 'filters', role: 'search' },
    Object.values(fields).map((field) => field.node),
    clear,
  );
  const node = h(
    'div',
    { class: 'page past' },
    h('div', { class: 'page-head' }, h('h1', {}, words.past.title), count),
    form,
    h('div', { class: 'table-scroll' }, table),
    none,
    h('div', { class: 'more-place' }, more),
    mayAs('admin') ? erasing(search) : null,
  );
  watchForm(form, search);
  more.addEventListener('click', () => load(search, search.next));
  const end = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting) && search.next !== null) load(search, search.next);
    },
    { rootMargin: '400px' },
  );
  end.observe(more);
  arrows(body, 'a');
  load(search, null);
  const leave = () => {
    clearTimeout(search.timer);
    search.loading?.abort();
    end.disconnect();
  };
  return { title: words.past.title, node, leave };
}

function buildFields(query) {
  const text = (name, label, extra) =>
    field(
      name,
      label,
      h('input', {
        id: name,
        name,
        value: query.get(name) ?? '',
        autocomplete: 'off',
        maxlength: 200,
        ...extra,
      }),
    );
  const choice = (name, label, options) => {
    const select = h(
      'select',
      { id: name, name },
      options.map(([value, shown]) =>
        h('option', { value, selected: value === (query.get(name) ?? '') }, shown),
      ),
    );
    return field(name, label, select);
  };
  const languages = [...allLanguages()].sort((a, b) => a.name.localeCompare(b.name));
  const outcomes = Object.entries(words.classes).map(([value, shown]) => [`class:${value}`, shown]);
  const reasons = Object.entries(words.reasons).map(([value, shown]) => [`reason:${value}`, `– ${shown}`]);
  return {
    q: text('q', words.past.search, { type: 'search', 'data-search': '', placeholder: words.past.search }),
    from: text('from', words.past.from, { type: 'date' }),
    to: text('to', words.past.to, { type: 'date' }),
    language: choice('language', words.past.language, [
      ['', words.past.anyLanguage],
      ...languages.map((one) => [one.tag, one.name]),
    ]),
    outcome: choice('outcome', words.past.outcome, [['', words.past.anyOutcome], ...outcomes, ...reasons]),
    agent: text('agent', words.past.agent, { type: 'text' }),
    number: text('number', words.past.number, { type: 'text', inputmode: 'tel' }),
  };
}

function field(name, label, control) {
  return { control, node: h('label', { class: `field filter-${name}` }, h('span', {}, label), control) };
}

function head() {
  const names = words.past.columns;
  const right = new Set(['talking', 'delay', 'cost']);
  return h(
    'thead',
    {},
    h(
      'tr',
      {},
      Object.entries(names).map(([name, text]) =>
        h('th', { scope: 'col', class: right.has(name) ? 'number' : `column-${name}` }, text),
      ),
    ),
  );
}

function watchForm(form, search) {
  const soon = () => {
    clearTimeout(search.timer);
    search.timer = setTimeout(() => load(search, null), TYPING_MS);
  };
  form.addEventListener('input', soon);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    load(search, null);
  });
  form.addEventListener('reset', (event) => {
    event.preventDefault();
    for (const { control } of Object.values(search.fields)) control.value = '';
    load(search, null);
  });
}

function asked(search) {
  const values = Object.fromEntries(FILTERS.map((name) => [name, search.fields[name].control.value.trim()]));
  const [kind, outcome] = values.outcome.split(':');
  return {
    values,
    query: {
      q: values.q,
      language: values.language,
      agent: values.agent,
      number: values.number.replace(/[\s().-]/g, ''),
      from: values.from === '' ? '' : midnight(values.from),
      to: values.to === '' ? '' : midnight(values.to, 1),
      class: kind === 'class' ? outcome : '',
      reason: kind === 'reason' ? outcome : '',
    },
  };
}

async function load(search, before) {
  clearTimeout(search.timer);
  search.loading?.abort();
  const mine = new AbortController();
  search.loading = mine;
  search.next = null;
  const { values, query } = asked(search);
  if (before === null) replaceQuery(values);
  search.table.setAttribute('aria-busy', 'true');
  try {
    const page = await get(withQuery('/api/calls', { ...query, limit: 50, before }), { signal: mine.signal });
    show(search, page, before !== null);
  } catch (error) {
    if (error.name !== 'AbortError') say(error.message, 'bad');
  } finally {
    if (search.loading === mine) search.table.removeAttribute('aria-busy');
  }
}

function show(search, page, further) {
  const rows = page.calls.map(row);
  if (further) search.body.append(...rows);
  else search.body.replaceChildren(...rows);
  search.shown = further ? search.shown + rows.length : rows.length;
  search.next = page.next;
  search.more.hidden = page.next === null;
  search.none.hidden = search.shown > 0;
  search.table.hidden = search.shown === 0;
  setText(search.count, words.past.count(search.shown, page.next !== null));
}

function row(call) {
  const address = `/desk/calls/${encodeURIComponent(call.id)}`;
  const talked = call.talked !== null && call.ended !== null ? duration(call.ended - call.talked) : '–';
  const span = call.spans?.caller ?? call.spans?.agent ?? null;
  const outcome = call.live ? words.past.live : (words.classes[call.class] ?? '');
  const reason = call.reason === null ? null : (words.reasons[call.reason] ?? call.reason);
  const node = h(
    'tr',
    { 'data-call': call.id },
    h('th', { scope: 'row', class: 'column-when' }, h('a', { href: address }, dateAndTime(call.started))),
    h('td', { class: 'column-number' }, phone(call.caller_number) || words.call.hidden),
    h(
      'td',
      { class: 'column-languages' },
      nativeName(call.caller_language),
      h('span', { class: 'pair-mark', 'aria-hidden': 'true' }, ' ⇄ '),
      nativeName(call.agent_language),
    ),
    h('td', { class: 'column-agent' }, call.agent ?? '–'),
    h('td', { class: 'number' }, talked),
    h('td', { class: 'number' }, span === null ? '–' : seconds(span.median)),
    h(
      'td',
      { class: 'column-outcome', 'data-class': call.class, title: reason },
      h('span', { class: 'outcome-dot', 'aria-hidden': 'true' }),
      outcome,
    ),
    h('td', { class: 'number' }, call.cost === null ? '–' : money(call.cost)),
  );
  node.addEventListener('click', (event) => {
    if (event.target.closest('a') === null && String(getSelection()) === '') node.querySelector('a').click();
  });
  return node;
}

/// All calls of a number, for whoever asks to be forgotten.
function erasing(search) {
  const number = h('input', {
    type: 'text',
    id: 'erase-number',
    inputmode: 'tel',
    autocomplete: 'off',
    maxlength: 40,
  });
  const act = async () => {
    const wanted = number.value.trim();
    if (wanted === '') {
      number.focus();
      return;
    }
    try {
      const answer = await post('/api/erase', { number: wanted });
      say(words.past.erased(answer.calls));
      number.value = '';
      load(search, null);
    } catch (error) {
      say(error.message, 'bad');
    }
  };
  const button = confirmButton({
    id: 'erase-all',
    label: words.past.eraseAll,
    sure: words.past.eraseSure,
    class: 'danger quiet',
    act,
  });
  return h(
    'details',
    { class: 'erase-number' },
    h('summary', {}, icon('close'), words.past.erase),
    h(
      'div',
      { class: 'inline-form' },
      h('label', { class: 'field' }, h('span', {}, words.past.eraseNumber), number),
      button,
    ),
  );
}
