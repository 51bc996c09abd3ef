/** Why a forecast is what it is: what each input has brought, asked without a reading. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource, FAILED_REQUEST, fill, openPage, startGrud, stopBrowser } from "./daemon.mjs";

let grud;
before(async () => {
  grud = await startGrud({ models: ["sunspots", "host-load"] });
  await fill(grud, "pump-7", 100);
  const steps = Array.from({ length: 40 }, (_, k) => ({
    session: "host",
    x: { cpu: 20 + (k % 9), memory: 2e9 + 1e6 * k, load: 1 },
  }));
  await grud.ask("POST", "/v1/models/host-load/steps", { steps });
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

const whyOf = async (page, how = async () => {}) => {
  const box = page.locator("details", { hasText: "why this forecast" });
  await box.locator("summary").click();
  await how(box);
  await box.getByRole("button", { name: "why?" }).click();
  return box;
};
/** The numbers of the table, by what they are of. */
const numbersOf = (box) =>
  box
    .locator("tbody tr")
    .evaluateAll((rows) =>
      Object.fromEntries(
        rows.map(({ children: [what, brings] }) => [
          what.textContent,
          Number(brings.textContent.replaceAll("\u2212", "-").replaceAll("\u202f", "")),
        ]),
      ),
    );

test("what brought a forecast adds up to it, and the session stays as it is", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/pump-7" });
  await page.getByText("MAE").first().waitFor();
  const path = "/v1/models/sunspots/sessions/pump-7";
  const { step, state } = await grud.ask("GET", path);
  const box = await whyOf(page, (one) => one.getByLabel("steps ahead").selectOption("3"));
  await box.getByText(`From step ${step} on, sunspot_number in 3 steps is forecast as`).waitFor();
  const of = await numbersOf(box);
  const sum =
    of["nothing known (baseline)"] +
    of.sunspot_number +
    of["older readings (state)"] +
    of["left over (residual)"];
  assert.ok(Math.abs(sum - of.forecast) < 0.2, JSON.stringify(of));
  assert.ok(of.sunspot_number !== 0);
  const { forecast } = await grud.ask("POST", `${path}/forecast`, { horizon: 3 });
  assert.ok(Math.abs(of.forecast - forecast[2][0]) < 0.1, `${of.forecast} is no ${forecast[2]}`);
  const now = await grud.ask("GET", path);
  assert.deepEqual([now.step, now.state], [step, state]);
  await expectQuiet();
  await close();
});

test("of several inputs the one that brought most comes first, with the longest bar", async () => {
  const { page, expectQuiet, close } = await openPage(grud, {
    hash: "#/host-load/host",
    width: 360,
  });
  await page.getByText("step 40").first().waitFor();
  const box = await whyOf(page, (one) => one.getByLabel("explain").selectOption("memory"));
  await box.getByText("memory in 1 step is forecast as").waitFor();
  const of = await numbersOf(box);
  const sizes = Object.values(of).slice(1, -3).map(Math.abs); // of inputs alone
  assert.ok(sizes.length > 2 && sizes[0] > 0);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );
  const widths = await box
    .locator(".bar > div")
    .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
  assert.equal(widths.length, sizes.length + 1); // and the state's
  assert.ok(widths[0] > widths[1] && widths[1] >= widths[2]);
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

test("what grud refuses to explain is said beside the field", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/pump-7" });
  await page.getByText("MAE").first().waitFor();
  const box = await whyOf(page, async (one) => {
    const ahead = one.getByLabel("steps ahead");
    await ahead.evaluate((select) => select.add(new Option("99999", "99999")));
    await ahead.selectOption("99999");
  });
  await box.locator(".fault:not(:empty)").filter({ hasText: "horizon must be" }).waitFor();
  assert.equal(await box.getByLabel("steps ahead").getAttribute("aria-invalid"), "true");
  await box.getByLabel("steps ahead").selectOption("2");
  await box.getByRole("button", { name: "why?" }).click();
  await box.getByText("in 2 steps is forecast as").waitFor();
  assert.equal(await box.locator(".fault:not(:empty)").count(), 0);
  await expectQuiet(FAILED_REQUEST);
  await close();
});
