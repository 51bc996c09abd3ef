/** The list of sessions: a small line of each one's last readings, and few requests for it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fill, openPage, startGrud, stopBrowser } from "./daemon.mjs";

const N = 120;
let grud;
before(async () => {
  grud = await startGrud();
  const steps = Array.from({ length: 3 * N }, (_, k) => ({
    session: `many-${String(k % N).padStart(3, "0")}`,
    x: [k < N ? 1 : k],
  }));
  await grud.ask("POST", "/v1/models/sunspots/steps", { steps });
  await fill(grud, "pump-7", 60);
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

/** Opens the page, and notes which sessions are asked for the small line, and how many at once. */
const openList = async (more) => {
  const asked = [];
  const waiting = { now: 0, most: 0 };
  const isSpark = (request) => /\/readings\?limit=30$/.test(request.url());
  const done = (request) => {
    if (isSpark(request)) waiting.now--;
  };
  const opened = await openPage(grud, {
    hash: "#/sunspots/pump-7",
    ...more,
    onPage(page) {
      page.on("request", (request) => {
        if (!isSpark(request)) return;
        asked.push(request.url().split("/").at(-2));
        waiting.most = Math.max(waiting.most, ++waiting.now);
      });
      page.on("requestfinished", done);
      page.on("requestfailed", done);
    },
  });
  return { ...opened, asked, waiting };
};

/** The rows that are in view, and those that have a line. */
const rows = (page) =>
  page.evaluate(() => {
    const all = [...document.querySelectorAll("#side .spark")];
    const isSeen = (spark) => {
      const { top, bottom } = spark.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    };
    const drawn = all.filter((spark) => spark.firstElementChild.getAttribute("d"));
    return { all: all.length, seen: all.filter(isSeen).length, drawn: drawn.length };
  });

const allInViewAreDrawn = (page) =>
  page.waitForFunction(() => {
    const seen = [...document.querySelectorAll("#side .spark")].filter((spark) => {
      const { top, bottom } = spark.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    return seen.length > 10 && seen.every((spark) => spark.firstElementChild.getAttribute("d"));
  });

test("what is in view has a line, each asked for once, one after the other", async (t) => {
  const { page, asked, waiting, expectQuiet, close } = await openList();
  await allInViewAreDrawn(page);
  const first = await rows(page);
  assert.equal(first.all, 50);
  assert.ok(first.drawn < first.all, "what nobody sees was asked for");
  assert.equal(new Set(asked).size, asked.length, "a session was asked for twice");
  assert.equal(waiting.most, 1, "several were asked for at once");
  const headings = await page.evaluate(() =>
    [...document.querySelectorAll("#side h2")].map((one) => one.getClientRects()[0].height),
  );
  assert.ok(Math.max(...headings) < 30, "a heading is broken into two lines");
  const lefts = await page.evaluate(() =>
    [...document.querySelectorAll("#side .spark")].map((one) => one.getBoundingClientRect().left),
  );
  assert.equal(new Set(lefts).size, 1, "the lines do not stand below each other");
  t.diagnostic(`${first.all} sessions, ${first.seen} in view, ${asked.length} requests`);

  await page.evaluate(() => document.querySelector("#side").scrollTo(0, 1e6));
  await page.waitForFunction(
    () => document.querySelector("#side li:last-child .spark path").getAttribute("d") !== null,
  );
  await expectQuiet();
  await close();
});

test("a session is asked for again when it has made a step, and no other one is", async () => {
  const { page, asked, expectQuiet, close } = await openList();
  await allInViewAreDrawn(page);
  const line = () =>
    page.evaluate(() =>
      document
        .querySelector('#side [data-session="pump-7"] path, #side li:first-child .spark path')
        .getAttribute("d"),
    );
  const before = await line();
  const { length } = asked;
  await grud.ask("POST", "/v1/models/sunspots/sessions/pump-7/step", { x: [400] });
  await page.waitForFunction(
    (old) => document.querySelector('#side [data-session="pump-7"] path').getAttribute("d") !== old,
    before,
  );
  assert.deepEqual(asked.slice(length), ["pump-7"]);
  assert.equal(await page.locator("#side .spark").first().getAttribute("aria-hidden"), "true");
  await expectQuiet();
  await close();
});

test("on a phone nothing is asked for until the list is opened", async () => {
  const { page, asked, expectQuiet, close } = await openList({ width: 360 });
  await page
    .getByText(/step 6[01]/)
    .first()
    .waitFor();
  await page.waitForFunction(() => document.querySelectorAll("#side .spark").length === 50);
  assert.deepEqual(asked, []);
  await page.getByRole("button", { name: "models and sessions" }).click();
  await allInViewAreDrawn(page);
  await expectQuiet();
  await close();
});
