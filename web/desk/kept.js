// What is kept of one's line beyond this page: which call it is, whether one speaks or types, whether one is muted; and
// which of the pages in this browser has it.

/// In all pages of this browser, and in this one alone, through a reload.
const LINE = 'duologue.line';

/// `{ call, microphone, muted }` of the line that was here or in another page last, or `null`.
export function recall(call) {
  try {
    const kept = JSON.parse(localStorage.getItem(LINE) ?? 'null');
    return kept?.call === call ? kept : null;
  } catch {
    return null;
  }
}

export function keep(call, microphone, muted) {
  try {
    localStorage.setItem(LINE, JSON.stringify({ call, microphone, muted }));
    sessionStorage.setItem(LINE, call);
  } catch {
    // It comes back with the microphone on, then.
  }
}

/// Whether this page had the line of this call.
export function wasHere(call) {
  try {
    return sessionStorage.getItem(LINE) === call;
  } catch {
    return false;
  }
}

/// The line is over; `everywhere` if the call is, too.
export function forget(everywhere) {
  try {
    sessionStorage.removeItem(LINE);
    if (everywhere) localStorage.removeItem(LINE);
  } catch {
    // Nothing was kept.
  }
}

/// Makes this the page that has the line of a call: resolves to how to let go of it, or to `null` if another page of this
/// browser has it. A person takes it from there (`byWish`); `moved()` is called on the page that it was taken from.
export function hold(call, byWish, moved) {
  // Without locks each page is on its own.
  if (!navigator.locks) return Promise.resolve(() => {});
  const options = byWish ? { steal: true } : { ifAvailable: true };
  return new Promise((resolve) => {
    const held = (lock) => {
      if (lock === null) {
        resolve(null);
        return null;
      }
      return new Promise((letGo) => resolve(letGo));
    };
    navigator.locks.request(`${LINE}.${call}`, options, held).catch(() => moved());
  });
}
