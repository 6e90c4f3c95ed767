// What stays while views change: navigation, the banner of a lost connection, the place of the view.

import { remove } from './api.js';
import { buildCallBar } from './callbar.js';
import { h, setText } from './dom.js';
import { icon, logo } from './icons.js';
import { askBeforeSigningOut } from './signout.js';
import { mayAs, state } from './state.js';
import { words } from './words.js';
import { showShortcuts } from './shortcuts.js';
import { say } from './toast.js';

export function buildShell({ onSignOut }) {
  const badge = h('span', { class: 'badge', hidden: true });
  const links = navigation(badge);
  const banner = h('p', { class: 'banner', role: 'alert', hidden: true, id: 'connection' });
  const main = h('main', { id: 'main', tabindex: '-1' });
  const callBar = buildCallBar();
  const node = h(
    'div',
    { class: 'shell' },
    rail(links, onSignOut),
    h('div', { class: 'stage' }, banner, callBar.node, main),
  );
  return {
    node,
    setPath: (path) => {
      mark(links, path);
      callBar.setPath(path);
    },
    leave: () => callBar.leave(),
    setView: (view, moved) => place(main, view, moved),
    setAway: (away) => setAway(banner, away),
    setCalls: (calls) => setCalls(badge, calls),
  };
}

function navigation(badge) {
  const items = [
    { path: '/desk', name: 'calls', text: words.nav.live, badge, also: '/desk/calls/' },
    { path: '/desk/past', name: 'past', text: words.nav.past },
    { path: '/desk/figures', name: 'figures', text: words.nav.figures, for: 'supervisor' },
    { path: '/desk/replies', name: 'replies', text: words.nav.replies },
    { path: '/desk/users', name: 'users', text: words.nav.users, for: 'admin' },
  ];
  return items
    .filter((item) => item.for === undefined || mayAs(item.for))
    .map((item) => ({
      ...item,
      link: h(
        'a',
        { href: item.path, class: 'rail-link', id: `nav-${item.name}` },
        icon(item.name),
        h('span', {}, item.text),
        item.badge,
      ),
    }));
}

function rail(links, onSignOut) {
  const keys = h(
    'button',
    { type: 'button', class: 'rail-link', id: 'keys', onclick: showShortcuts },
    icon('keyboard'),
    h('span', {}, words.nav.shortcuts),
  );
  const out = h(
    'button',
    { type: 'button', class: 'rail-link', id: 'sign-out', onclick: () => signOut(onSignOut) },
    icon('out'),
    h('span', {}, words.signOut),
  );
  const profile = h(
    'a',
    { href: '/desk/profile', class: 'rail-link', id: 'nav-profile', title: state.user.name },
    icon('person'),
    h('span', { class: 'rail-name' }, state.user.name),
  );
  links.push({ path: '/desk/profile', link: profile });
  return h(
    'header',
    { class: 'rail' },
    h('a', { href: '/desk', class: 'rail-logo', 'aria-label': words.product }, logo()),
    h(
      'nav',
      { 'aria-label': words.nav.label },
      links.slice(0, -1).map((item) => item.link),
    ),
    h('div', { class: 'rail-foot' }, keys, profile, out),
  );
}

async function signOut(onSignOut) {
  if (!(await askBeforeSigningOut())) return;
  try {
    await remove('/api/session');
  } catch (error) {
    if (error.status !== 401) {
      say(error.message, 'bad');
      return;
    }
  }
  onSignOut(true);
}

function mark(links, path) {
  for (const item of links) {
    const here =
      item.path === path.replace(/(.)\/$/, '$1') || (item.also !== undefined && path.startsWith(item.also));
    if (here) item.link.setAttribute('aria-current', 'page');
    else item.link.removeAttribute('aria-current');
  }
}

/// After a move the focus goes to the heading, so that a screen reader reads where one is.
function place(main, view, moved) {
  main.replaceChildren(view);
  if (!moved) return;
  scrollTo(0, 0);
  const heading = main.querySelector('h1');
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function setAway(banner, away) {
  const was = !banner.hidden;
  setText(banner, away ? words.connection.lost : '');
  banner.hidden = !away;
  if (was && !away) say(words.connection.back);
}

function setCalls(badge, calls) {
  const waiting = calls.filter((call) => call.phase === 'waiting').length;
  badge.hidden = waiting === 0;
  badge.replaceChildren(
    h('span', { 'aria-hidden': 'true' }, waiting),
    h('span', { class: 'hidden' }, words.nav.waiting(waiting)),
  );
}
