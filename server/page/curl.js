/**
 * curl.js - a panel with what each has: a heading, its problem in words, its requests as commands.
 */
import { readKey } from "./api.js";
import { button, el, put, say, write } from "./dom.js";
/** @import { ApiError } from "./api.js" */
/** @import { Child } from "./dom.js" */

/** @typedef {{ method?: string, path: string, body?: unknown, isStream?: boolean }} Request */

/** @param {string} text for a POSIX shell */
const quoted = (text) =>
  /^[\w.,:/=@%+~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * A request as a command. A key stands in it as a variable, because commands are passed on.
 * @param {Request} request
 */
export function curlOf({ method = "GET", path, body, isStream }) {
  const words = ["curl", quoted(location.origin + path)];
  if (isStream) words.push("-N -H 'accept: text/event-stream'");
  if (readKey()) words.push('-H "authorization: Bearer $GRUD_KEY"');
  if (body) {
    words.push("-H 'content-type: application/json'", "-d", quoted(JSON.stringify(body)));
  } else if (method !== "GET") words.push("-X", method);
  return words.join(" ");
}

/** A button that shows commands and copies them. @param {() => Request[]} requests */
export function curlButton(requests) {
  const text = el("pre", { hidden: true, tabIndex: 0, ariaLabel: "curl commands" });
  const opener = button(
    "curl",
    async () => {
      const commands = requests().map(curlOf).join("\n");
      write(text, commands);
      text.hidden = !text.hidden;
      opener.ariaExpanded = String(!text.hidden);
      if (text.hidden) return;
      try {
        await navigator.clipboard.writeText(commands);
        say("copied");
      } catch {
        getSelection()?.selectAllChildren(text); // over plain HTTP a page may not copy
        say("selected, ready to be copied");
      }
    },
    "quiet copy",
  );
  opener.ariaExpanded = "false";
  opener.title = "show and copy the requests of this panel";
  return { opener, text };
}

/** @param {string} name @param {() => Request[]} requests @param {...Child} body */
export function panel(name, requests, ...body) {
  const heading = el("h2", null, name);
  const note = el("span", { className: "grey room" });
  const problem = el("p", { className: "problem", role: "alert", hidden: true });
  const { opener, text } = curlButton(requests);
  const head = el("div", { className: "head" }, heading, note, opener);
  const section = el("section", { ariaLabel: name }, head, text, problem, ...body);
  return {
    section,
    heading,
    note,
    /** @param {unknown} error in the words that grud chose; null: none */
    complain(error) {
      const { message, code } = /** @type {Partial<ApiError>} */ (error ?? {});
      problem.hidden = !error;
      put(problem, message, code && " ", code && el("code", null, code));
    },
  };
}
