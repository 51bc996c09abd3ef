/** What the page's modules compute, without a browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";

const page = new URL("../../server/page/", import.meta.url);
const load = async (name) => {
  // Node takes a .js file for CommonJS where no package says otherwise: as data it is a module.
  const seen = new Map();
  const address = (file) => {
    if (!seen.has(file)) {
      const text = readFileSync(new URL(file, page), "utf8").replace(
        /from "\.\/(\w+\.js)"/g,
        (_, other) => `from "${address(other)}"`,
      );
      seen.set(file, `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
    }
    return seen.get(file);
  };
  return import(address(name));
};

const { eventParser } = await load("events.js");
const { History } = await load("history.js");
const { bandsOf, buildFrame, positionsOf, skillOf, sparkPath } = await load("frame.js");
const words = await load("words.js");

const parse = (pieces) => {
  const events = [];
  const take = eventParser((event) => events.push(event));
  pieces.forEach(take);
  return events;
};

test("a stream in any pieces gives the same events", () => {
  const text =
    'retry: 2000\n\n: ping\n\nid: 7\nevent: step\ndata: {"a":1}\n\ndata: x\r\ndata:y\r\n\r\nid: 8\ndata: cut';
  const whole = parse([text]);
  assert.deepEqual(whole, [
    { id: "7", type: "step", data: '{"a":1}' },
    { id: "7", type: "message", data: "x\ny" },
  ]);
  assert.deepEqual(parse([...text]), whole);
  for (let k = 1; k < text.length; k++)
    assert.deepEqual(parse([text.slice(0, k), text.slice(k)]), whole);
});

const filled = (n, { from = 1, time = (step) => step * 10 } = {}) => {
  const history = new History(["a", "b"], 1);
  const rows = Array.from({ length: n }, (_, k) => from + k);
  history.prepend(rows.map((step) => ({ step, at: time(step), x: [step, null], y: [step - 0.5] })));
  return history;
};

test("a history takes pages from the front and steps at the end, and forgets the oldest", () => {
  const history = filled(150, { from: 51 });
  history.prepend(
    Array.from({ length: 50 }, (_, k) => ({ step: k + 1, at: k * 10, x: [k + 1, 2], y: null })),
  );
  assert.deepEqual([history.length, history.step(0), history.lastStep], [200, 1, 200]);
  history.setNext([9]);
  assert.equal(history.take({ step: 201, version: 1, at: 2010, x: { a: 4 }, y: [8] }), true);
  assert.deepEqual(
    [history.reading(200, 0), history.forecast(200, 0), history.forecast(201, 0)],
    [4, 9, 8],
  );
  assert.ok(Number.isNaN(history.reading(200, 1)));
  for (let step = 202; step <= 11_000; step++)
    history.take({ step, version: 1, at: step, x: [1, 1], y: [1] });
  assert.deepEqual([history.length, history.lastStep, history.step(0)], [10_000, 11_000, 1001]);
});

test("a step that is known changes nothing; filled ones are gaps; far or amended ones ask to read anew", () => {
  const history = filled(20);
  const step = (n, more) =>
    history.take({ step: n, version: 1, at: null, x: [n, n], y: [n], ...more });
  assert.equal(step(20), true);
  assert.equal(history.length, 20);
  assert.equal(step(24), true);
  assert.deepEqual([history.length, history.lastStep], [24, 24]);
  assert.ok(Number.isNaN(history.reading(21, 0)));
  assert.equal(step(5000), false);
  assert.equal(step(24, { amended: 20 }), false);
});

test("readings lie at their times, those without one between the others, or all at their steps", () => {
  const some = filled(5, { time: (step) => (step === 3 || step === 5 ? null : step * 10) });
  assert.deepEqual([...positionsOf(some)], [10, 20, 30, 40, 50]);
  assert.deepEqual([...positionsOf(filled(3, { time: () => null }))], [1, 2, 3]);
});

const forecast = (step) => ({
  step,
  forecast: [[1], [2]],
  intervals: [
    { level: 0.95, lower: [[-1], [null]], upper: [[3], [null]] },
    { level: 0.8, lower: [[0], [1]], upper: [[2], [3]] },
  ],
});

test("a forecast lies where it was made for, also when it is some steps old", () => {
  const history = filled(4);
  const build = (step, trial = null) =>
    buildFrame({ history, output: 0, input: 0, forecast: forecast(step), trial }).columns;
  const [x, reading, then, ahead, low2, high2, low1] = build(4);
  assert.deepEqual(x, [10, 20, 30, 40, 50, 60]);
  assert.deepEqual(reading, [1, 2, 3, 4, null, null]);
  assert.deepEqual(then, [0.5, 1.5, 2.5, 3.5, null, null]);
  assert.deepEqual(ahead, [null, null, null, 4, 1, 2]);
  assert.deepEqual([low2, high2, low1][0], [null, null, null, 4, -1, null]);
  assert.deepEqual(low1, [null, null, null, 4, 0, 1]);
  assert.deepEqual(high2, [null, null, null, 4, 3, null]);
  assert.deepEqual(build(2)[3], [null, 2, 1, 2, null]);
  assert.deepEqual(build(4, { forecast: [[7]] })[8], [null, null, null, null, null, 7]);
  assert.equal(bandsOf(forecast(4))[0].level, 0.8);
});

test("a threshold lies over the whole chart, and a point on each unusual reading", () => {
  const { columns } = buildFrame({
    history: filled(4),
    output: 0,
    input: 0,
    forecast: null,
    trial: null,
    threshold: 7,
    unusual: new Map([[3, 0.002]]),
  });
  assert.deepEqual(columns[9], [7, 7, 7, 7, 7]);
  assert.deepEqual(columns[10], [null, null, 3, null, null]);
  assert.equal(words.unusualWords(0.002), "▲ unusual: p-value 0.002");
  assert.equal(words.unusualWords(undefined), "");
});

test("an output that forecasts no input is shown at the reading that it was made from", () => {
  const history = filled(3);
  history.setNext([9]);
  const { columns } = buildFrame({ history, output: 0, input: -1, forecast: null, trial: null });
  assert.deepEqual(columns[2], [1.5, 2.5, 9]);
  assert.deepEqual(columns[1], [null, null, null]);
});

test("a small line fills its place, with a gap where a reading is missing", () => {
  assert.equal(sparkPath([1, 3, 2], 22, 12), "M1.0 11.0h0L11.0 1.0L21.0 6.0");
  assert.equal(sparkPath([5, null, 5], 22, 12), "M1.0 6.0h0M21.0 6.0h0");
  assert.equal(sparkPath([null], 22, 12), "");
  assert.equal(sparkPath([], 22, 12), "");
});

test("skill compares with the last known value, and skips what is missing", () => {
  const history = new History(["a"], 1);
  const y = [null, 1, 2, 2, 5];
  history.prepend([1, 3, null, 4, 4].map((x, k) => ({ step: k + 1, at: null, x: [x], y: [y[k]] })));
  const { n, mae, skill } = skillOf(history, 0, 0);
  assert.deepEqual([n, mae], [3, (2 + 2 + 1) / 3]);
  assert.equal(skill, 1 - 5 / 3);
  assert.match(words.comparison(skill), /^worse than “same as now” by 67\u00a0%$/);
  assert.match(words.comparison(0.34), /^better .* by 34\u00a0%$/);
  assert.match(words.comparison(NaN), /never off/);
});

test("drift is said with its measure, its detector and its job", () => {
  const calm = {
    state: "none",
    ratio: null,
    alarms: 0,
    detected_at: null,
    detector: null,
    last_job: null,
  };
  assert.equal(words.driftWords(calm), "no drift · too few forecasts were compared yet");
  assert.equal(
    words.driftWords({ ...calm, ratio: 1.0234 }),
    "no drift · recent errors are 1.02 times the usual ones",
  );
  const at = Date.now() / 1000;
  const alarm = { ...calm, ratio: 2.5, alarms: 1, detected_at: at, detector: "adwin" };
  assert.equal(
    words.driftWords({
      ...alarm,
      state: "drifting",
      last_job: { at, job: "ftjob-1", reason: null },
    }),
    `▲ its forecasts have become worse · recent errors are 2.5 times the usual ones · found ${words.time(at)} by ADWIN · its job ftjob-1 began ${words.time(at)}`,
  );
  assert.match(
    words.driftWords({ ...alarm, last_job: { at, job: null, reason: "the queue is full" } }),
    /the last one was found .* by ADWIN · no job was started: the queue is full$/,
  );
});

test("numbers keep what tells them apart, and huge ones stay short", () => {
  const { fixed, number, percent, placesOf, short, span } = words;
  assert.deepEqual([placesOf(42), placesOf(0.2), placesOf(3e6), placesOf(0)], [1, 3, 0, 3]);
  assert.deepEqual(
    [fixed(1234567.5, 1), fixed(-0.04, 1), fixed(null, 2), fixed(NaN, 2)],
    ["1\u202f234\u202f567.5", "0.0", "–", "–"],
  );
  assert.deepEqual([fixed(3.4e38, 1), fixed(-2e-9, 3)], ["3.40e38", "\u22122.00e\u22129"]);
  assert.deepEqual(
    [number(0.1029), number(-12), number(100), number(0)],
    ["0.1029", "\u221212", "100", "0"],
  );
  assert.deepEqual([percent(0.897), percent(1), percent(null)], ["89.7\u00a0%", "100\u00a0%", "–"]);
  assert.deepEqual([short(7.25), short(840), short(12_340)], ["7.3", "840", "12.3 k"]);
  assert.deepEqual([span(5), span(120), span(7300), span(9e5)], ["5 s", "2 min", "2 h", "10 d"]);
});
