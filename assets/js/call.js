// SPDX-License-Identifier: MIT
// The call on the page: ties the session, the devices and the parts of the page together.
import { Chat } from './chat.js';
import { devicesInit } from './devices.js';
import { Dock } from './dock.js';
import { byId, speak } from './dom.js';
import { Drawer } from './drawer.js';
import { fullscreenInit } from './fullscreen.js';
import { inviteInit } from './invite.js';
import { Layouts } from './layouts.js';
import { linkIsPoor } from './link.js';
import { Live } from './live.js';
import { Moderate } from './moderate.js';
import { Overlay } from './overlay.js';
import { Panel } from './panel.js';
import { Pause } from './pause.js';
import { People } from './people.js';
import { QualityMarks } from './quality.js';
import { Reactions } from './reactions.js';
import { receiveInit } from './receive.js';
import { Record } from './record.js';
import { shortcutsInit } from './shortcuts.js';
import { RoomSettings } from './room-settings.js';
import { Sound } from './sound.js';
import { banner, toast, toastClear } from './toast.js';
import { Viewers } from './viewers.js';
import { Waiting } from './waiting.js';
import { whenClock } from './when.js';
import { WORDS_NOT_ALLOWED, WORDS_OBEYED, wordsForProblem, wordsForRefusal } from './words.js';

const BANNER_AFTER_MS = 1200; // a connection that heals faster is not worth a word
const TOAST_ROOM_MAX = 12; // in larger rooms comings and goings are noise
const PATIENCE = 5; // tries before the banner says that it takes long

const DEPARTURES = { left: 'left', lost: 'lost the connection', kicked: 'was removed', replaced: 'left' };

export class Call {
  overlay;
  panel;
  #session;
  #media;
  #dock;
  #drawer;
  #viewers;
  #chat;
  #reactions;
  #sound;
  #fullscreen;
  #invite;
  #moderate;
  #layouts;
  #settings;
  #record;
  #live;
  #hadPicture = false;
  #wasConnected = false;
  #bannerTimer = 0;
  #clockTimer = 0;
  #tries = 0;
  #endShortcuts;

  // Borrows both; one call a page. The session has its seat.
  constructor(session, media) {
    this.#session = session;
    this.#media = media;
    this.#initParts();
    this.#initControls();
    this.#listen();
    byId('call').hidden = false;
    byId('call-title').textContent = `Call in ${session.room}`;
    this.#clockTimer = setInterval(() => this.#drawClock(), 1000);
    this.#drawTitle();
    this.#onRights(false);
  }

