// Plots of rows: stacked bars, and dots on lines; with axes in round numbers, values on hover, and a table of the same.

import { freshId, h, s } from './dom.js';
import { words } from './words.js';

const HEIGHT = 232;
const MARGIN = { top: 12, right: 8, bottom: 28, left: 48 };
/// Pixels that a label below the plot needs.
const LABEL_PX = 54;

/// One plot.
///
/// `rows` are the steps along the axis; `label(row)` and `longLabel(row)` name them; `series` are
/// `{ name, tone, value(row) }` where `value` may be `null`; `kind` is `bars` (stacked) or `lines`; `show(value)` writes a
/// value, `tick(value)` one at the axis; `unit` stands over the axis.
export function plot(options) {
  const titleId = freshId('plot');
  const tip = h('div', { class: 'plot-tip', hidden: true, 'aria-hidden': 'true' });
  const place = h('div', { class: 'plot-place' }, tip);
  const table = tableOf(options);
  table.hidden = true;
  const toggle = h(
    'button',
    {
      type: 'button',
      class: 'button small quiet',
      'aria-expanded': 'false',
      'aria-label': words.figures.asTable(options.title),
    },
    words.figures.table,
  );
  toggle.addEventListener('click', () => {
    table.hidden = !table.hidden;
    toggle.setAttribute('aria-expanded', String(!table.hidden));
  });
  const legend = options.series.map((one) =>
    h(
      'span',
      { class: 'legend-item' },
      h('span', { class: `legend-mark ${one.tone} ${options.kind}` }),
      one.name,
    ),
  );
  const node = h(
    'figure',
    { class: 'plot', 'aria-labelledby': titleId, 'data-plot': options.id },
    h(
      'div',
      { class: 'plot-head' },
      h('h2', { id: titleId }, options.title),
      h('span', { class: 'legend' }, options.series.length > 1 ? legend : null),
      toggle,
    ),
    h('p', { class: 'plot-unit' }, options.unit),
    place,
    table,
  );
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width || now < 60) return;
    width = now;
    draw(options, place, tip, width);
  });
  observer.observe(place);
  return { node, leave: () => observer.disconnect() };
}

