/** What happens to a session is seen on the page while it happens. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  FAILED_REQUEST,
  fill,
  openPage,
  root,
  startGrud,
  stopBrowser,
  sunspots,
} from "./daemon.mjs";

let grud;
before(async () => {
  grud = await startGrud({ models: ["sunspots", "host-load"], options: ["--amend", "yes"] });
  await fill(grud, "pump-7", 400);
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

const pump = "#/sunspots/pump-7";
const path = "/v1/models/sunspots/sessions/pump-7";
const shown = (page, text) => page.getByText(text, { exact: false }).first().waitFor();

/** The pixels of the first chart, as one string. */
const pixels = (page) => page.evaluate(() => document.querySelector(".chart canvas").toDataURL());

test("the first screen says whether grud is well, and opens what was seen last", async () => {
  const { page, expectQuiet, close } = await openPage(grud);
  await shown(page, "● ready");
  await shown(page, "2 models");
  await page.waitForURL(/#\/sunspots\/pump-7$/);
  await shown(page, "MAE");
  await shown(page, "better than “same as now” by");
  await shown(page, "bands: 80 % held");
  await expectQuiet();
  await close();
});

test("a step made elsewhere appears on the chart", async (t) => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: pump });
  await shown(page, "step 400");
  await page.waitForTimeout(1500); // until its own forecast is drawn
  const before = await pixels(page);
  await page.evaluate(() => {
    const chart = document.querySelector(".chart canvas");
    const note = document.querySelector("#main section[aria-label=session] .head .grey");
    const old = chart.toDataURL();
    const look = () => {
      if (note.textContent.includes("401") && chart.toDataURL() !== old)
        window.__seenMs = Date.now();
      else requestAnimationFrame(look);
    };
    look();
  });
  const sentMs = Date.now();
  await grud.ask("POST", `${path}/step`, { x: [sunspots[400]], at: Math.floor(Date.now() / 1000) });
  await page.waitForFunction(() => window.__seenMs);
  const seenMs = await page.evaluate(() => window.__seenMs);
  assert.notEqual(await pixels(page), before);
  t.diagnostic(`a step was on the chart ${seenMs - sentMs} ms after it was sent`);
  await page.locator("summary", { hasText: "table" }).first().click();
  await page.locator(".rows td", { hasText: "401" }).first().waitFor();
  await expectQuiet();
  await close();
});

test("a reading that is tried leaves the session as it is", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: pump });
  await shown(page, "MAE");
  const { step, state } = await grud.ask("GET", path);
  await page.getByText("try a reading").click();
  await page.getByRole("spinbutton", { name: "sunspot_number" }).fill("88");
  await page.getByRole("button", { name: "try it" }).click();
  await shown(page, "Then comes sunspot_number");
  const now = await grud.ask("GET", path);
  assert.deepEqual([now.step, now.state], [step, state]);
  const { sessions } = await grud.ask("GET", "/v1/models/sunspots/sessions?prefix=pump-7~");
  assert.deepEqual(sessions, []);
  await expectQuiet();
  await close();
});

test("the commands of the box try the same reading", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: pump });
  await shown(page, "MAE");
  const { step } = await grud.ask("GET", path);
  await page.getByText("try a reading").click();
  const box = page.locator("details", { hasText: "try a reading" });
  await box.getByRole("spinbutton").fill("88");
  await box.getByRole("button", { name: "curl" }).click();
  const commands = await box.locator("pre").textContent();
  assert.equal(commands.split("\n").length, 3);
  const printed = execFileSync("sh", ["-e"], {
    input: commands.replaceAll(/^curl /gm, "curl -sS --fail-with-body --noproxy '*' "),
    encoding: "utf8",
  });
  await box.getByRole("button", { name: "try it" }).click();
  await shown(page, "Then comes sunspot_number");
  const said = (await box.getByRole("status").textContent()).match(/sunspot_number (\d+)/)[1];
  assert.match(printed, new RegExp(`"step":${step + 1},.*"y":\\[${said}`));
  assert.equal((await grud.ask("GET", path)).step, step);
  await expectQuiet();
  await close();
});

