// What all views know: the desk's set-up and who is signed in.

export const state = {
  /// Desk of the API.
  desk: null,
  /// User of the API, or `null` while nobody is signed in.
  user: null,
  /// A sentence for the sign-in page.
  notice: null,
};

const RANKS = { agent: 0, supervisor: 1, admin: 2 };

/// Whether the user has this role or a higher one.
export function mayAs(role) {
  return state.user !== null && RANKS[state.user.role] >= RANKS[role];
}

/// Whether a call is the user's own.
export function isMine(call) {
  return state.user !== null && belongsTo(call, state.user);
}

/// Whether a user is the agent of a call. Names are compared without regard to case and to how a letter is written.
export function belongsTo(call, user) {
  return (call.agent ?? null) !== null && fold(call.agent) === fold(user.worker ?? user.name);
}

const fold = (name) => name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
