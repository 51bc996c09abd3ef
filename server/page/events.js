/**
 * events.js - follows a stream of Server-Sent Events, and resumes it where it broke.
 *
 * It reads by fetch, because EventSource cannot send a key in a header.
 */
import { errorOf, send } from "./api.js";
/** @import { ApiError } from "./api.js" */

const PATIENCE_MS = 45_000; // grud sends a ping every 15 s at least
const RETRY_MAX_MS = 10_000;

/**
 * Cuts a stream's text, which comes in any pieces, into events.
 * @param {(event: { id: string, type: string, data: string }) => void} onEvent
 * @returns {(text: string) => void}
 */
export function eventParser(onEvent) {
  let rest = "";
  let event = { id: "", type: "message", data: "" };
  const takeLine = (/** @type {string} */ line) => {
    if (line === "") {
      if (event.data) onEvent({ ...event, data: event.data.slice(0, -1) });
      event = { id: event.id, type: "message", data: "" };
      return;
    }
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === "data") event.data += `${value}\n`;
    else if (name === "event") event.type = value;
    else if (name === "id") event.id = value;
  };
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    lines.forEach(takeLine);
  };
}

/**
 * Follows a stream until it ends, or the function that is returned is called.
 * @param {string} path
 * @param {object} told
 * @param {string} [told.lastId] the event that is known already
 * @param {(type: string, data: any) => void} told.onEvent
 * @param {(isOpen: boolean) => void} [told.onState]
 * @param {(error: ApiError | null) => void} told.onEnd nothing is left to come, or it was refused
 */
export function follow(path, { lastId = "", onEvent, onState, onEnd }) {
  let isStopped = false;
  let tries = 0;
  let timer = 0;
  let abort = new AbortController();
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    abort.abort();
  };
  const end = (/** @type {ApiError | null} */ error) => {
    if (!isStopped) onEnd(error);
    stop();
  };
  const read = async (/** @type {ReadableStream<Uint8Array>} */ body) => {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const take = eventParser(({ id, type, data }) => {
      if (isStopped) return;
      lastId = id || lastId;
      try {
        onEvent(type, JSON.parse(data));
      } catch (error) {
        reportError(error);
      }
    });
    for (;;) {
      timer = window.setTimeout(() => abort.abort(), PATIENCE_MS);
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      take(decoder.decode(value, { stream: true }));
    }
  };
  const connect = async () => {
    abort = new AbortController();
    const headers = new Headers({ accept: "text/event-stream" });
    if (lastId) headers.set("last-event-id", lastId);
    try {
      const response = await send("GET", path, undefined, { headers, signal: abort.signal });
      if (response.status === 204) return end(null);
      if (response.ok && response.body) {
        tries = 0;
        onState?.(true);
        await read(response.body);
      } else {
        const error = await errorOf(response);
        // Too many streams, or a grud that drains, is passing.
        if (error.status !== 429 && error.status < 500) return end(error);
      }
    } catch {
      // The connection broke, or was silent for too long.
    }
    if (isStopped) return;
    clearTimeout(timer);
    onState?.(false);
    timer = window.setTimeout(connect, Math.min(500 * 2 ** tries++, RETRY_MAX_MS));
  };
  connect();
  return stop;
}
