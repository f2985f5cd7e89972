// SPDX-License-Identifier: MIT
// What a page makes of the server's words about recordings. No browser: the modules alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filmIsOpen, filmIsRunning, filmState } from '../../assets/js/film.js';
import { RECORDING_NONE, recordingRead, recordingSeconds } from '../../assets/js/recording.js';
import { sizeRate, sizeWords } from '../../assets/js/size.js';
import { whenClock } from '../../assets/js/when.js';
import { wordsForRecordingEnd, wordsForRecordingFault } from '../../assets/js/words.js';

const one = { id: 'a', container: 'webm', state: 'recording', duration_seconds: 5, bytes: 100 };

test('who comes later knows that it is recorded before it is told the rest', () => {
    const first = recordingRead({ state: 'recording' }, RECORDING_NONE, 1000);
    assert.equal(first.state, 'recording');
    assert.deepEqual(first.recordings, []);
    const then = recordingRead({ state: 'recording', recordings: [one] }, first, 2000);
    assert.deepEqual(then.recordings, [one]);
    assert.deepEqual(then.ended, []);
});

test('a server that says nothing of recordings changes nothing', () => {
    assert.equal(recordingRead({}, RECORDING_NONE), RECORDING_NONE);
    assert.equal(recordingRead({ state: 'nonsense' }, RECORDING_NONE), RECORDING_NONE);
});

test('what is in the list no more has ended, with its reason if one is given', () => {
    const before = recordingRead({ state: 'recording', recordings: [one] }, RECORDING_NONE);
    const gone = recordingRead({ state: 'stopped', recordings: [] }, before);
    assert.deepEqual(gone.ended.map(({ id, state }) => [id, state]), [['a', 'stopped']]);
    const failed = recordingRead({ state: 'stopped', recordings: [{ ...one, state: 'failed', reason: 'disk-full' }] }, before);
    assert.deepEqual(failed.recordings, []);
    assert.match(wordsForRecordingEnd(failed.ended[0]).words, /disk is full/);
    assert.equal(wordsForRecordingEnd(gone.ended[0]).isFailure, false);
});

test('the clock runs while it is recorded, and stands in a pause', () => {
    assert.equal(recordingSeconds(one, 1000, 4000), 8);
    assert.equal(recordingSeconds({ ...one, state: 'paused' }, 1000, 4000), 5);
    assert.equal(recordingSeconds(one, 4000, 1000), 5, 'never backwards');
});

test('how a recording ended is said on its card only when it is worth a word', () => {
    assert.equal(wordsForRecordingFault({ state: 'finished', reason: 'asked' }), null);
    assert.match(wordsForRecordingFault({ state: 'failed', reason: 'disk-full' }), /disk/);
    assert.match(wordsForRecordingFault({ state: 'recovered', reason: null }), /Recovered/);
});

test('what is being finished is said, and is open to nothing yet', () => {
    assert.equal(filmState({ state: 'finishing', reason: 'asked' }), 'Finishing…');
    assert.equal(filmState({ state: 'finished', reason: 'asked' }), null);
    const states = ['recording', 'paused', 'finishing', 'finished', 'failed', 'recovered'];
    assert.deepEqual(states.filter((state) => filmIsOpen({ state })), ['recording', 'paused', 'finishing']);
    assert.deepEqual(states.filter((state) => filmIsRunning({ state })), ['recording', 'paused']);
    const ended = recordingRead({ state: 'stopped', recordings: [{ ...one, state: 'finishing', reason: 'disk-full' }] },
        recordingRead({ state: 'recording', recordings: [one] }, RECORDING_NONE)).ended[0];
    assert.equal(wordsForRecordingEnd(ended).isFailure, true);
});

test('figures read as people say them', () => {
    assert.deepEqual([0, 999, 1000, 12.34e6, 999.6e6, 6e9, -1].map(sizeWords), ['0 bytes', '999 bytes', '1.0 kB', '12.3 MB', '1.0 GB', '6.0 GB', null]);
    assert.deepEqual([0, 640, 2400].map(sizeRate), [null, '640 kbit/s', '2.4 Mbit/s']);
    assert.deepEqual([0, 65.9, 3725, undefined].map(whenClock), ['0:00', '1:05', '1:02:05', '0:00']);
});
