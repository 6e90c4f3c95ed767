// Figures for the daily review: sums, plots by day and hour, and tables by language, agent and number.

import { get, withQuery } from '../api.js';
import { h } from '../dom.js';
import {
  dayLabel,
  dayLabelLong,
  hours,
  integer,
  isoDay,
  money,
  percent,
  phone,
  seconds,
  zone,
} from '../format.js';
import { icon } from '../icons.js';
import { nameOf } from '../languages.js';
import { plot } from '../plots.js';
import { replaceQuery } from '../router.js';
import { words } from '../words.js';

const WORDS = words.figures;
const PRESETS = [
  ['today', 1],
  ['days7', 7],
  ['days30', 30],
];

export function figuresView({ query }) {
  const range = { from: day(query.get('from')) ?? isoDay(-6), to: day(query.get('to')) ?? isoDay(0) };
  const view = {
    range,
    plots: [],
    loading: null,
    csv: h('a', { class: 'button', id: 'figures-csv', download: true }, icon('download'), WORDS.csv),
    body: h('div', { class: 'figures-body', 'aria-live': 'off' }),
  };
  const chooser = buildChooser(view);
  view.chooser = chooser;
  const node = h(
    'div',
    { class: 'page figures' },
    h(
      'div',
      { class: 'page-head' },
      h('h1', {}, WORDS.title),
      h('p', { class: 'results-count' }, WORDS.zone(zone)),
    ),
    chooser.node,
    view.body,
  );
  load(view);
  const leave = () => {
    view.loading?.abort();
    clear(view);
  };
  return { title: WORDS.title, node, leave };
}

const day = (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text ?? '') ? text : null);

function clear(view) {
  for (const one of view.plots) one.leave();
  view.plots = [];
}

function buildChooser(view) {
  const from = h('input', { type: 'date', id: 'figures-from', max: isoDay(0), 'aria-label': WORDS.from });
  const to = h('input', { type: 'date', id: 'figures-to', max: isoDay(0), 'aria-label': WORDS.to });
  const presets = PRESETS.map(([name, days]) => {
    const button = h('button', { type: 'button', class: 'button', id: `range-${name}` }, WORDS[name]);
    button.addEventListener('click', () => choose(view, isoDay(1 - days), isoDay(0)));
    return { button, days };
  });
  for (const input of [from, to]) {
    input.addEventListener('change', () => {
      if (day(from.value) !== null && day(to.value) !== null && from.value <= to.value)
        choose(view, from.value, to.value);
    });
  }
  const show = () => {
    from.value = view.range.from;
    to.value = view.range.to;
    for (const { button, days } of presets)
      button.setAttribute(
        'aria-pressed',
        String(view.range.to === isoDay(0) && view.range.from === isoDay(1 - days)),
      );
  };
  const node = h(
    'div',
    { class: 'chooser', role: 'group', 'aria-label': WORDS.range },
    presets.map((one) => one.button),
    h('span', { class: 'chooser-range' }, from, h('span', { 'aria-hidden': 'true' }, '–'), to),
    h('span', { class: 'spring' }),
    view.csv,
  );
  return { node, show };
}

function choose(view, from, to) {
  view.range = { from, to };
  replaceQuery(view.range);
  load(view);
}

async function load(view) {
  view.loading?.abort();
  const mine = new AbortController();
  view.loading = mine;
  view.chooser.show();
  const query = { ...view.range, zone };
  view.csv.href = withQuery('/api/figures.csv', query);
  view.body.setAttribute('aria-busy', 'true');
  try {
    show(view, await get(withQuery('/api/figures', query), { signal: mine.signal }));
  } catch (error) {
    if (error.name !== 'AbortError')
      view.body.replaceChildren(h('p', { class: 'empty-line', role: 'alert' }, error.message));
  } finally {
    if (view.loading === mine) view.body.removeAttribute('aria-busy');
  }
}

function show(view, figures) {
  clear(view);
  if (figures.total.offered === 0) {
    view.body.replaceChildren(h('p', { class: 'empty-line' }, WORDS.none));
    return;
  }
  view.plots = plotsOf(figures);
  view.body.replaceChildren(
    sums(figures.total),
    h(
      'div',
      { class: 'plots' },
      view.plots.map((one) => one.node),
    ),
    ...tables(figures),
  );
}

function sums(total) {
  const share = (count) => (total.offered > 0 ? WORDS.ofOffered(percent(count / total.offered)) : '');
  const each = total.answered > 0 ? WORDS.perCall(money(total.cost / total.answered)) : '';
  const unknown = total.cost_unknown > 0 ? WORDS.unknownCosts(total.cost_unknown) : each;
  const one = (name, value, note) =>
    h('div', { class: 'sum' }, h('dt', {}, name), h('dd', {}, value, h('small', {}, note)));
  return h(
    'dl',
    { class: 'sums' },
    one(WORDS.offered, integer(total.offered), ''),
    one(WORDS.answered, integer(total.answered), share(total.answered)),
    one(WORDS.missed, integer(total.missed), share(total.missed)),
    one(
      WORDS.waiting,
      maybe(total.waiting_ms_mean, seconds),
      total.waiting_ms_p90 === null ? '' : WORDS.nineInTen(seconds(total.waiting_ms_p90)),
    ),
    one(WORDS.talkingTotal, hours(total.talking_ms_total), ''),
    one(WORDS.cost, money(total.cost), unknown),
  );
}