function draw(options, place, tip, width) {
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const top = highest(options);
  const steps = roundSteps(top);
  const scale = {
    band: inner.width / Math.max(1, options.rows.length),
    y: (value) => inner.height * (1 - value / steps.at(-1)),
  };
  const hover = s('rect', {
    class: 'plot-hover',
    y: 0,
    height: inner.height,
    width: scale.band,
    visibility: 'hidden',
  });
  const group = s(
    'g',
    { transform: `translate(${MARGIN.left} ${MARGIN.top})` },
    grid(options, steps, scale, inner),
    hover,
    options.kind === 'bars' ? bars(options, scale, inner) : lines(options, scale),
    names(options, scale, inner),
  );
  const svg = s(
    'svg',
    { class: 'plot-svg', width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' },
    group,
  );
  place.querySelector('svg')?.remove();
  place.prepend(svg);
  svg.addEventListener('pointermove', (event) => point(options, { svg, tip, hover, scale, width }, event));
  svg.addEventListener('pointerleave', () => {
    tip.hidden = true;
    hover.setAttribute('visibility', 'hidden');
  });
}

function highest({ rows, series, kind }) {
  const values = rows.map((row) => {
    const all = series.map((one) => one.value(row) ?? 0);
    return kind === 'bars' ? all.reduce((sum, value) => sum + value, 0) : Math.max(...all);
  });
  return Math.max(0, ...values);
}

/// Up to five steps of 1, 2 or 5 times a power of ten, from nought to at least `top`.
export function roundSteps(top, least = 0) {
  if (!(top > 0)) return [0, 1];
  const raw = top / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 5, 10].find((one) => one * power >= raw * 0.999);
  const step = Math.max(factor * power, least);
  const count = Math.ceil(top / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

function grid(options, steps, scale, inner) {
  return steps
    .filter((value) => !options.whole || Number.isInteger(value))
    .map((value) => {
      const y = Math.round(scale.y(value)) + 0.5;
      return [
        s('line', { class: value === 0 ? 'plot-base' : 'plot-grid', x1: 0, x2: inner.width, y1: y, y2: y }),
        s('text', { class: 'plot-label', x: -8, y: y + 4, 'text-anchor': 'end' }, options.tick(value)),
      ];
    });
}

function names(options, scale, inner) {
  const every = Math.max(1, Math.ceil(LABEL_PX / scale.band));
  return options.rows.map((row, index) =>
    index % every === 0
      ? s(
          'text',
          {
            class: 'plot-label',
            x: (index + 0.5) * scale.band,
            y: inner.height + 18,
            'text-anchor': 'middle',
          },
          options.label(row),
        )
      : null,
  );
}

function bars(options, scale, inner) {
  const width = Math.max(1, Math.min(44, scale.band * 0.68));
  return options.rows.map((row, index) => {
    let below = 0;
    return options.series.map((one) => {
      const value = one.value(row) ?? 0;
      if (value <= 0) return null;
      const top = scale.y(below + value);
      const bottom = below === 0 ? inner.height : scale.y(below) - 1;
      below += value;
      return s('rect', {
        class: `plot-bar ${one.tone}`,
        x: (index + 0.5) * scale.band - width / 2,
        y: top,
        width,
        height: Math.max(1, bottom - top),
        rx: Math.min(2, width / 4),
      });
    });
  });
}

/// A line breaks where there is no value; a value between two gaps still has its dot.
function lines(options, scale) {
  return options.series.map((one) => {
    let path = '';
    let pen = 'M';
    const dots = [];
    options.rows.forEach((row, index) => {
      const value = one.value(row);
      if (value === null || value === undefined) {
        pen = 'M';
        return;
      }
      const x = ((index + 0.5) * scale.band).toFixed(1);
      const y = scale.y(value).toFixed(1);
      path += `${pen}${x} ${y}`;
      pen = 'L';
      dots.push(s('circle', { class: `plot-dot ${one.tone}`, cx: x, cy: y, r: scale.band > 10 ? 3.5 : 2 }));
    });
    return [s('path', { class: `plot-line ${one.tone}`, d: path }), dots];
  });
}

function point(options, { svg, tip, hover, scale, width }, event) {
  const x = event.clientX - svg.getBoundingClientRect().left - MARGIN.left;
  const index = Math.floor(x / scale.band);
  const row = options.rows[index];
  tip.hidden = row === undefined;
  hover.setAttribute('visibility', row === undefined ? 'hidden' : 'visible');
  if (row === undefined) return;
  hover.setAttribute('x', index * scale.band);
  const values = options.series.map((one) =>
    h(
      'p',
      {},
      h('span', { class: `legend-mark ${one.tone} ${options.kind}` }),
      one.name,
      h('b', {}, shown(options, one.value(row))),
    ),
  );
  tip.replaceChildren(h('p', { class: 'plot-tip-head' }, options.longLabel(row)), ...values);
  const left = MARGIN.left + (index + 0.5) * scale.band;
  const half = tip.offsetWidth / 2;
  tip.style.left = `${Math.min(width - half, Math.max(half, left))}px`;
}

const shown = (options, value) => (value === null || value === undefined ? '–' : options.show(value));

function tableOf(options) {
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, options.step),
    options.series.map((one) => h('th', { scope: 'col', class: 'number' }, one.name)),
  );
  const rows = options.rows.map((row) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, options.longLabel(row)),
      options.series.map((one) => h('td', { class: 'number' }, shown(options, one.value(row)))),
    ),
  );
  return h(
    'div',
    {
      class: 'plot-table',
      tabindex: '0',
      role: 'region',
      'aria-label': words.figures.asTable(options.title),
    },
    h(
      'table',
      { class: 'lines' },
      h('caption', { class: 'hidden' }, `${options.title}, ${options.unit}`),
      h('thead', {}, head),
      h('tbody', {}, rows),
    ),
  );
}
