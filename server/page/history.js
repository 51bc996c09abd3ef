/**
 * history.js - the last readings of a session, each with what had been forecast for it one step
 * before: a ring of typed columns. NaN is missing.
 */

const READINGS_MAX = 10_000;
const NUMBERS_MAX = 2_000_000; // of models with many columns fewer readings are kept
const GAP_MAX = 200;

/** @param {number | null | undefined} value */
const number = (value) => value ?? NaN;

export class History {
  /**
   * @param {string[]} inputs names
   * @param {number} nOutputs
   */
  constructor(inputs, nOutputs) {
    const width = inputs.length + nOutputs;
    this.inputs = inputs;
    this.nOutputs = nOutputs;
    this.capacity = Math.max(200, Math.min(READINGS_MAX, Math.floor(NUMBERS_MAX / width)));
    this.steps = new Float64Array(this.capacity);
    this.times = new Float64Array(this.capacity);
    this.versions = new Uint32Array(this.capacity); // 0: not known
    this.isAmended = new Uint8Array(this.capacity);
    this.x = new Float64Array(this.capacity * inputs.length);
    this.then = new Float64Array(this.capacity * nOutputs); // forecast made one step before
    /** The output of the newest step: the forecast of the reading to come. */
    this.next = new Float64Array(nOutputs).fill(NaN);
    this.length = 0;
    this.first = 0;
    this.nTimed = 0;
  }

  clear() {
    this.length = this.first = this.nTimed = 0;
    this.next.fill(NaN);
  }

  /**
   * The slot of a reading.
   * @param {number} i 0 is the oldest one
   * @returns {number}
   */
  at(i) {
    return (this.first + i) % this.capacity;
  }

  /** @param {number} i */
  step(i) {
    return this.steps[this.at(i)];
  }

  get lastStep() {
    return this.length ? this.step(this.length - 1) : 0;
  }

  /** @param {number} i @param {number} input */
  reading(i, input) {
    return this.x[this.at(i) * this.inputs.length + input];
  }

  /**
   * What was forecast for reading `i` before it came; for `i` = length, for the next one.
   * @param {number} i
   * @param {number} output
   */
  forecast(i, output) {
    return i < this.length ? this.then[this.at(i) * this.nOutputs + output] : this.next[output];
  }

  /**
   * @param {number} step
   * @param {number | null | undefined} time
   * @param {StepEvent["x"] | null} x an array, or an object by names
   * @param {ArrayLike<number | null> | null} then
   * @param {number} version
   */
  push(step, time, x, then, version) {
    if (this.length < this.capacity) this.length++;
    else {
      this.nTimed -= +!Number.isNaN(this.times[this.first]);
      this.first = this.at(1);
    }
    const slot = this.at(this.length - 1);
    this.steps[slot] = step;
    this.times[slot] = number(time);
    this.nTimed += +!Number.isNaN(this.times[slot]);
    this.versions[slot] = version;
    this.isAmended[slot] = 0;
    this.inputs.forEach((name, k) => {
      this.x[slot * this.inputs.length + k] = number(Array.isArray(x) ? x[k] : x?.[name]);
    });
    for (let k = 0; k < this.nOutputs; k++) {
      this.then[slot * this.nOutputs + k] = number(then?.[k]);
    }
  }

  /**
   * A page of recorded readings that come before those that are here.
   * @param {Reading[]} page
   */
  prepend(page) {
    if (this.length === this.capacity) return;
    const room = page.slice(this.length - this.capacity);
    this.first = (this.first - room.length + this.capacity) % this.capacity;
    const kept = this.length;
    this.length = 0;
    for (const { step, at, x, y } of room) this.push(step, at, x, y, 0);
    this.length = room.length + kept;
  }

  /**
   * A step as it happens. False: readings between are not known here, so the history is to be read again.
   * @param {StepEvent} event
   */
  take(event) {
    const last = this.lastStep;
    if (event.amended !== undefined) return false;
    if (last && event.step <= last) return true; // known already
    if (last && event.step > last + GAP_MAX) return false;
    for (let step = last + 1; last && step < event.step; step++) {
      this.push(step, null, null, step === last + 1 ? this.next : null, event.version);
    }
    const isNext = event.step === last + 1;
    this.push(event.step, event.at, event.x, isNext ? this.next : null, event.version);
    this.setNext(event.y);
    return true;
  }

  /** @param {ArrayLike<number | null> | null | undefined} y */
  setNext(y) {
    for (let k = 0; k < this.nOutputs; k++) this.next[k] = number(y?.[k]);
  }

  /** @param {number} step */
  markAmended(step) {
    for (let i = this.length - 1; i >= 0 && this.step(i) >= step; i--) {
      if (this.step(i) === step) this.isAmended[this.at(i)] = 1;
    }
  }

  /** Most readings have times of their own, from the oldest on. */
  get hasTimes() {
    return 2 * this.nTimed > this.length && !Number.isNaN(this.times[this.first]);
  }
}
