// SPDX-License-Identifier: MIT
// A seat in a room: signaling and peer together, kept through dropped sockets and dead connections.
//
//   idle -> joining -> (waiting) -> joined <-> reconnecting -> ended        waiting: for a moderator to open
//
// Events: 'state', 'joined' {resumed, messages}, 'members', 'layout', 'speaking', 'chat', 'reaction',
// 'link' (the last `stats`, or null: nothing is known any more), 'receive' (what is asked for), 'stream', 'peer',
// 'drop' tries, 'refused' {code, message, field}, 'arrived' member, 'departed' {member, reason}, 'room' (its
// settings), 'waiting' (who waits to come in), 'viewers', 'rights' {isNew}, 'obeyed' 'audio_muted' or
// 'video_muted' (a moderator set it), 'recording' {before} (see `recording`), 'broadcasts' (see there), 'ended' {code,
// message, field, reason, wasIn}.
import { Emitter } from './emitter.js';
import { Obedience } from './obedience.js';
import { Peer } from './peer.js';
import { recordingRead, RECORDING_NONE } from './recording.js';
import { receiveStored, receiveStore } from './receive.js';
import { Signaling } from './signaling.js';

const PEER_RETRY_MIN_MS = 500;
const PEER_RETRY_MAX_MS = 10000;
const PEER_TRIES = 5; // offers refused one after another
const PEER_REFUSALS = new Set(['media-lost', 'offer-refused', 'bad-offer']);
const RESTART_MS = 120000; // how long a server that said goodbye is waited for
const FIRST_CONTACT_TRIES = 4; // before the first join: then the server counts as unreachable

export class Session extends Emitter {
  state = 'idle';
  id = null;
  role = null;
  permissions = null; // names of grants; null: a server that does not tell
  isOwner = false;
  info = null; // the room's settings
  waiting = []; // who waits to come in; moderators know
  viewers = 0;
  uploadBytesMax = Infinity; // of a picture or a sound for the room
  watching = []; // {id, name} of the viewers, once a moderator has asked
  door = null; // what the server says to who waits in front of it
  recording = RECORDING_NONE; // what of this call is being recorded (js/recording.js)
  broadcasts = []; // where it is shown live
  restartAt_ms = 0; // when the server went down for a while; 0: it did not
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
  #door;
  #obedience = new Obedience();
  #peerTries = 0;
  #peerTimer = 0;

