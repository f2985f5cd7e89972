// SPDX-License-Identifier: MIT
// A seat in a room: signaling and peer together, kept through dropped sockets and dead connections.
//
//   idle -> joining -> joined <-> reconnecting -> ended
//
// Events: 'state', 'joined' {resumed, messages}, 'members', 'layout', 'speaking', 'chat', 'reaction',
// 'link' (the last `stats`, or null: nothing is known any more), 'receive' (what is asked for), 'stream', 'peer', 'drop' tries, 'refused' {code, message, field}, 'arrived' member, 'departed' {member, reason},
// 'ended' {code, message, field, wasIn}.
import { Emitter } from './emitter.js';
import { Peer } from './peer.js';
import { receiveStored, receiveStore } from './receive.js';
import { Signaling } from './signaling.js';

const PEER_RETRY_MIN_MS = 500;
const PEER_RETRY_MAX_MS = 10000;
const PEER_TRIES = 5; // offers refused one after another
const PEER_REFUSALS = new Set(['media-lost', 'offer-refused', 'bad-offer']);
const FIRST_CONTACT_TRIES = 4; // before the first join: then the server counts as unreachable

export class Session extends Emitter {
  state = 'idle';
  id = null;
  role = null;
  members = new Map(); // id -> member, in the order they came
  speaking = new Set();
  layout = null;
  peer = null;
  link = null; // how it fares, as the server last told
  receive = receiveStored();
  joinedAt_ms = 0;

  #signaling = new Signaling();
  #media;
  #iceServers = [];
  #resume = null;
  #uplink = null;
  #isHandRaised = false;
  #peerTries = 0;
  #peerTimer = 0;

  // Borrows media: its tracks are sent, its switches are told.
  constructor({ room, name, media }) {
    super();
    this.room = room;
    this.name = name;
    this.#media = media;
    this.#signaling.on('open', () => this.#join());
    this.#signaling.on('message', (message) => this.#receive(message));
    this.#signaling.on('drop', (drop) => this.#onDrop(drop));
    media.on('change', this.#onMedia); // until #end()
  }

  get self() { return this.members.get(this.id) ?? null; }
  get signalingState() { return this.#signaling.state; }

  start() {
    this.#setState('joining');
    this.#signaling.start();
  }

  leave() {
    this.#signaling.send({ type: 'leave' });
    this.#end({ code: 'left' });
  }

  // Over the data channel when it is open, else over the WebSocket. False: it could not be sent.
  say(message) {
    if (this.state === 'ended') return false;
    return this.peer?.say(JSON.stringify(message)) || this.#signaling.send(message);
  }

  set(fields) {
    if ('hand' in fields) this.#isHandRaised = fields.hand;
    if (this.self) this.#putMember({ ...this.self, ...fields });
    return this.say({ type: 'set', ...fields });
  }

  // wish: 'auto', 'high', 'medium', 'low' or 'audio'. Kept, and told again after every join.
  setReceive(wish) {
    if (wish === this.receive) return;
    this.receive = wish;
    receiveStore(wish);
    this.emit('receive', wish);
    if (this.state === 'joined') this.say({ type: 'set', receive: wish }); // else the next join tells it
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }

  #join() {
    const message = { type: 'join', room: this.room, name: this.name, ...this.#media.mutes };
    if (this.#resume) message.resume = this.#resume;
    this.#signaling.send(message);
  }

  #onDrop({ attempt }) {
    if (this.state === 'joining' && attempt >= FIRST_CONTACT_TRIES) this.#end({ code: 'unreachable' });
    else if (this.state === 'joined') this.#setState('reconnecting');
    this.emit('drop', attempt);
  }

  #receive(message) {
    const handlers = Session.#HANDLERS;
    if (Object.hasOwn(handlers, message.type) && this.state !== 'ended') handlers[message.type](this, message);
  }

  #onJoined(message) {
    const isResumed = message.resumed === true && message.id === this.id;
    this.id = message.id;
    this.role = message.role;
    this.#resume = message.resume ?? null;
    this.#iceServers = message.ice_servers ?? [];
    this.members = new Map((message.members ?? []).map((member) => [member.id, member]));
    this.joinedAt_ms ||= Date.now();
    this.#signaling.settle();
    this.#setState('joined');
    if (!isResumed || !this.peer?.isConnected) this.#openPeer();
    this.#retell();
    this.emit('joined', { resumed: isResumed, messages: message.messages ?? [] });
    this.emit('members');
  }

  // What a server that lost or kept the seat may not know, or not as it is now.
  #retell() {
    this.#onMedia(this.#media);
    if (Boolean(this.self?.hand) !== this.#isHandRaised) this.set({ hand: this.#isHandRaised });
    this.say({ type: 'set', receive: this.receive });
  }

