/**
 * measure.mjs - how much of a processor the page takes: a chart of 10 000 readings, 60 more a second.
 *
 * Counted is the processor time of the browser's processes, from /proc: the page's own (its renderer),
 * and all of them. SECONDS=n measures for longer.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { openPage, startGrud, stopBrowser, sunspots } from "./daemon.mjs";

const READINGS = 10_000;
const RATE = 60;
const SECONDS = Number(process.env.SECONDS ?? 20);
const TICKS_A_SECOND = 100;

/** Processor seconds of this process's Chromium, by kind of process. */
const processorSeconds = () => {
  const used = { renderer: 0, all: 0 };
  const parents = new Map();
  const rows = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      parents.set(Number(pid), Number(fields[1]));
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      rows.push([Number(pid), command, (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND]);
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid) => pid === process.pid || (parents.has(pid) && isOurs(parents.get(pid)));
  for (const [pid, command, seconds] of rows) {
    if (pid === process.pid || !/chrom/.test(command) || !isOurs(pid)) continue;
    used.all += seconds;
    if (command.includes("--type=renderer")) used.renderer += seconds;
  }
  return used;
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const grud = await startGrud();
const path = "/v1/models/sunspots/sessions/fast";
const begin = Math.floor(Date.now() / 1000) - READINGS;
for (let k = 0; k < READINGS; k += 500) {
  const steps = Array.from({ length: 500 }, (_, i) => ({
    session: "fast",
    x: [sunspots[(k + i) % sunspots.length]],
    at: begin + k + i,
    level: [0.8, 0.95],
    horizon: 12,
  }));
  await grud.ask("POST", "/v1/models/sunspots/steps", { steps });
}
let at = begin + READINGS;

/** Steps at the rate for the time, and what they cost the browser. */
const measure = async (what) => {
  const before = processorSeconds();
  const beginMs = performance.now();
  let n = 0;
  while (performance.now() - beginMs < SECONDS * 1000) {
    const due = Math.floor(((performance.now() - beginMs) * RATE) / 1000);
    for (; n < due; n++)
      await grud.ask("POST", `${path}/step`, { x: [sunspots[n % 600]], at: at++ });
    await sleep(4);
  }
  const seconds = (performance.now() - beginMs) / 1000;
  const after = processorSeconds();
  const share = (kind) => `${((100 * (after[kind] - before[kind])) / seconds).toFixed(1)} %`;
  console.log(
    `${what}: ${(n / seconds).toFixed(0)} readings a second, ` +
      `${share("renderer")} of a processor in the page's process, ${share("all")} in all of the browser's`,
  );
};

const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/fast" });
await page
  .getByText("10 000 readings")
  .or(page.getByText(/9.999 readings/))
  .first()
  .waitFor();
await page.waitForTimeout(3000);
await measure("the last 300 of 10 000 readings in view");
const chart = await page.locator(".chart").boundingBox();
await page.mouse.move(chart.x + chart.width / 2, chart.y + chart.height / 2);
for (let k = 0; k < 20; k++) await page.mouse.wheel(0, 120);
await page.mouse.move(0, 0);
await page.waitForTimeout(3000);
await measure("all 10 000 in view");
const { step } = await grud.ask("GET", path);
await page
  .getByText(`step ${step.toLocaleString("en").replace(",", "\u202f")}`)
  .first()
  .waitFor();
assert.ok(step > READINGS);
await expectQuiet();
await close();
await stopBrowser();
await grud.stop();
