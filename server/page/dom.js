/**
 * dom.js - elements, and when they are drawn. Text is text: nothing that grud says becomes markup.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element. What begins with `on` is a listener, what the element has is set, and all else is an
 * attribute.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...Child} children
 */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) Object.assign(element, { [name]: value });
    else element.setAttribute(name, value);
  }
  put(element, ...children);
  return element;
}

/** @param {string} text @param {() => void} onclick */
export const button = (text, onclick, className = "") =>
  el("button", { type: "button", className, onclick }, text);

/** Replaces what is in an element. @param {Element} element @param {...Child} children */
export function put(element, ...children) {
  const kept = children.filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...kept.map((child) => (child instanceof Node ? child : String(child))));
}

/** Sets a text, and touches nothing if it is that. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`. An element stays as long as its item is there, and
 * so do focus and selection.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} create
 * @param {(element: HTMLElement, item: T) => void} update
 */
export function list(parent, items, keyOf, create, update) {
  const children = /** @type {HTMLElement[]} */ ([...parent.children]);
  const known = new Map(children.map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const element = known.get(key) ?? create(item);
    known.delete(key);
    element.dataset.key = key;
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const element of known.values()) element.remove();
}

/**
 * A table, in a region that scrolls.
 * @param {HTMLElement} root
 * @param {string} caption
 * @param {string[]} heads
 * @param {Child[][]} rows
 */
export function putTable(root, caption, heads, rows) {
  const line = (/** @type {"th" | "td"} */ tag, /** @type {Child[]} */ cells) =>
    el("tr", null, ...cells.map((cell) => el(tag, null, cell)));
  const head = el("thead", null, line("th", heads));
  const body = el("tbody", null, ...rows.map((row) => line("td", row)));
  root.className = "rows";
  root.tabIndex = 0;
  root.role = "region";
  root.ariaLabel = caption;
  put(root, el("table", null, el("caption", { className: "unseen" }, caption), head, body));
}

/** Says it to everybody: a line at the bottom, which screen readers read. @param {string} text */
export function say(text) {
  write(byId("said"), text);
  setTimeout(() => write(byId("said"), ""), SAID_MS);
}

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A button that asks once: the first press asks, the second does it.
 * @param {string} label
 * @param {() => Promise<void>} act
 */
export function askingButton(label, act) {
  const rest = () => {
    asker.classList.remove("asking");
    write(asker, label);
  };
  const asker = button(label, async () => {
    if (asker.classList.toggle("asking")) {
      write(asker, `really ${label}?`);
      return say(`Press again to ${label}.`);
    }
    rest();
    asker.disabled = true;
    await act().finally(() => (asker.disabled = false));
  });
  asker.addEventListener("blur", rest);
  return asker;
}

const SAID_MS = 6000;
const SHARE = 100; // painting comes on top of what can be measured here
const WAIT_MAX_MS = 250;

/**
 * Draws once a frame at most, and for a small part of the time: what takes long is drawn less often.
 * What came last is always shown.
 * @param {() => void} draw
 * @returns {() => void} asks for it
 */
export function drawLater(draw) {
  let isAsked = false;
  let notBefore = 0;
  const run = () => {
    isAsked = false;
    const begin = performance.now();
    draw();
    // uPlot draws in a microtask that it has asked for by now.
    queueMicrotask(() => {
      notBefore = begin + Math.min(WAIT_MAX_MS, SHARE * (performance.now() - begin));
    });
  };
  return () => {
    if (isAsked) return;
    isAsked = true;
    const wait = notBefore - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(run), wait);
    else requestAnimationFrame(run);
  };
}
