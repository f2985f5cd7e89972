// SPDX-License-Identifier: MIT
// A page tells a moderator's order from the late echo of its own words (assets/js/obedience.js).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

// By its text: the web client's folder says nothing to node about modules.
const source = await readFile(new URL('../../assets/js/obedience.js', import.meta.url), 'utf8');
const { Obedience } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const loud = { audio_muted: false, video_muted: false };
const member = (audio) => ({ audio_muted: audio, video_muted: false });

// As session.js asks: what is ours and newer first, then what is an order.
function hear(obedience, update, mutes, now_ms = 0) {
    const own = obedience.untold(update, now_ms);
    return { own, ordered: obedience.ordered(update, mutes) };
}

test('what nobody here said is an order', () => {
    assert.deepEqual(hear(new Obedience(), member(true), loud), { own: {}, ordered: ['audio_muted'] });
});

test('nobody but oneself turns a microphone on', () => {
    const muted = { audio_muted: true, video_muted: true };
    assert.deepEqual(hear(new Obedience(), { audio_muted: false, video_muted: false }, muted).ordered, []);
});

test('muted and unmuted quickly: the echo of the first does not mute again', () => {
    const obedience = new Obedience();
    obedience.tell({ audio_muted: true }, 0);
    obedience.tell({ audio_muted: false }, 10);
    assert.deepEqual(hear(obedience, member(true), loud, 20), { own: { audio_muted: false }, ordered: [] });
    assert.deepEqual(hear(obedience, member(false), loud, 30), { own: {}, ordered: [] });
    assert.deepEqual(hear(obedience, member(true), loud, 40).ordered, ['audio_muted'], 'after the last echo it is an order');
});

test('an echo that never comes does not make one deaf to orders', () => {
    const obedience = new Obedience();
    obedience.tell({ audio_muted: false }, 0);
    assert.deepEqual(hear(obedience, member(true), loud, 2000).ordered, []);
    assert.deepEqual(hear(obedience, member(true), loud, 3001).ordered, ['audio_muted']);
});

test('what was ordered while the connection was away is obeyed on coming back', () => {
    const obedience = new Obedience();
    obedience.tell({ audio_muted: false, video_muted: true }, 0);
    obedience.forget();
    assert.equal(obedience.isWaiting, false);
    assert.deepEqual(obedience.missed({ audio_muted: true, video_muted: true }), ['audio_muted']);
    assert.deepEqual(new Obedience().missed(member(true)), [], 'nothing was told: nothing was undone');
});
