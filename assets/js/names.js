// SPDX-License-Identifier: MIT
// Names of rooms: making friendly ones, and reading what people type or paste.

const FIRST = ('amber azure bright calm clever coral crimson dapper early fancy gentle golden happy hazel honest '
  + 'indigo ivory jade jolly kind lively lucky lunar mellow mighty misty noble olive opal patient pearl plucky '
  + 'polite proud quick quiet rosy ruby sandy scarlet serene silver smart snowy solar spicy steady sunny teal '
  + 'tender topaz velvet violet vivid warm wise witty').split(' ');
const SECOND = ('alder aspen basil birch cedar clover elder fern ginger hazel heather holly iris ivy juniper '
  + 'laurel lilac linden lotus maple mint myrtle oak olive orchid pepper pine poppy rowan saffron sage sorrel '
  + 'tansy thyme tulip willow').split(' ');
const THIRD = ('badger beaver bison crane dolphin falcon ferret finch fox gecko gull hare hedgehog heron ibis '
  + 'jackdaw kestrel kiwi koala lark lemur lynx magpie marten mole moose newt ocelot octopus osprey otter owl '
  + 'panda pelican penguin plover puffin quail raven robin salmon seal sparrow squid stork swallow swan tapir '
  + 'toucan turtle walrus weasel wombat wren').split(' ');

const ROOM = /^[a-z0-9_-]{1,63}$/;

function pick(words) {
  return words[crypto.getRandomValues(new Uint32Array(1))[0] % words.length];
}

export function namesFreshRoom() {
  return `${pick(FIRST)}-${pick(SECOND)}-${pick(THIRD)}`;
}

// A room's name as the server takes it, or null.
export function namesCleanRoom(text) {
  const name = text.trim().toLowerCase();
  return ROOM.test(name) ? name : null;
}

// What was typed or pasted: a name ("Team lunch"), a path or a link. {room}, {url} for a link to another
// server, or null.
export function namesReadRoom(text, origin) {
  const given = text.trim();
  const link = given.match(/^(https?:\/\/)?([^\s/]*)\/r\/([^/?#\s]+)/i);
  if (link) {
    const room = namesCleanRoom(safeDecode(link[3]));
    if (!room) return null;
    if (link[1] && new URL(given).origin !== origin) return { room, url: given };
    return { room };
  }
  if (/[/:?#]/.test(given)) return null;
  const room = namesCleanRoom(given.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').replace(/[\s.]+/g, '-'));
  return room ? { room } : null;
}

function safeDecode(text) {
  try { return decodeURIComponent(text); } catch { return ''; }
}
