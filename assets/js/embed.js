// SPDX-License-Identifier: MIT
// For pages that show a room in an iframe (?embed=1): they are told, by postMessage, what happens.
//
//   {source: 'tessera', type: 'joined', room, member}     member: the id of the one who joined here
//   {source: 'tessera', type: 'left',   room, reason}     reason: a `bye` reason or an error code
//
// The frame's page is whoever embeds, so the target is any origin; nothing secret is in these.

export function embedTell(message) {
  if (window.parent !== window) window.parent.postMessage({ source: 'tessera', ...message }, '*');
}
