/** Why a forecast is what it is: what each input has brought stands beside the reading that is tried. */
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

const tryOne = async (page, how = async () => {}) => {
  const box = page.locator("details", { hasText: "try a reading" });
  await box.locator("summary").click();
  await how(box);
  await box.getByRole("button", { name: "try it" }).click();
  return box;
};
/** The numbers of the table, by what they are of. */
const numbersOf = (box) =>
  box
    .locator(".why tbody tr")
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
  const box = await tryOne(page, async (one) => {
    await one.getByRole("spinbutton").fill("88");
    await one.getByLabel("steps ahead").selectOption("3");
  });
  await box.getByText("sunspot_number in 3 steps is forecast as").waitFor();
  const of = await numbersOf(box);
  const sum =
    of["nothing known (baseline)"] +
    of.sunspot_number +
    of["older readings (state)"] +
    of["left over (residual)"];
  assert.ok(Math.abs(sum - of.forecast) < 0.2, JSON.stringify(of));
  assert.ok(of.sunspot_number !== 0);
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
  const box = await tryOne(page, (one) =>
    one.locator("select[name=explained]").selectOption("memory"),
  );
  await box.getByText("memory in 1 step is forecast as").waitFor();
  const of = await numbersOf(box);
  const sizes = Object.values(of).slice(1, -3).map(Math.abs); // of inputs alone
  assert.ok(sizes.length > 2 && sizes[0] > 0);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );
  const widths = await box
    .locator(".why .bar > div")
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
  const box = await tryOne(page, async (one) => {
    const ahead = one.getByLabel("steps ahead");
    await ahead.evaluate((select) => select.add(new Option("99", "99")));
    await ahead.selectOption("99");
  });
  await box.locator(".fault:not(:empty)").filter({ hasText: "ahead" }).waitFor();
  assert.equal(await box.locator("select[name=ahead]").getAttribute("aria-invalid"), "true");
  const { sessions } = await grud.ask("GET", "/v1/models/sunspots/sessions?prefix=pump-7~");
  assert.deepEqual(sessions, []);
  await expectQuiet(FAILED_REQUEST);
  await close();
});
