/** What a forecast is for: when it crosses a threshold, and what it is mixed with. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import {
  axeSource,
  FAILED_REQUEST,
  fill,
  openPage,
  startGrud,
  stopBrowser,
  sunspots,
} from "./daemon.mjs";

let grud;
before(async () => {
  grud = await startGrud();
  await fill(grud, "pump-7", 300);
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

const path = "/v1/models/sunspots/sessions/pump-7";
const open = async (how) => {
  const opened = await openPage(grud, { hash: "#/sunspots/pump-7", ...how });
  await opened.page.getByText("bands: 80 % held").waitFor();
  return opened;
};
const pixels = (page) => page.evaluate(() => document.querySelector(".chart canvas").toDataURL());

const askWhen = async (page, threshold, side = "above") => {
  const box = page.locator("details", { hasText: "when will it cross" });
  if (!(await box.evaluate((one) => one.open))) await box.locator("summary").click();
  await box.locator("select[name=side]").selectOption(side);
  await box.getByLabel("threshold").fill(String(threshold));
  await box.getByRole("button", { name: "when?" }).click();
  return box;
};

test("when a threshold is crossed stands in words, in a table and on the chart", async () => {
  const { page, expectQuiet, close } = await open();
  await page.waitForTimeout(1500); // until its forecast is drawn
  const before = await pixels(page);
  const box = await askWhen(page, 400);
  const body = { horizon: 24, crossing: { output: "sunspot_number", above: 400 } };
  const { crossing } = await grud.ask("POST", `${path}/forecast`, body);
  assert.equal(crossing.ahead, null);
  await box.getByText("sunspot_number is not above 400 in the next 24 steps").waitFor();
  await box
    .getByText(/by 12 steps ahead a reading will have been, with a probability of/)
    .waitFor();
  await page.waitForFunction(
    (old) => document.querySelector(".chart canvas").toDataURL() !== old,
    before,
  );
  assert.equal(await box.locator("tbody tr").count(), 24);
  // Its steps have asked for 12 ahead, so that nothing is known of what comes later.
  const last = await box.locator("tbody tr").nth(11).locator("td").last().textContent();
  assert.ok(Math.abs(parseFloat(last) / 100 - crossing.by_horizon[11]) < 0.005, last);
  assert.equal(await box.locator("tbody tr").last().locator("td").last().textContent(), "–");

  await askWhen(page, 10_000, "below");
  await box.getByText("sunspot_number is below 10 000 in 1 step").waitFor();
  await box.getByRole("button", { name: "forget it" }).click();
  await page.waitForFunction(() => !document.querySelector("details.ahead .skill").textContent);
  assert.equal(await box.locator("table:visible").count(), 0);
  await expectQuiet();
  await close();
});

test("the answer goes on with the readings, and its command asks the same", async () => {
  const { page, expectQuiet, close } = await open();
  const box = await askWhen(page, 60);
  await box.getByText(/with a probability of/).waitFor();
  await box.getByRole("button", { name: "curl" }).click();
  const command = await box.locator("pre").textContent();
  const printed = execFileSync("sh", ["-e"], {
    input: command.replaceAll(/^curl /gm, "curl -sS --fail-with-body --noproxy '*' "),
    encoding: "utf8",
  });
  assert.equal(JSON.parse(printed).crossing.by_horizon.length, 24);
  const said = await box.getByRole("status").textContent();
  await grud.ask("POST", `${path}/step`, { x: [sunspots[300] + 120], horizon: 12, level: 0.9 });
  await page.waitForFunction(
    (old) => document.querySelector("details.ahead .skill").textContent !== old,
    said,
  );
  await expectQuiet();
  await close();
});

test("a session that knows nothing says so of the probability", async () => {
  await grud.ask("POST", "/v1/models/sunspots/sessions/new/step", { x: [50] });
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/new" });
  await page.getByText("step 1").first().waitFor();
  const box = await askWhen(page, 400);
  await box.getByText("how probable a crossing is, cannot be told yet").waitFor();
  await expectQuiet();
  await close();
});

test("a switch mixes the forecast, and says of what", async () => {
  const steps = sunspots.slice(0, 200).map((x) => ({
    session: "mixed",
    x: [x],
    horizon: 12,
    level: [0.8, 0.95],
    blend: true,
  }));
  await grud.ask("POST", "/v1/models/sunspots/steps", { steps });
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/mixed" });
  await page.getByText("bands: 80 % held").waitFor();
  const words = page.locator(".blend [role=status]");
  assert.equal(await words.textContent(), "");
  await page.getByLabel("mix with simple forecasts").check();
  await words.filter({ hasText: /\d\s% model/ }).waitFor();
  const { blend } = await grud.ask("POST", "/v1/models/sunspots/sessions/mixed/forecast", {
    horizon: 24,
    level: [0.8, 0.95],
    blend: true,
  });
  const share = parseFloat((await words.textContent()).match(/([\d.]+)\s% model/)[1]);
  assert.ok(Math.abs(share / 100 - blend.weights.model) < 0.006);
  await page.getByText("“same as now” by").waitFor(); // the honest line stays
  await page
    .getByRole("region", { name: "session", exact: true })
    .getByRole("button", { name: "curl" })
    .first()
    .click();
  await page.locator("pre", { hasText: '"blend":true' }).waitFor();
  await page.getByLabel("mix with simple forecasts").uncheck();
  await page.waitForFunction(() => !document.querySelector(".blend [role=status]").textContent);
  await expectQuiet();
  await close();
});

test("a mixture that nobody has taught is said to be “same as now”", async () => {
  const { page, expectQuiet, close } = await open();
  await page.getByLabel("mix with simple forecasts").check();
  await page.getByText("100 % same as now: steps that ask for “blend” teach it more").waitFor();
  await expectQuiet();
  await close();
});

test("what grud refuses of a wish is said, and the forecast goes on without it", async () => {
  const other = await startGrud({ options: ["--interval-levels", ""] });
  const steps = sunspots.slice(0, 30).map((x) => ({ session: "pump-7", x: [x] }));
  await other.ask("POST", "/v1/models/sunspots/steps", { steps });
  const { page, expectQuiet, close } = await openPage(other, { hash: "#/sunspots/pump-7" });
  await page.getByText("step 30").first().waitFor();
  await page.getByLabel("mix with simple forecasts").check();
  await page.locator(".blend [role=alert]").filter({ hasText: "--interval-levels" }).waitFor();
  assert.equal(await page.getByLabel("mix with simple forecasts").isChecked(), false);
  const box = await askWhen(page, 50);
  await box.getByRole("alert").filter({ hasText: "--interval-levels" }).waitFor();
  await expectQuiet(FAILED_REQUEST);
  await close();
  await other.stop();
});

for (const width of [360, 1280]) {
  test(`axe finds nothing in what is asked, ${width} wide`, async () => {
    const { page, expectQuiet, close } = await open({ width, theme: "dark" });
    const box = await askWhen(page, 150);
    await box.getByText(/with a probability of/).waitFor();
    await page.getByLabel("mix with simple forecasts").check();
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, `the page is ${wider} pixels wider than the screen`);
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`),
      [],
    );
    await expectQuiet();
    await close();
  });
}