  // Borrows media: its tracks are sent, its switches are told. token, pin: what the door asks for, if it does.
  // isViewer: to watch only.
  constructor({ room, name, media, token = null, pin = null, isViewer = false }) {
    super();
    this.#door = { ...(token ? { token } : {}), ...(pin ? { pin } : {}), ...(isViewer ? { role: 'viewer' } : {}) };
    this.room = room;
    this.name = name;
    this.#media = media;
    this.#signaling.on('open', () => this.#join());
    this.#signaling.on('message', (message) => this.#receive(message));
    this.#signaling.on('drop', (drop) => this.#onDrop(drop));
    media.on('change', this.#onMedia); // until #end()
  }

  get self() { return this.members.get(this.id) ?? null; }
  get takingPart() { return [...this.members.values()].filter((member) => member.role !== 'viewer').length; }
  get seat() { return this.#resume; } // a credential for REST; see http/access.c
  get isModerator() { return this.role === 'moderator'; }
  get isViewer() { return this.role === 'viewer'; }
  get signalingState() { return this.#signaling.state; }

  // What a role or a token lets one do: 'speak', 'camera', 'screen', 'chat', 'react', 'record'.
  can(grant) { return this.permissions ? this.permissions.has(grant) : !this.isViewer; }

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

  // What moderates goes over the WebSocket alone: it must not get lost with a dying data channel.
  order(message) {
    return this.state === 'joined' && this.#signaling.send(message);
  }

  set(fields) {
    if ('hand' in fields) this.#isHandRaised = fields.hand;
    if (this.self) this.#putMember({ ...this.self, ...fields });
    this.#obedience.tell(fields);
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
    const message = { type: 'join', room: this.room, name: this.name, ...this.#media.mutes, ...this.#door };
    if (this.#resume) message.resume = this.#resume;
    this.#signaling.send(message);
  }

  #onDrop({ attempt }) {
    this.#obedience.forget();
    if (this.state === 'joining' && attempt >= FIRST_CONTACT_TRIES) this.#end({ code: 'unreachable' });
    else if (this.#isRestartOver()) this.#end({ code: 'server-shutdown' });
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
    const isRestarted = this.restartAt_ms > 0; // whatever the old connection believes, nobody is at its other end
    this.restartAt_ms = 0;
    this.#setRights(message, false);
    this.isOwner = message.is_owner === true;
    this.#resume = message.resume ?? null;
    this.#iceServers = message.ice_servers ?? [];
    this.members = new Map((message.members ?? []).map((member) => [member.id, member]));
    this.info = message.room_info ?? null;
    this.waiting = message.waiting ?? [];
    this.viewers = message.viewers ?? 0;
    this.uploadBytesMax = message.upload_bytes_max ?? Infinity;
    this.broadcasts = message.broadcasts ?? [];
    this.joinedAt_ms ||= Date.now();
    this.#signaling.settle();
    this.#setState('joined');
    if (!isResumed || isRestarted || !this.peer?.isConnected) this.#openPeer();
    this.#retell(isResumed);
    this.emit('joined', { resumed: isResumed, messages: message.messages ?? [] });
    for (const event of ['members', 'room', 'waiting', 'viewers']) this.emit(event);
    this.emit('rights', { isNew: false });
    this.emit('broadcasts');
    this.#onRecording({ recordings: message.recordings, state: message.room_info?.recording });
  }

  // What a server that lost or kept the seat may not know, or not as it is now.
  #retell(isResumed) {
    if (isResumed) this.#obey(this.#obedience.missed(this.self ?? {}));
    this.#onMedia(this.#media);
    if (Boolean(this.self?.hand) !== this.#isHandRaised) this.set({ hand: this.#isHandRaised });
    this.say({ type: 'set', receive: this.receive });
  }

  #onMember({ member }, isNew) {
    if (!member?.id) return;
    const isKnown = this.members.has(member.id);
    const isSelf = member.id === this.id;
    this.#putMember(isSelf ? { ...member, ...this.#obedience.untold(member) } : member);
    if (isSelf) {
      this.#obey(this.#obedience.ordered(member, this.#media.mutes));
      if ('hand' in member) this.#isHandRaised = member.hand === true; // a moderator may have lowered it
      if (!this.#obedience.isWaiting) this.#onMedia(this.#media);
    }
    if (isNew && !isKnown && member.id !== this.id) this.emit('arrived', member);
  }

  // What a moderator has set: the devices follow. To undo it is up to whoever sits here.
  #obey(fields) {
    for (const field of fields) {
      if (field === 'audio_muted') this.#media.setMicrophone(false);
      else this.#media.setCamera(false);
      this.emit('obeyed', field);
    }
  }

  #setRights({ role, permissions }, isNew) {
    const wasViewer = this.isViewer;
    if (role) this.role = role;
    if (Array.isArray(permissions)) this.permissions = new Set(permissions);
    if (this.id && this.self && role) this.#putMember({ ...this.self, role });
    if (!isNew) return;
    if (this.isViewer) this.#media.release();
    if (!this.isModerator) this.waiting = [];
    if (wasViewer && !this.isViewer && this.state === 'joined') this.#openPeer(); // one that can send, too
    this.emit('rights', { isNew: true });
  }

  #onRoom({ room }) {
    if (!room || typeof room !== 'object') return;
    this.info = { ...this.info, ...room };
    this.emit('room');
    this.#onRecording({ state: room.recording });
  }

  #onRecording(message) {
    const before = this.recording;
    this.recording = recordingRead(message, before);
    if (this.recording !== before) this.emit('recording', { before });
    if (message.broadcasts) this.#onBroadcast(message);
  }

  // All of them, or the one that has changed.
  #onBroadcast({ broadcasts, broadcast }) {
    if (Array.isArray(broadcasts)) {
      this.broadcasts = broadcasts.filter(({ state }) => state !== 'stopped');
    } else if (broadcast?.id) {
      const others = this.broadcasts.filter(({ id }) => id !== broadcast.id);
      this.broadcasts = broadcast.state === 'stopped' ? others : [...others, broadcast];
    }
    this.emit('broadcasts');
  }

