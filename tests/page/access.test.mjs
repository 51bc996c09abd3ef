/** The page can be used by everybody: by keyboard, on a phone, with a screen reader, with a key. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource, FAILED_REQUEST, fill, openPage, startGrud, stopBrowser } from "./daemon.mjs";

let grud;
before(async () => {
  grud = await startGrud({ models: ["sunspots", "host-load"] });
  await fill(grud, "pump-9", 60);
  await fill(grud, "pump-7", 300);
  await grud.ask("POST", "/v1/fine_tuning/jobs", {
    model: "sunspots",
    training: { sessions: ["pump-7"] },
    hyperparameters: { n_epochs: 3 },
  });
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

const hash = "#/sunspots/pump-7";

/** What axe finds, in words. */
const violations = async (page) => {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run());
  return found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`,
  );
};

for (const theme of ["light", "dark"]) {
  for (const width of [360, 1280, 2560]) {
    test(`axe finds nothing, ${theme}, ${width} wide`, async () => {
      const { page, expectQuiet, close } = await openPage(grud, { hash, width, theme });
      await page.getByText("bands: 80 % held").waitFor();
      await page.locator(".losses canvas").waitFor();
      await page.getByText("try a reading").click();
      await page.getByRole("button", { name: "curl" }).last().click();
      if (width === 360) await page.getByRole("button", { name: "models and sessions" }).click();
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `the page is ${wider} pixels wider than the screen`);
      assert.deepEqual(await violations(page), []);
      await expectQuiet();
      await close();
    });
  }
}

test("axe finds nothing in the dialogs, nor where there is nothing yet", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash });
  for (const name of ["help", "API key"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press("Escape");
  }
  await page.goto(`${grud.url}/#/host-load`);
  await page.getByText("No session of 'host-load' yet.").waitFor();
  assert.deepEqual(await violations(page), []);
  await expectQuiet();
  await close();
});

test("everything is done by keyboard", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash });
  await page.getByText("bands: 80 % held").waitFor();
  await page.keyboard.press("j");
  await page.waitForURL(/pump-9$/);
  await page.keyboard.press("k");
  await page.waitForURL(/pump-7$/);
  await page.getByText("bands: 80 % held").waitFor();
  await page.keyboard.press("t");
  await page.locator(".output details[open]").waitFor();
  await page.keyboard.press("t");
  await page.waitForFunction(() => !document.querySelector(".output details[open]"));
  const picture = () => page.evaluate(() => document.querySelector(".chart canvas").toDataURL());
  const newest = await picture();
  for (let k = 0; k < 2; k++) await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(
    (old) => document.querySelector(".chart canvas").toDataURL() !== old,
    newest,
  );
  await page.keyboard.press("0");
  await page.waitForFunction(
    (old) => document.querySelector(".chart canvas").toDataURL() === old,
    newest,
  );
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await help.waitFor();
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "hidden" });
  await page.keyboard.press("/");
  await page.keyboard.type("pump-9");
  assert.equal(await page.getByRole("searchbox").inputValue(), "pump-9");
  await page.waitForFunction(() => document.querySelectorAll("#side ul")[1].children.length === 1);
  await page.keyboard.press("Enter");
  await page.waitForURL(/pump-9$/);
  await expectQuiet();
  await close();
});

test("Tab reaches what can be pressed, and shows where it is", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash });
  await page.getByText("bands: 80 % held").waitFor();
  await page.locator(".losses canvas").waitFor();
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a, button, input, select, summary, pre")];
    const seen = all.filter((one) => one.checkVisibility() && !one.disabled);
    seen.forEach((one, k) => (one.dataset.place = k));
    return seen.length;
  });
  const reached = new Set();
  for (let k = 0; k < wanted + 20; k++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return { place: document.activeElement.dataset.place, outlineStyle, outlineWidth };
    });
    if (at.place === undefined) continue;
    reached.add(at.place);
    assert.ok(at.outlineStyle !== "none" && at.outlineWidth !== "0px", "focus is not seen");
  }
  assert.equal(reached.size, wanted);
  await expectQuiet();
  await close();
});

