// Requests to the desk's API: JSON both ways, the session's CSRF token, errors with a sentence.

import { words } from './words.js';

let csrf = null;
let skew = 0;
let signedOut = () => {};

/// Beyond this the server's clock and ours are taken to differ; `Date` has whole seconds only.
const SKEW_MS = 2500;

export class ApiError extends Error {
  constructor(status, message, retryAfter, answer = null) {
    super(message);
    this.status = status;
    /// What the service said, as JSON, or `null`.
    this.answer = answer;
    /// Seconds, or `null`.
    this.retryAfter = retryAfter;
  }
}

/// What to do when the session is over.
export function onSignedOut(action) {
  signedOut = action;
}

export function useSession(session) {
  csrf = session?.csrf ?? null;
}

/// The server's time, as well as we know it.
export function now() {
  return Date.now() + skew;
}

export const get = (path, options) => request('GET', path, undefined, options);
export const post = (path, body, options) => request('POST', path, body ?? {}, options);
export const put = (path, body) => request('PUT', path, body);
export const patch = (path, body) => request('PATCH', path, body);
export const remove = (path) => request('DELETE', path);

/// `path` with a query of the given values; empty ones are left out.
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function request(method, path, body, options = {}) {
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && csrf !== null) headers['x-csrf-token'] = csrf;
  let response;
  try {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(path, {
      method,
      headers,
      body: payload,
      signal: options.signal,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, words.errors.unreachable, null);
  }
  learnTime(response);
  const answer = await readJson(response);
  if (response.ok) return answer;
  if (response.status === 401 && !options.quiet) signedOut();
  throw new ApiError(response.status, sentence(response, answer), retryAfter(response), answer);
}

async function readJson(response) {
  const text = await response.text().catch(() => '');
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function sentence(response, answer) {
  if (typeof answer?.error === 'string' && answer.error !== '') return answer.error;
  return words.errors.byStatus[response.status] ?? words.errors.unknown(response.status);
}

function retryAfter(response) {
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 3600) : null;
}

function learnTime(response) {
  const theirs = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isFinite(theirs)) return;
  const difference = theirs + 500 - Date.now();
  skew = Math.abs(difference) > SKEW_MS ? difference : 0;
}