  #onMember({ member }, isNew) {
    if (!member?.id) return;
    const isKnown = this.members.has(member.id);
    this.#putMember(member);
    if (isNew && !isKnown && member.id !== this.id) this.emit('arrived', member);
  }

  #putMember(member) {
    this.members.set(member.id, { ...this.members.get(member.id), ...member });
    this.emit('members');
  }

  #onMemberLeft({ id, reason }) {
    const member = this.members.get(id);
    if (!member) return;
    this.members.delete(id);
    this.speaking.delete(id);
    this.emit('members');
    this.emit('departed', { member, reason });
  }

  #onLayout(message) {
    if (!(message.canvas?.width > 0 && message.canvas?.height > 0 && Array.isArray(message.tiles))) return;
    this.layout = { name: message.name, canvas: message.canvas, tiles: message.tiles };
    this.emit('layout', this.layout);
  }

  #onSpeaking({ members }) {
    this.speaking = new Set(Array.isArray(members) ? members : []);
    this.emit('speaking', this.speaking);
  }

  #onStats(message) {
    if (message.down && message.up) this.#setLink(message);
  }

  #setLink(link) {
    if (this.link === link) return;
    this.link = link;
    this.emit('link', link);
  }

  #onUplink(message) {
    this.#uplink = { ...this.#uplink, ...message };
    this.peer?.setUplink(message);
  }

  // Refused before we are in: that is the end of the attempt, but for a storm of people coming back at
  // once. Afterwards it is a remark.
  #onError({ code, message, field }) {
    if (this.state === 'reconnecting' && code === 'rate-limited') this.#signaling.retry();
    else if (this.state === 'joined' && PEER_REFUSALS.has(code)) this.#onPeerRefused();
    else if (this.state === 'joined') this.emit('refused', { code, message, field });
    else this.#end({ code, message, field });
  }

  // 'lost': the server believed us gone, but here we are. Back in, if need be in a new seat.
  #onBye({ reason }) {
    if (reason === 'lost') this.#signaling.retry();
    else this.#end({ code: reason });
  }

  // The server has no connection for us, or none it could make of our offer.
  #onPeerRefused() {
    if (this.#peerTries >= PEER_TRIES) this.#end({ code: 'media-failed' });
    else this.#reopenPeer();
  }

  #onMedia = (media) => {
    if (this.state === 'ended') return;
    for (const [kind, track] of Object.entries(media.tracks)) this.peer?.setTrack(kind, track);
    if (this.state !== 'joined') return; // the next join tells it
    const changed = { ...media.mutes, screen: Boolean(media.tracks.screen) };
    const self = this.self ?? {};
    for (const key of Object.keys(changed)) if (Boolean(self[key]) === changed[key]) delete changed[key];
    if (Object.keys(changed).length) this.set(changed);
  };

  #openPeer() {
    clearTimeout(this.#peerTimer);
    this.peer?.close();
    this.#setLink(null);
    const peer = new Peer(this.#iceServers, this.#media.tracks);
    this.peer = peer;
    peer.on('offer', ({ sdp }) => this.#signaling.send({ type: 'send-offer', sdp }));
    peer.on('candidate', ({ candidate, sdpMid, sdpMLineIndex }) => {
      this.#signaling.send({ type: 'ice-candidate', candidate, sdpMid, sdpMLineIndex });
    });
    peer.on('stream', (stream) => this.emit('stream', stream));
    peer.on('message', (message) => this.#receive(message));
    peer.on('state', () => this.#onPeerState());
    peer.on('failed', () => this.#reopenPeer());
    if (this.#uplink) peer.setUplink(this.#uplink);
    peer.offer();
    this.emit('peer', peer);
  }

  #onPeerState() {
    if (this.peer?.isConnected) this.#peerTries = 0;
    this.emit('peer', this.peer);
  }

  // Media died while signaling lives: a new connection on the same seat. Without a socket the next
  // 'joined' opens it.
  #reopenPeer() {
    this.peer?.close();
    this.#peerTries += 1;
    const wait_ms = Math.min(PEER_RETRY_MAX_MS, PEER_RETRY_MIN_MS * 2 ** (this.#peerTries - 1));
    clearTimeout(this.#peerTimer);
    this.#peerTimer = setTimeout(() => { if (this.state === 'joined') this.#openPeer(); }, wait_ms);
    this.emit('peer', this.peer);
  }

  #end(ending) {
    if (this.state === 'ended') return;
    const wasIn = this.joinedAt_ms > 0;
    clearTimeout(this.#peerTimer);
    this.#media.off('change', this.#onMedia);
    this.peer?.close();
    this.#signaling.stop();
    this.#setState('ended');
    this.emit('ended', { ...ending, wasIn });
  }

  // Whichever way a message came, socket or channel, it means the same.
  static #HANDLERS = {
    joined: (session, message) => session.#onJoined(message),
    'member-joined': (session, message) => session.#onMember(message, true),
    'member-updated': (session, message) => session.#onMember(message, false),
    'member-left': (session, message) => session.#onMemberLeft(message),
    layout: (session, message) => session.#onLayout(message),
    speaking: (session, message) => session.#onSpeaking(message),
    uplink: (session, message) => session.#onUplink(message),
    stats: (session, message) => session.#onStats(message),
    chat: (session, message) => session.emit('chat', message),
    reaction: (session, message) => session.emit('reaction', message),
    error: (session, message) => session.#onError(message),
    bye: (session, message) => session.#onBye(message),
    'send-answer': (session, message) => session.peer?.answer(message.sdp),
    'ice-candidate': (session, message) => session.peer?.addCandidate(message),
  };
}