  #onLobby({ waiting }) {
    this.waiting = Array.isArray(waiting) ? waiting : [];
    this.emit('waiting');
  }

  #onViewers({ count, viewers }) {
    this.viewers = Number.isInteger(count) ? count : 0;
    if (Array.isArray(viewers)) this.watching = viewers;
    this.emit(Array.isArray(viewers) ? 'watching' : 'viewers');
  }

  // In front of the door: the server keeps the place in the queue as long as the socket is open.
  #onWaiting({ message }) {
    this.door = message ?? null;
    this.#signaling.settle();
    this.#setState('waiting');
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
    const isPassing = code === 'rate-limited' || code === 'server-shutdown';
    if (this.state === 'reconnecting' && isPassing && !this.#isRestartOver()) this.#signaling.retry();
    else if (this.state === 'joined' && PEER_REFUSALS.has(code)) this.#onPeerRefused();
    else if (this.state === 'joined') this.emit('refused', { code, message, field });
    else this.#end({ code, message, field });
  }

  // 'lost': the server believed us gone, but here we are. Back in, if need be in a new seat.
  // 'server-shutdown': rooms and seats outlive a restart, so the seat is asked for again, for a while.
  #onBye({ reason, message }) {
    if (reason === 'lost') this.#signaling.retry();
    else if (reason === 'server-shutdown' && this.joinedAt_ms > 0) this.#awaitRestart();
    else this.#end({ code: reason, reason: message });
  }

  #awaitRestart() {
    this.restartAt_ms ||= Date.now();
    this.#setState('reconnecting');
    this.#signaling.retry();
  }

  #isRestartOver() {
    return this.restartAt_ms > 0 && Date.now() - this.restartAt_ms > RESTART_MS;
  }

  // The server has no connection for us, or none it could make of our offer.
  #onPeerRefused() {
    if (this.#peerTries >= PEER_TRIES) this.#end({ code: 'media-failed' });
    else this.#reopenPeer();
  }

  #onMedia = (media) => {
    if (this.state === 'ended') return;
    for (const [kind, track] of Object.entries(media.tracks)) this.peer?.setTrack(kind, track);
    if (this.state !== 'joined' || !this.self) return; // the next join tells it; who only watches has nothing to tell
    const changed = { ...media.mutes, screen: Boolean(media.tracks.screen) };
    const self = this.self ?? {};
    for (const key of Object.keys(changed)) if (Boolean(self[key]) === changed[key]) delete changed[key];
    if (Object.keys(changed).length) this.set(changed);
  };

  #openPeer() {
    clearTimeout(this.#peerTimer);
    this.peer?.close();
    this.#setLink(null);
    const peer = new Peer(this.#iceServers, this.#media.tracks, { isViewer: this.isViewer });
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
    room: (session, message) => session.#onRoom(message),
    lobby: (session, message) => session.#onLobby(message),
    viewers: (session, message) => session.#onViewers(message),
    waiting: (session, message) => session.#onWaiting(message),
    recording: (session, message) => session.#onRecording(message),
    broadcast: (session, message) => session.#onBroadcast(message),
    broadcasts: (session, message) => session.#onBroadcast(message),
    permissions: (session, message) => session.#setRights(message, true),
    error: (session, message) => session.#onError(message),
    bye: (session, message) => session.#onBye(message),
    'send-answer': (session, message) => session.peer?.answer(message.sdp),
    'ice-candidate': (session, message) => session.peer?.addCandidate(message),
  };
}
