// Line icons on a grid of 20, drawn with the colour of the text beside them.

import { s } from './dom.js';

const PATHS = {
  calls: 'M3.5 4.5h8v6.5h-4l-2.5 2.2v-2.2h-1.5zM14 8h2.5v6H15v2l-2.5-2H9',
  past: 'M10 3.5a6.5 6.5 0 1 1-6 4M4 3.8v3.7h3.7M10 6.5V10l2.5 1.5',
  figures: 'M3.5 16.5h13M5.5 13.5v-4M10 13.5v-9M14.5 13.5v-6',
  replies: 'M4 4.5h12v8.5H9l-3.5 3v-3H4zM7 7.5h6M7 10h4',
  users:
    'M7.5 9.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM2.5 16c.3-2.7 2.3-4 5-4s4.7 1.3 5 4M13 4.3a2.7 2.7 0 0 1 0 5M14.5 12.3c1.8.5 2.8 1.7 3 3.7',
  person: 'M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 16.5c.4-3.2 2.8-4.8 6-4.8s5.6 1.6 6 4.8',
  headset:
    'M4 12v-2a6 6 0 0 1 12 0v2M4 11.5h2.2v4H4.8a.8.8 0 0 1-.8-.8zM16 11.5h-2.2v4h1.4a.8.8 0 0 0 .8-.8zM15 15.5c-.5 1.2-2 1.8-4 1.8',
  phone:
    'M6.5 3.5l2 3.5-1.5 1.5c.8 1.9 2.1 3.2 4 4l1.5-1.5 3.5 2v2.5c0 .6-.5 1-1.1 1C9 16 4 11 3.5 5.1c0-.6.4-1.1 1-1.1z',
  hangup: 'M2.8 12.2c0-4.2 14.4-4.2 14.4 0v1.5l-3.7-.6v-2.2c-2.2-.7-4.8-.7-7 0v2.2l-3.7.6z',
  help: 'M7.5 7.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.9M10 14.6v.2',
  sun: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M15.3 4.7l-1 1M5.7 14.3l-1 1',
  moon: 'M16 11.8A6.5 6.5 0 0 1 8.2 4a6.5 6.5 0 1 0 7.8 7.8z',
  auto: 'M10 3.5a6.5 6.5 0 1 0 0 13zM10 3.5a6.5 6.5 0 0 1 0 13',
  search: 'M9 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM12.7 12.7l3.8 3.8',
  send: 'M3.5 10l13-6-4.5 12.5-2.7-5.2zM9.3 11.3l3-3',
  down: 'M10 4v11.5M5.5 11l4.5 4.5 4.5-4.5',
  back: 'M16 10H4.5M9 5.5L4.5 10 9 14.5',
  keyboard: 'M2.5 5.5h15v9h-15zM5.5 8.2h.1M8.5 8.2h.1M11.5 8.2h.1M14.5 8.2h.1M6.5 11.8h7',
  microphone:
    'M10 3a2.2 2.2 0 0 0-2.2 2.2v4a2.2 2.2 0 0 0 4.4 0v-4A2.2 2.2 0 0 0 10 3zM5.5 9a4.5 4.5 0 0 0 9 0M10 13.5v3',
  muted:
    'M7.8 7.5v1.7a2.2 2.2 0 0 0 3.4 1.8M12.2 8.5V5.2a2.2 2.2 0 0 0-4.1-1.1M5.5 9a4.5 4.5 0 0 0 7.1 3.7M14.4 10a4.5 4.5 0 0 0 .1-1M10 13.5v3M3.5 3.5l13 13',
  close: 'M5 5l10 10M15 5L5 15',
  check: 'M4 10.5l4 4 8-9',
  lock: 'M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  arrow: 'M4 10h12M12 6l4 4-4 4',
  download: 'M10 3.5v9M6 9l4 4 4-4M4 16.5h12',
  settings: 'M4 6h6M14 6h2M4 14h2M10 14h6M12 4.2v3.6M8 12.2v3.6',
  ear: 'M6 8.5a4 4 0 1 1 8 0c0 2.3-2.5 3-2.5 5a2.5 2.5 0 0 1-4.5 1.5M8 8.5a2 2 0 1 1 3.5 1.3c-.6.6-1.5 1-1.5 2',
  out: 'M8 4H4.5v12H8M12 6.5L15.5 10 12 13.5M15.5 10H8',
};

export function icon(name) {
  return s(
    'svg',
    { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false' },
    s('path', { d: PATHS[name] ?? '' }),
  );
}

/// The product's mark: two turns of speech that answer each other.
export function logo() {
  const caller = s('path', {
    class: 'logo-caller',
    d: 'M4 7.5A2.5 2.5 0 0 1 6.5 5h10A2.5 2.5 0 0 1 19 7.5v5a2.5 2.5 0 0 1-2.5 2.5H9.5l-4 3.6A.9.9 0 0 1 4 18z',
  });
  const agent = s('path', {
    class: 'logo-agent',
    d: 'M28 15.5a2.5 2.5 0 0 0-2.5-2.5H22v1a4 4 0 0 1-4 4h-5v2.5a2.5 2.5 0 0 0 2.5 2.5h7l4 3.6A.9.9 0 0 0 28 26z',
  });
  return s(
    'svg',
    { class: 'logo', viewBox: '0 0 32 32', 'aria-hidden': 'true', focusable: 'false' },
    caller,
    agent,
  );
}

/// Three bars that move while somebody talks; stylesheets decide how.
export function voice() {
  const bars = [4, 10, 16].map((x) => s('rect', { x: x - 1.5, y: 3, width: 3, height: 14, rx: 1.5 }));
  return s('svg', { class: 'voice', viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false' }, bars);
}