for (const width of [360, 1280, 2560]) {
  test(`nothing moves when data comes, and nothing is animated, ${width} wide`, async () => {
    const { page, expectQuiet, close } = await openPage(grud, {
      hash,
      width,
      reducedMotion: "reduce",
    });
    await page.evaluate(() => {
      window.__moved = [];
      new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
          window.__moved.push([value, ...sources.map(({ node }) => node?.textContent)]);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.getByText("bands: 80 % held").waitFor();
    await page.locator(".losses canvas").waitFor();
    const path = "/v1/models/sunspots/sessions/pump-7";
    const { step } = await grud.ask("GET", path);
    for (let k = 0; k < 5; k++) await grud.ask("POST", `${path}/step`, { x: [k] });
    await page
      .getByText(`step ${step + 5}`)
      .first()
      .waitFor();
    await page.waitForTimeout(1500);
    assert.deepEqual(await page.evaluate(() => window.__moved), []);
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await expectQuiet();
    await close();
  });
}

test("the theme is the system's until another one is chosen, and that is kept", async () => {
  const { page, expectQuiet, close } = await openPage(grud, { hash, theme: "dark" });
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await back();
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForFunction(
    (old) => getComputedStyle(document.body).backgroundColor !== old,
    dark,
  );
  await page.getByRole("button", { name: "light or dark" }).click();
  assert.equal(await back(), dark);
  await page.reload();
  assert.equal(await back(), dark);
  await expectQuiet();
  await close();
});

test("a grud without models says what to do", async () => {
  const none = await startGrud({ models: [] });
  const { page, expectQuiet, close } = await openPage(none);
  await page.getByText("No model yet.").waitFor();
  const commands = await page.locator("main pre").first().textContent();
  assert.match(commands, /grud init/);
  assert.ok(commands.includes(`${none.url}/v1/models/weather`));
  assert.deepEqual(await violations(page), []);
  await expectQuiet(FAILED_REQUEST); // it is not ready
  await close();
  await none.stop();
});

test("with keys it asks for one, keeps it in the tab, and says what it lacks", async () => {
  const locked = await startGrud({ keys: ["all read,predict,train,admin", "reader read"] });
  await fill(locked, "pump-7", 60);
  const { page, expectQuiet, close } = await openPage(locked, { hash });
  const urls = [];
  page.on("request", (request) => urls.push(request.url()));
  const give = async (key) => {
    await page.getByRole("dialog", { name: "API key" }).getByLabel("key").fill(key);
    await page.getByRole("button", { name: "use it" }).click();
  };
  await page.getByText("this route needs a key").or(page.locator("#key-reason")).first().waitFor();
  // Closed without a key, it stays so, and the page says what it lacks.
  const dialog = page.getByRole("dialog", { name: "API key" });
  await dialog.getByRole("button", { name: "cancel" }).click();
  const refusals = [];
  page.on("response", (response) => refusals.push(response.status()));
  while (refusals.filter((status) => status === 401).length < 4) await page.waitForTimeout(200);
  assert.equal(await dialog.count(), 0);
  await page.locator("#top .bad").filter({ hasText: "key" }).waitFor();
  await page.getByRole("button", { name: "API key" }).click();
  await give("wrong");
  await page.locator("#key-reason").filter({ hasText: "key" }).waitFor();
  await give("reader");
  await page.getByText("step 60").first().waitFor();
  await page.getByRole("button", { name: "fine-tune" }).click();
  await page.getByRole("alert").filter({ hasText: "train" }).waitFor();
  await locked.ask("POST", "/v1/models/sunspots/sessions/pump-7/step", { x: [12] });
  await page.getByText("step 61").first().waitFor();
  await page.getByRole("button", { name: "curl" }).nth(1).click();
  assert.match(
    await page.locator("pre").filter({ hasText: "curl" }).last().textContent(),
    /\$GRUD_KEY/,
  );
  const kept = await page.evaluate(() => [
    JSON.stringify(localStorage),
    document.cookie,
    location.href,
  ]);
  assert.ok(
    [...kept, ...urls].every((text) => !text.includes("reader")),
    "the key has left the tab",
  );
  await expectQuiet(FAILED_REQUEST);
  await close();
  await locked.stop();
});

test("a connection that is lost is said, and the chart goes on where it was", async () => {
  const first = await startGrud();
  await fill(first, "pump-7", 50);
  const { page, expectQuiet, close } = await openPage(first, { hash });
  await page.getByText("step 50").first().waitFor();
  await first.stop({ keep: true });
  await page.getByText("connection lost").first().waitFor();
  const second = await startGrud({ port: first.port, folder: first.folder });
  await second.ask("POST", "/v1/models/sunspots/sessions/pump-7/step", { x: [12] });
  await page.getByText("step 51").first().waitFor();
  await page.waitForFunction(() => !document.body.textContent.includes("connection lost"));
  await expectQuiet(FAILED_REQUEST, /ERR_/);
  await close();
  await second.stop();
});
