/** pictures.mjs - makes the README's pictures of the page, from the example of hourly temperatures. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openPage, root, startGrud, stopBrowser } from "./daemon.mjs";

const HOURS = 1200;
const BYTES_MAX = 150_000;

const lines = readFileSync(join(root, "examples/temperature/jfk.csv"), "utf8").trim().split("\n");
const steps = lines.slice(1, HOURS + 1).map((line) => {
  const [at, x] = line.split(",");
  return { session: "jfk", at, x: [Number(x)], horizon: 18, level: [0.8, 0.95] };
});
const grud = await startGrud({ models: ["temperature", "host-load"] });
for (let k = 0; k < HOURS; k += 300) {
  const path = "/v1/models/temperature/steps";
  await grud.ask("POST", path, { steps: steps.slice(k, k + 300) });
}
await grud.ask("POST", "/v1/fine_tuning/jobs", {
  model: "temperature",
  training: { sessions: ["jfk"] },
});

/** @param {string} name */
const take = async (name, how) => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/temperature/jfk", ...how });
  await page.getByText("bands: 80 % held").waitFor();
  await page.getByText("succeeded · epoch").waitFor();
  await page.locator(".losses canvas").waitFor();
  await page.getByText("steps/s").waitFor();
  await page.waitForTimeout(1000);
  await page.waitForFunction(() => !document.querySelector("#said").textContent);
  const path = join(root, "docs", name);
  await page.screenshot({ path });
  await expectQuiet();
  await close();
  const { size } = statSync(path);
  assert.ok(size < BYTES_MAX, `${name} has ${size} bytes`);
  console.log(`docs/${name}: ${size} bytes`);
};
await take("page.png", { width: 1280, height: 860 });
await take("page-phone.png", { width: 360, height: 720, theme: "dark", deviceScaleFactor: 1.5 });
await stopBrowser();
await grud.stop();