  get drawer() { return this.#drawer; }

  close() {
    clearInterval(this.#clockTimer);
    clearTimeout(this.#bannerTimer);
    this.#endShortcuts();
    this.#fullscreen.close();
    this.#sound.close();
    this.#record.close();
    this.#live.close();
    for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
    banner(null);
    byId('call').hidden = true;
  }

  #initParts() {
    const composite = byId('composite');
    this.#sound = new Sound(composite, byId('room-sound'), byId('tap-to-hear'));
    this.overlay = new Overlay({
      stage: byId('stage'), composite, box: byId('self'), video: byId('self-video'), label: byId('self-label'), hand: byId('self-hand'),
      media: this.#media,
    });
    this.#drawer = new Drawer((name) => this.#onDrawer(name));
    this.#chat = new Chat(this.#session, {
      onUnread: (unread) => this.#onUnread(unread), onWanted: () => this.#drawer.show('chat'),
    });
    this.#moderate = new Moderate(this.#session);
    new People(this.#session, this.#moderate);
    new Waiting(this.#session, this.#moderate, () => this.#drawer.show('people'));
    this.#viewers = new Viewers(this.#session, this.#moderate);
    this.#layouts = new Layouts(this.#session, this.#moderate);
    this.#settings = new RoomSettings(this.#session, this.#moderate);
    new QualityMarks(this.#session, this.overlay);
    new Pause(this.#session);
    this.panel = new Panel(this.#session);
    this.#reactions = new Reactions(this.#session, this.overlay);
    this.#invite = inviteInit(this.#session.room);
    devicesInit(byId('call-devices'), this.#media, { prefix: 'call-', onSpeaker: () => this.#sound.choose() });
    receiveInit(byId('call-devices'), this.#session, { prefix: 'call-' });
    composite.addEventListener('loadeddata', () => this.#onPicture());
  }

  #initControls() {
    const actions = {
      mic: () => this.#switchMicrophone(), camera: () => this.#switchCamera(), screen: () => this.#switchScreen(),
      hand: () => this.#switchHand(), leave: () => this.#session.leave(), invite: this.#invite,
      people: () => this.#drawer.toggle('people'), chat: () => this.#drawer.toggle('chat'),
      panel: () => this.#drawer.toggle('panel'), fullscreen: () => this.#fullscreen.toggle(),
      layout: () => this.#layouts.open(), room: () => this.#settings.open(), end: () => this.#moderate.end(),
      record: () => this.#record.open(), live: () => this.#live.open(),
      settings: () => this.#openDevices(), help: () => byId('help-dialog').showModal(),
      theme: () => document.querySelector('[data-testid="call-theme"]').click(),
    };
    this.#dock = new Dock(actions, (emoji) => this.#reactions.send(emoji));
    this.#record = new Record(this.#session, (look) => this.#dock.set('record', look));
    this.#live = new Live(this.#session, (look) => this.#dock.set('live', look));
    this.#fullscreen = fullscreenInit(byId('call'), byId('composite'), (isFull) => this.#dock.set('fullscreen', {
      icon: isFull ? 'shrink' : 'expand', words: isFull ? 'Leave full screen' : 'Full screen',
    }));
    this.#dock.set('screen', { isHidden: !this.#media.canShareScreen });
    this.#dock.set('fullscreen', { isHidden: !this.#fullscreen.isPossible });
    for (const id of ['people-invite', 'alone-invite']) byId(id).addEventListener('click', this.#invite);
    this.#endShortcuts = shortcutsInit({
      ...actions, microphone: actions.mic, close: () => { if (!this.#dock.closePopups()) this.#drawer.show(null); },
    });
  }

  #listen() {
    const session = this.#session;
    session.on('stream', (stream) => this.#sound.play(stream));
    session.on('state', () => this.#drawState());
    session.on('drop', (tries) => { this.#tries = tries; this.#drawState(); });
    session.on('peer', () => this.#drawState());
    session.on('link', (link) => this.#dock.set('panel', { isWarned: linkIsPoor(link) }));
    session.on('layout', (layout) => this.overlay.setLayout(layout, session.id));
    session.on('members', () => this.#drawControls());
    session.on('waiting', () => this.#drawControls());
    session.on('room', () => this.#drawTitle());
    session.on('rights', ({ isNew }) => this.#onRights(isNew));
    session.on('obeyed', (field) => toast(WORDS_OBEYED[field], { iconName: field === 'audio_muted' ? 'mic-off' : 'camera-off' }));
    session.on('joined', () => this.#onJoined());
    session.on('speaking', (speaking) => this.overlay.setSpeaking(speaking.has(session.id)));
    session.on('arrived', (member) => this.#sayMember(member, 'joined'));
    session.on('departed', ({ member, reason }) => this.#sayMember(member, DEPARTURES[reason] ?? 'left'));
    session.on('refused', ({ code, message }) => toast(wordsForRefusal(code, message), { kind: 'error' }));
    this.#media.on('change', () => this.#drawControls());
    this.#media.on('lost', (loss) => this.#onLost(loss));
    addEventListener('offline', () => this.#drawState());
    addEventListener('online', () => this.#drawState());
  }

  #onJoined() {
    this.#tries = 0;
    this.overlay.setLayout(this.#session.layout, this.#session.id);
    if (!this.#hadPicture) byId('waiting-words').textContent = 'Waiting for the picture…';
    this.#drawState();
  }

  #onPicture() {
    this.#hadPicture = true;
    byId('waiting').classList.add('is-over');
    this.overlay.place();
  }

  // Nothing at once: most breaks heal before anyone would have read a word.
  #drawState() {
    this.#wasConnected ||= Boolean(this.#session.peer?.isConnected);
    clearTimeout(this.#bannerTimer);
    const words = this.#trouble();
    if (!words || !byId('banner').hidden) banner(words);
    else this.#bannerTimer = setTimeout(() => banner(this.#trouble()), this.#session.state === 'reconnecting' ? 0 : BANNER_AFTER_MS);
  }

  #trouble() {
    const { state, peer } = this.#session;
    if (state === 'ended') return null;
    if (this.#session.restartAt_ms) return 'The server restarts. You will be back in a moment.';
    if (!navigator.onLine && state !== 'joined') return 'You are offline. Waiting for the network…';
    if (state === 'reconnecting') return this.#tries > PATIENCE ? 'Reconnecting… The server cannot be reached just now.' : 'Reconnecting…';
    if (state === 'joined' && this.#wasConnected && peer && !peer.isConnected) return 'Reconnecting picture and sound…';
    return null;
  }

  #drawControls() {
    const { camera, microphone, screen } = this.#media;
    const self = this.#session.self ?? {};
    const isMicOn = Boolean(microphone.track && microphone.isWanted);
    this.#dock.set('mic', dockSwitch('mic', 'microphone', isMicOn, !microphone.track && microphone.problem));
    this.#dock.set('camera', dockSwitch('camera', 'camera', Boolean(camera.track), camera.isWanted && !camera.track && camera.problem));
    this.#dock.set('screen', { state: screen ? 'on' : null, words: screen ? 'Stop sharing your screen' : 'Share your screen' });
    this.#dock.set('hand', { state: self.hand ? 'raised' : null, words: self.hand ? 'Lower your hand' : 'Raise your hand' });
    this.#drawPeople();
    this.overlay.setMember({ ...self, audio_muted: !isMicOn });
    byId('alone').hidden = this.#session.takingPart !== 1 || this.#session.isViewer || this.#session.state !== 'joined';
  }

  // Who waits at the door counts for more than who is in.
  #drawPeople() {
    const { takingPart, waiting } = this.#session;
    this.#dock.set('people', {
      badge: waiting.length || takingPart, isCount: !waiting.length,
      words: waiting.length ? `People, ${waiting.length} waiting to come in` : 'People',
    });
    this.#dock.set('more', { badge: waiting.length }); // on a phone, where the list is behind it (css/dock.css)
  }

  #drawTitle() {
    byId('dock-room').textContent = this.#session.info?.title || this.#session.room;
  }

  // What this role and this ticket allow: the rest is hidden from who only watches, else it says why not.
  #onRights(isNew) {
    const session = this.#session;
    const { isViewer, isModerator } = session;
    byId('call').classList.toggle('is-watching', isViewer);
    byId('watching').hidden = !isViewer;
    for (const [name, grant] of [['mic', 'speak'], ['camera', 'camera'], ['screen', 'screen'], ['hand', 'react'], ['react', 'react']]) {
      const isMissing = name === 'screen' && !this.#media.canShareScreen;
      this.#dock.set(name, { isHidden: isMissing || (isViewer && !session.can(grant)), refusal: session.can(grant) ? null : WORDS_NOT_ALLOWED[grant] });
    }
    if (isViewer) for (const name of ['mic', 'camera', 'screen', 'hand']) this.#dock.set(name, { isHidden: true });
    for (const name of ['room', 'end', 'live']) this.#dock.set(name, { isHidden: !isModerator });
    this.#dock.set('record', { isHidden: isViewer && !session.can('record'), refusal: session.can('record') ? null : WORDS_NOT_ALLOWED.record });
    this.#chat.setRefusal(session.can('chat') ? null : WORDS_NOT_ALLOWED.chat);
    this.#obeyGrants();
    this.#drawControls();
    if (!isNew) return;
    const words = { moderator: 'You are a moderator now.', member: 'You take part as a member now.', viewer: 'You are only watching now. A moderator can change that.' };
    toast(words[session.role] ?? 'What you may do here has changed.', { iconName: 'people' });
  }

  // What may not be sent is not kept running either.
  #obeyGrants() {
    const { camera, microphone, screen } = this.#media;
    if (!this.#session.can('speak') && microphone.track && microphone.isWanted) this.#media.setMicrophone(false);
    if (!this.#session.can('camera') && camera.track) this.#media.setCamera(false);
    if (!this.#session.can('screen') && screen) this.#media.stopScreen();
  }

  // By key the refusal is said as by hand.
  #isRefused(grant) {
    if (this.#session.can(grant) && !(this.#session.isViewer && grant !== 'chat')) return false;
    toast(WORDS_NOT_ALLOWED[grant], { kind: 'error' });
    return true;
  }

  async #switchMicrophone() {
    if (this.#isRefused('speak')) return;
    const { microphone } = this.#media;
    const isOn = !(microphone.track && microphone.isWanted);
    const problem = await this.#media.setMicrophone(isOn);
    this.#afterSwitch('microphone', isOn, problem);
  }

  async #switchCamera() {
    if (this.#isRefused('camera')) return;
    const isOn = !this.#media.camera.track;
    this.#dock.set('camera', { isDisabled: true });
    const problem = await this.#media.setCamera(isOn);
    this.#dock.set('camera', { isDisabled: false });
    this.#afterSwitch('camera', isOn, problem);
  }

  #afterSwitch(device, isOn, problem) {
    if (problem) toast(wordsForProblem(device, problem), { kind: 'error' });
    else speak(`${device === 'camera' ? 'Camera' : 'Microphone'} ${isOn ? 'on' : 'off'}`);
  }

  async #switchScreen() {
    if (this.#isRefused('screen')) return;
    if (this.#media.screen) {
      this.#media.stopScreen();
      return;
    }
    if (!this.#media.canShareScreen) {
      toast('This browser cannot share a screen.', { kind: 'error' });
      return;
    }
    const problem = await this.#media.shareScreen();
    // Closing the browser's own question is no fault to speak of.
    if (problem && problem !== 'denied' && problem !== 'dismissed') toast(wordsForProblem('screen', problem), { kind: 'error' });
  }

  #switchHand() {
    if (this.#isRefused('react')) return;
    const hand = !this.#session.self?.hand;
    if (this.#session.set({ hand })) speak(hand ? 'Hand raised' : 'Hand lowered');
  }

  #openDevices() {
    this.#media.refreshDevices();
    byId('devices-dialog').showModal();
  }

  #onDrawer(name) {
    for (const pane of ['chat', 'people', 'panel']) {
      this.#dock.set(pane, { state: name === pane ? 'on' : null, isExpanded: name === pane });
    }
    this.#chat.setOpen(name === 'chat');
    this.panel.setOpen(name === 'panel');
    if (name !== 'people') return;
    toastClear('waiting');
    this.#viewers.look();
  }

  #onUnread(unread) {
    this.#dock.set('chat', { badge: unread > 99 ? '99+' : unread, words: unread ? `Chat, ${unread} unread` : 'Chat' });
    document.title = `${unread ? `(${unread}) ` : ''}${this.#session.room} · Tessera`;
  }

  #onLost({ device, isBack }) {
    const words = isBack ? `Your ${device} was disconnected. Another one is used now.` : wordsForProblem(device, 'gone');
    toast(words, { kind: isBack ? 'info' : 'error' });
  }

  #sayMember(member, what) {
    const words = `${member.name} ${what}`;
    if (this.#session.members.size <= TOAST_ROOM_MAX) toast(words, { iconName: 'people' });
    else speak(words);
  }

  #drawClock() {
    if (!this.#session.joinedAt_ms) return;
    byId('dock-time').textContent = whenClock((Date.now() - this.#session.joinedAt_ms) / 1000);
  }
}

function dockSwitch(iconName, words, isOn, problem) {
  return {
    icon: isOn ? iconName : `${iconName}-off`,
    words: isOn ? `Turn off ${words}` : `Turn on ${words}`,
    state: isOn ? null : 'off',
    isWarned: Boolean(problem),
  };
}
