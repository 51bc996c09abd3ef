/** Rules are listed, made, edited and deleted on the page, and what grud refuses is said beside the field. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource, FAILED_REQUEST, fill, openPage, startGrud, stopBrowser } from "./daemon.mjs";

const WEBHOOK = "http://127.0.0.1:9/hook"; // nobody listens there
const RULES = "/v1/models/sunspots/rules";

let grud;
before(async () => {
  grud = await startGrud({ options: ["--webhook-private", "yes"] });
  // 9 of 10 readings are within intervals of level 0.9, so that this rule fires once 100 were compared.
  const rule = { prefix: "pump-", coverage: true, below: 1, url: WEBHOOK };
  await grud.ask("PUT", `${RULES}/fires`, rule);
  await fill(grud, "pump-7", 300, { level: 0.9 });
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

const panelOf = (page) => page.getByRole("region", { name: "rules", exact: true });
const open = async (how) => {
  const opened = await openPage(grud, { hash: "#/sunspots/pump-7", ...how });
  await panelOf(opened.page).getByText("● fires in 1 session").waitFor();
  return { ...opened, panel: panelOf(opened.page) };
};

test("a rule says what it looks at, where it fires, and that its webhook fails", async () => {
  const { panel, expectQuiet, close } = await open();
  await panel.getByText("intervals hold fewer than 100 % of readings").waitFor();
  await panel.getByText("sessions 'pump-…'").waitFor();
  await panel.getByText("▲ webhook fails:").waitFor();
  const link = panel.getByRole("link", { name: "pump-7" });
  assert.equal(await link.getAttribute("href"), "#/sunspots/pump-7");
  await expectQuiet();
  await close();
});

test("a rule is made, edited and deleted", async () => {
  const { page, panel, expectQuiet, close } = await open();
  await panel.getByLabel("name").fill("high");
  await panel.getByLabel("looks at").selectOption("crossing");
  await panel.getByLabel("threshold", { exact: true }).fill("150");
  await panel.getByLabel("within steps").fill("6");
  await panel.getByLabel("webhook").fill(WEBHOOK);
  await panel.getByRole("button", { name: "save rule" }).click();
  await panel.getByText("sunspot_number above 150 within 6 steps").waitFor();
  const made = await grud.ask("GET", `${RULES}/high`);
  assert.deepEqual(made.crossing, { output: "sunspot_number", above: 150, horizon: 6 });
  assert.deepEqual([made.probability, made.for, made.format], [0.8, 1, "json"]);

  await panel.getByRole("button", { name: "edit high" }).click();
  await panel.getByLabel("looks at").selectOption("anomaly");
  await panel.getByLabel("p-value at most").fill("0.01");
  await panel.getByLabel("readings in a row").fill("3");
  await panel.getByLabel("session prefix").fill("roof-");
  await panel.locator("select[name=format]").selectOption("alertmanager");
  await panel.getByRole("button", { name: "save rule" }).click();
  await panel.getByText("readings with a p-value of at most 0.01 · 3 readings in a row").waitFor();
  const edited = await grud.ask("GET", `${RULES}/high`);
  assert.deepEqual([edited.anomaly, edited.p_value, edited.prefix], [true, 0.01, "roof-"]);
  assert.equal(edited.url, WEBHOOK);

  await panel.getByRole("button", { name: "delete high", exact: true }).click();
  await panel.getByRole("button", { name: "really delete high?" }).click();
  await page.waitForFunction(() => document.querySelectorAll("li.rule").length === 1);
  const { rules } = await grud.ask("GET", RULES);
  assert.deepEqual(
    rules.map(({ name }) => name),
    ["fires"],
  );
  await expectQuiet();
  await close();
});

test("what grud refuses of a rule stands beside the field that it is about", async () => {
  const { panel, expectQuiet, close } = await open();
  await panel.getByLabel("name").fill("wrong");
  await panel.getByLabel("webhook").fill("ftp://example.org/");
  await panel.getByRole("button", { name: "save rule" }).click();
  const field = panel.locator(".field", { hasText: "webhook" });
  await field.getByRole("alert").filter({ hasText: "http" }).waitFor();
  assert.equal(await panel.getByLabel("webhook").getAttribute("aria-invalid"), "true");
  await panel.getByLabel("webhook").fill(WEBHOOK);
  await panel.getByLabel("share below").fill("7");
  await panel.getByRole("button", { name: "save rule" }).click();
  const bound = panel.locator(".field", { hasText: "share below" });
  await bound.getByRole("alert").filter({ hasText: "more than 0 and at most 1" }).waitFor();
  assert.equal(await field.getByRole("alert").textContent(), "");
  await panel.getByLabel("looks at").selectOption("crossing");
  await panel.getByRole("button", { name: "save rule" }).click();
  const threshold = panel.locator(".field", { hasText: "threshold" }).last();
  await threshold.getByRole("alert").filter({ hasText: "missing" }).waitFor();
  await expectQuiet(FAILED_REQUEST);
  await close();
});

test("the panel of rules fits a phone, and axe finds nothing in it", async () => {
  const { page, panel, expectQuiet, close } = await open({ width: 360 });
  await panel.getByLabel("looks at").selectOption("crossing");
  await panel.getByRole("button", { name: "curl" }).click();
  await panel.locator("pre").getByText("-X DELETE").waitFor();
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

test("without the scope that rules need, grud's own sentence says which it is", async () => {
  const other = await startGrud({ keys: ["all read,predict,train,admin", "reader read,predict"] });
  const { page, expectQuiet, close } = await openPage(other, { hash: "#/sunspots" });
  await page.getByRole("dialog").getByLabel("key").fill("reader");
  await page.getByRole("button", { name: "use it" }).click();
  const panel = panelOf(page);
  await panel.getByLabel("name").fill("late");
  await panel.getByLabel("webhook").fill("https://example.org/");
  await panel.getByRole("button", { name: "save rule" }).click();
  await panel.getByRole("alert").filter({ hasText: "admin" }).first().waitFor();
  await expectQuiet(FAILED_REQUEST);
  await close();
  await other.stop();
});