const maybe = (value, write) => (value === null || value === undefined ? '–' : write(value));

const series = (name, tone, field) => ({ name, tone, value: (row) => row[field] });

const COUNTS = {
  kind: 'bars',
  unit: WORDS.units.calls,
  whole: true,
  show: integer,
  tick: integer,
  series: [
    series(WORDS.answered, 'agent', 'answered'),
    series(WORDS.missed, 'caller', 'missed'),
    series(WORDS.refused, 'bad', 'refused'),
  ],
};
const TIMES = { kind: 'lines', unit: WORDS.units.seconds, show: seconds, tick: (ms) => number(ms / 1000) };
const WAITING = {
  ...TIMES,
  series: [
    series(WORDS.series.mean, 'agent', 'waiting_ms_mean'),
    series(WORDS.series.p90, 'caller', 'waiting_ms_p90'),
  ],
};
const SPANS = {
  ...TIMES,
  series: [
    series(WORDS.series.caller, 'caller', 'span_caller_median'),
    series(WORDS.series.agent, 'agent', 'span_agent_median'),
  ],
};
const TALKING = {
  kind: 'bars',
  unit: WORDS.units.minutes,
  show: (minutes) => minutesOrSeconds(minutes),
  tick: (minutes) => number(minutes),
  series: [
    {
      name: WORDS.series.talking,
      tone: 'agent',
      value: (row) => (row.talking_ms_mean === null ? null : row.talking_ms_mean / 60000),
    },
  ],
};
const COST = {
  kind: 'bars',
  unit: WORDS.units.dollars,
  show: (dollars) => money(dollars * 1e6),
  tick: (dollars) => number(dollars),
  series: [{ name: WORDS.series.cost, tone: 'agent', value: (row) => row.cost / 1e6 }],
};

function plotsOf(figures) {
  const byDay = {
    rows: figures.days,
    step: WORDS.day,
    label: (row) => dayLabel(row.key),
    longLabel: (row) => dayLabelLong(row.key),
  };
  const byHour = {
    rows: figures.hours,
    step: WORDS.hour,
    label: (row) => row.key,
    longLabel: (row) => `${row.key}:00–${row.key}:59`,
  };
  return [
    plot({ id: 'days', title: WORDS.callsByDay, ...byDay, ...COUNTS }),
    plot({ id: 'hours', title: WORDS.callsByHour, ...byHour, ...COUNTS }),
    plot({ id: 'waiting', title: WORDS.waitingByDay, ...byDay, ...WAITING }),
    plot({ id: 'talking', title: WORDS.talkingByDay, ...byDay, ...TALKING }),
    plot({ id: 'spans', title: WORDS.spansByDay, ...byDay, ...SPANS }),
    plot({ id: 'cost', title: WORDS.costByDay, ...byDay, ...COST }),
  ];
}

const number = (value) => new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 }).format(value);
const minutesOrSeconds = (minutes) =>
  minutes < 1 ? seconds(minutes * 60000) : `${number(Math.round(minutes * 10) / 10)}\u00a0min`;

function tables(figures) {
  return [
    table(WORDS.byLanguage, 'languages', figures.languages, nameOf),
    table(WORDS.byAgent, 'agents', figures.agents, (key) => key || WORDS.nobody),
    table(WORDS.byNumber, 'numbers', figures.numbers, phone),
  ];
}

function table(title, id, rows, name) {
  const columns = [
    [WORDS.offered, (row) => integer(row.offered)],
    [WORDS.answered, (row) => integer(row.answered)],
    [WORDS.missed, (row) => integer(row.missed)],
    [WORDS.waiting, (row) => maybe(row.waiting_ms_mean, seconds)],
    [WORDS.talkingMean, (row) => maybe(row.talking_ms_mean, (ms) => minutesOrSeconds(ms / 60000))],
    [WORDS.spanCaller, (row) => maybe(row.span_caller_median, seconds)],
    [WORDS.spanAgent, (row) => maybe(row.span_agent_median, seconds)],
    [WORDS.cost, (row) => money(row.cost)],
  ];
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, h('span', { class: 'hidden' }, title)),
    columns.map(([text]) => h('th', { scope: 'col', class: 'number' }, text)),
  );
  const body = rows.map((row) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name(row.key)),
      columns.map(([, write]) => h('td', { class: 'number' }, write(row))),
    ),
  );
  return h(
    'section',
    { class: 'figures-table' },
    h('h2', {}, title),
    h(
      'div',
      { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': title },
      h('table', { class: 'lines', 'data-table': id }, h('thead', {}, head), h('tbody', {}, body)),
    ),
  );
}