test("missing readings, a session without times, names with odd characters, many outputs", async () => {
  const odd = "a:b~c.d-e";
  const steps = Array.from({ length: 40 }, (_, k) => ({
    session: odd,
    x: { cpu: k % 7 === 3 ? null : k, memory: 2e9 * k, load: 1e-7 },
  }));
  await grud.ask("POST", "/v1/models/host-load/steps", { steps });
  const { page, expectQuiet, close } = await openPage(grud, {
    hash: `#/host-load/${encodeURIComponent(odd)}`,
  });
  await shown(page, "step 40");
  await page.getByRole("button", { name: "memory", exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll(".chart canvas").length === 2);
  await page.getByRole("button", { name: "cpu", exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll(".chart canvas").length === 1);
  await page.locator("summary", { hasText: "table" }).first().click();
  await page
    .locator(".rows td", { hasText: "78 000 000" })
    .or(page.locator(".rows td", { hasText: "7.80e10" }))
    .first()
    .waitFor();
  await expectQuiet();
  await close();
});

test("a session that is not there is said in grud's own words", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/nobody" });
  await page.getByRole("alert").filter({ hasText: "has no session 'nobody'" }).waitFor();
  await fill(grud, "nobody", 3); // then it is, and is shown
  await shown(page, "step 3");
  await expectQuiet(FAILED_REQUEST);
  await close();
});

test("a session that is deleted is said to have ended", async () => {
  await fill(grud, "gone", 30);
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/gone" });
  await shown(page, "step 30");
  await grud.ask("DELETE", "/v1/models/sunspots/sessions/gone");
  await page.getByRole("alert").filter({ hasText: "'gone' has ended" }).waitFor();
  await expectQuiet(FAILED_REQUEST);
  await close();
});

test("what a name or an error holds never becomes markup", async () => {
  const hash = `#/sunspots/${encodeURIComponent("<img src=x onerror=alert(1)>")}`;
  const { page, expectQuiet, close } = await openPage(grud, { hash });
  await page.getByRole("alert").first().waitFor();
  assert.equal(await page.locator("main img").count(), 0);
  await expectQuiet(FAILED_REQUEST);
  await close();
});

test("of many sessions a page is read, and a prefix finds one", async () => {
  const steps = Array.from({ length: 300 }, (_, k) => ({ session: `many-${k}`, x: [k] }));
  await grud.ask("POST", "/v1/models/sunspots/steps", { steps });
  const { page, expectQuiet, close } = await openPage(grud, { hash: pump });
  const rows = page.locator("#side ul").nth(1).locator("li");
  await page.getByRole("button", { name: "more" }).waitFor();
  assert.equal(await rows.count(), 50);
  await page.getByRole("button", { name: "more" }).click();
  await page.waitForFunction(
    () => document.querySelectorAll("#side ul")[1].children.length === 100,
  );
  await page.getByRole("searchbox").fill("many-29");
  await page.waitForFunction(() => document.querySelectorAll("#side ul")[1].children.length === 11);
  await page.getByRole("searchbox").press("Enter");
  await page.waitForURL(/#\/sunspots\/many-29\d?$/);
  await page.getByRole("searchbox").fill("none-such");
  await shown(page, "No session begins with 'none-such'.");
  await expectQuiet();
  await close();
});

test("an unusual reading is a point on the chart, and its p-value stands at the cursor", async () => {
  const session = "odd-one";
  const steps = sunspots.slice(0, 300).map((x) => ({ session, x: [x], anomaly: true }));
  await grud.ask("POST", "/v1/models/sunspots/steps", { steps });
  const { page, expectQuiet, close } = await openPage(grud, { hash: `#/sunspots/${session}` });
  await shown(page, "step 300");
  await page.locator(".key").getByText("unusual reading").waitFor({ state: "hidden" });
  const way = `/v1/models/sunspots/sessions/${session}/step`;
  const { anomaly } = await grud.ask("POST", way, { x: [900], anomaly: true });
  assert.ok(anomaly.p_value < 0.01, JSON.stringify(anomaly));
  await page.locator(".key").getByText("unusual reading").waitFor();
  const words = `▲ unusual: p-value ${Number(anomaly.p_value.toPrecision(2))}`;
  const told = page.locator(".readout", { hasText: words });
  await told.waitFor();
  await page.locator("summary", { hasText: "table" }).first().click();
  await page.locator(".rows td", { hasText: words }).waitFor();
  await grud.ask("POST", way, { x: [sunspots[300]], anomaly: true });
  await shown(page, "step 302");
  await told.waitFor({ state: "hidden" });
  // The cursor finds it again, from the right.
  const { x, y, width, height } = await page.locator(".chart .u-over").first().boundingBox();
  for (let k = 0; k < width && !(await told.count()); k++)
    await page.mouse.move(x + width - 1 - k, y + height / 2);
  assert.equal(await told.count(), 1);
  await expectQuiet();
  await close();
});

/** What the charts write from now on, as a set of the page's own. */
const noteTexts = (page) =>
  page.evaluate(() => {
    const { fillText } = CanvasRenderingContext2D.prototype;
    window.__written = new Set();
    CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
      window.__written.add(text);
      return fillText.call(this, text, ...where);
    };
  });
const written = (page, text) =>
  page.waitForFunction((wanted) => window.__written.has(wanted), text);

test("an amended reading is marked on the chart, and so is another version", async () => {
  await fill(grud, "late", 40);
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/late" });
  await shown(page, "step 40");
  await noteTexts(page);
  const { readings } = await grud.ask("GET", "/v1/models/sunspots/sessions/late/readings");
  const { at } = readings.at(-5);
  await grud.ask("POST", "/v1/models/sunspots/sessions/late/step", { x: [150], at, late: "amend" });
  await written(page, "amended");
  assert.ok(!(await page.evaluate(() => window.__written.has("v2"))));

  const sent = await fetch(`${grud.url}/v1/models/sunspots`, {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: readFileSync(join(root, "examples/sunspots/sunspots.safetensors")),
  });
  assert.ok(sent.ok);
  await grud.ask("POST", "/v1/models/sunspots/sessions/late/step", { x: [90] });
  await grud.ask("POST", "/v1/models/sunspots/versions/2/activate");
  await grud.ask("POST", "/v1/models/sunspots/sessions/late/step", { x: [91] });
  await written(page, "v2");
  await expectQuiet();
  await close();
});
