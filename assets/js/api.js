// SPDX-License-Identifier: MIT
// REST from the pages: /api/v1, JSON both ways, the sign-in's cookie or a key. What goes wrong is an ApiError
// with the server's own sentence.

const BASE = '/api/v1';

export class ApiError extends Error {
  // status 0: the server was not reached. problem: as the server sent it.
  constructor(status, problem = {}) {
    super(problem.detail || problem.title || `The server answered with ${status}.`);
    this.status = status;
    this.code = problem.code ?? 'failed';
    this.field = problem.field ?? null;
    this.problem = problem;
  }
}

// A key for Idempotency-Key: one a form, so that a second click creates nothing twice.
export function apiOnce() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// options: body (JSON) or file (a Blob), key (API key) or seat (in the call), revision (If-Match), once
// (Idempotency-Key), accept, signal.
export async function apiFetch(method, path, { body, file, key, seat, revision, once, accept, signal } = {}) {
  const headers = { accept: accept ?? 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (file?.type) headers['content-type'] = file.type;
  if (key) headers.authorization = `Bearer ${key}`;
  else if (seat) headers.authorization = `Seat ${seat}`;
  if (revision != null) headers['if-match'] = `"${revision}"`;
  if (once) headers['idempotency-key'] = once;
  let response;
  try {
    response = await fetch(BASE + path, {
      method, headers, signal, cache: 'no-store', credentials: key || seat ? 'omit' : 'same-origin',
      body: body === undefined ? file : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, { code: 'unreachable', detail: 'The server cannot be reached. Check your connection.' });
  }
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
  return response;
}

// The JSON of the answer, or null if it has none.
export async function api(method, path, options) {
  const response = await apiFetch(method, path, options);
  return response.status === 204 ? null : response.json().catch(() => null);
}

// A whole list, page by page, but not without end.
const PAGES_MAX = 10;
export async function apiList(path, plural, options) {
  const all = [];
  let cursor = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await api('GET', `${path}?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, options);
    all.push(...(answer?.[plural] ?? []));
    cursor = answer?.next_cursor ?? null;
    if (!cursor) break;
  }
  return all;
}
