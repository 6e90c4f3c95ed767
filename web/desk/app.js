// The desk's page: who is signed in, which view is shown, and what belongs to all of them.

import { get, onSignedOut, useSession } from './api.js';
import { state } from './state.js';
import { useLanguages } from './languages.js';
import { h, setText } from './dom.js';
import { words } from './words.js';
import { buildShell } from './shell.js';
import { follow, route, start } from './router.js';
import { watchConnection } from './stream.js';
import { listenForShortcuts } from './shortcuts.js';
import { followWhile, startBoard, stopBoard } from './board.js';
import { buildCallBar } from './callbar.js';
import { bringLinesBack, clearLine, isTalking, watchLine } from './softphone.js';
import { signInView } from './views/signin.js';
import { activeView } from './views/active.js';
import { callView } from './views/call.js';
import { pastView } from './views/past.js';
import { figuresView } from './views/figures.js';
import { repliesView } from './views/replies.js';
import { usersView } from './views/users.js';
import { profileView } from './views/profile.js';
import { missingView, troubleView } from './views/missing.js';

const root = document.getElementById('app');
let shell = null;
let leave = null;
let turn = 0;

route('/desk', activeView);
route('/desk/calls/:id', callView);
route('/desk/past', pastView);
route('/desk/figures', figuresView);
route('/desk/replies', repliesView);
route('/desk/users', usersView);
route('/desk/profile', profileView);

main();

async function main() {
  onSignedOut(signedOut);
  watchConnection((away) => shell?.setAway(away));
  listenForShortcuts();
  followWhile(isTalking);
  try {
    const [desk, session] = await Promise.all([get('/api/desk'), currentSession()]);
    state.desk = desk;
    useLanguages(desk.languages);
    bringLinesBack();
    if (session !== null) signedIn(session);
  } catch (error) {
    root.replaceChildren(
      h('main', { id: 'main', class: 'alone' }, troubleView(error, () => location.reload()).node),
    );
    return;
  }
  start(show);
}

async function currentSession() {
  try {
    return await get('/api/session', { quiet: true });
  } catch (error) {
    if (error.status === 401) return null;
    throw error;
  }
}

function signedIn(session) {
  state.user = session.user;
  useSession(session);
  clearLine();
  shell = buildShell({ onSignOut: signedOut });
  root.replaceChildren(shell.node);
  startBoard((calls) => shell?.setCalls(calls));
}

/// The session is over, by wish or not; the address stays, so that signing in leads back. A line that is up needs no
/// session: it goes on until its call ends.
function signedOut(byWish) {
  if (state.user === null) return;
  state.user = null;
  useSession(null);
  shell?.leave();
  shell = null;
  stopBoard();
  clearLine();
  state.notice = byWish === true ? null : isTalking() ? words.signIn.talking : words.signIn.over;
  follow(true);
}

async function show(view, place) {
  turn += 1;
  const mine = turn;
  leave?.();
  leave = null;
  if (state.user === null) {
    showSignIn();
    return;
  }
  shell.setPath(place.path);
  const made = await build(view, place);
  if (mine !== turn) {
    made?.leave?.();
    return;
  }
  if (made === null || state.user === null) return;
  leave = made.leave ?? null;
  document.title = words.title(made.title);
  shell.setView(made.node, place.moved);
  made.shown?.();
}

async function build(view, place) {
  try {
    return view === null ? missingView() : await view(place);
  } catch (error) {
    if (error.name === 'AbortError' || error.status === 401) return null;
    return error.status === 404 || error.status === 403
      ? missingView(error)
      : troubleView(error, () => follow(true));
  }
}

function showSignIn() {
  const view = signInView((session) => {
    signedIn(session);
    follow(true);
  });
  document.title = words.title(view.title);
  const bar = buildCallBar({ signedOut: true });
  const message = view.node.querySelector('#sign-in-error');
  const stop = watchLine(() => {
    if (!isTalking() && message?.textContent === words.signIn.talking) setText(message, words.signIn.over);
  });
  leave = () => {
    bar.leave();
    stop();
  };
  root.replaceChildren(h('div', { class: 'signed-out' }, bar.node, view.node));
  view.shown();
}
