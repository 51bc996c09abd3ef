/**
 * A client of grud, which serves GRU and LSTM forecasting models over HTTP: one ES module, for
 * browsers and Node 18 or later, without dependencies. `Client` is where to begin.
 *
 * Shapes are in capitals: I inputs, O outputs, T rows of a series, H steps ahead. Values are in raw
 * units; null, undefined and NaN are missing. Each call may reject with a GrudError.
 *
 * @typedef {import("./replies").X} X
 * @typedef {import("./replies").Rule} Rule
 * @typedef {import("./replies").RuleWanted} RuleWanted
 * @typedef {import("./replies").Rows} Rows
 * @typedef {import("./replies").Reading} Reading
 * @typedef {import("./replies").Series} Series
 * @typedef {import("./replies").Ahead} Ahead
 * @typedef {import("./replies").StepOptions} StepOptions
 * @typedef {import("./replies").StepReply} StepReply
 * @typedef {import("./replies").ForecastReply} ForecastReply
 * @typedef {import("./replies").PredictOptions} PredictOptions
 * @typedef {import("./replies").Prediction} Prediction
 * @typedef {import("./replies").EvaluateOptions} EvaluateOptions
 * @typedef {import("./replies").Evaluation} Evaluation
 * @typedef {import("./replies").SessionLine} SessionLine
 * @typedef {import("./replies").SessionState} SessionState
 * @typedef {import("./replies").SessionEvent} SessionEvent
 * @typedef {import("./replies").PastReading} PastReading
 * @typedef {import("./replies").Model} Model
 * @typedef {import("./replies").FineTuneOptions} FineTuneOptions
 * @typedef {import("./replies").JobState} JobState
 * @typedef {import("./replies").JobEvent} JobEvent
 */

const JSON_TYPE = "application/json";
const LINES = "application/x-ndjson";
const OCTETS = "application/octet-stream";
const EVENTS = "text/event-stream";
const DELAY_FIRST_MS = 50;
const DELAY_MAX_MS = 5000;
/** No session gets this far, so grud refuses it and says which number it expects. */
const SEQ_UNKNOWN = Number.MAX_SAFE_INTEGER;
const SESSIONS_COUNTED_MAX = 100000;
/** What becomes of a session whose client is gone. */
const PREDICT_TTL_SECONDS = 3600;
/** Codes of lines and requests that may well succeed a moment later. */
const PASSING = new Set(["overloaded", "not_ready", "rate_limited", "too_many_connections",
  "out_of_memory", "storage_failed", "unreachable"]);
const SEQUENCE_HELP = "; the client's count of this session is not grud's: another program steps " +
  "it too, it has expired, it was deleted or restored, or an earlier reading whose answer was " +
  "lost has been taken. The next step of this client asks grud for its count";

/** A request, or one reading of a stream, that failed. */
export class GrudError extends Error {
  /**
   * @param {string} code stable, such as "session_expired" (docs/API.md lists them). "unreachable",
   *   the client's own: no whole answer came, so it is open whether the request was done.
   * @param {string} message what was wrong and what was expected
   * @param {{param?: string | null, status?: number, retryAfter?: number | null,
   *   details?: {[name: string]: any}}} [more] param: the path of the field; status: of HTTP, 0
   *   where there is none; retryAfter: seconds; details: the error object as grud sent it
   */
  constructor(code, message, more = {}) {
    super(message + (code === "sequence_mismatch" ? SEQUENCE_HELP : ""));
    this.name = "GrudError";
    this.code = code;
    this.param = more.param ?? null;
    this.status = more.status ?? 0;
    this.retryAfter = more.retryAfter ?? null;
    this.details = more.details ?? {};
  }

  /** Of sequence_mismatch, the number that the session's next step gets. @returns {number | null} */
  get expected() {
    return this.details.expected ?? null;
  }

  /** Whether the same request may succeed a moment later. */
  get isPassing() {
    return this.status === 429 || this.status === 503 || PASSING.has(this.code);
  }

  /**
   * From {"error": {…}}. What is no such object came from something between, as a proxy.
   * @param {any} reply
   * @param {number} [status]
   * @param {number | null} [retryAfter]
   */
  static fromReply(reply, status = 0, retryAfter = null) {
    const error = reply?.error;
    if (typeof error !== "object" || error === null) {
      return new GrudError("unexpected_reply", `HTTP ${status} without an error of grud's: is the ` +
        "URL that of a grud?", { status, retryAfter });
    }
    return new GrudError(error.code ?? "", error.message ?? "",
      { param: error.param, status, retryAfter, details: error });
  }
}

// ---- requests ----

/** /v1/… of these names. @param {...(string | number)} parts */
function path(...parts) {
  return "/v1/" + parts.map((part) =>
    encodeURIComponent(part).replace(/%3A/g, ":")).join("/");
}

/** As JSON has it: NaN is null, typed arrays are arrays. Infinity is text, so that grud refuses it
 * and names its place. @param {any} value */
function encode(value) {
  return JSON.stringify(value, (_, item) =>
    typeof item === "number" && !Number.isFinite(item) ? (Number.isNaN(item) ? null : String(item))
      : ArrayBuffer.isView(item) ? Array.from(/** @type {any} */ (item)) : item);
}

/** @param {string} text */
function decode(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new GrudError("unexpected_reply", "the reply is not JSON: is the URL that of a grud?");
  }
}

/** Not crypto.randomUUID: pages that are served without TLS lack it. */
function randomId() {
  return [1, 2, 3].map(() => Math.random().toString(36).slice(2)).join("");
}

/** Without what is not given. @param {{[name: string]: any}} fields */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Waits between tries, longer each time, for so many seconds in all. */
class Backoff {
  #end;
  #delay = DELAY_FIRST_MS;

  /** @param {number} seconds */
  constructor(seconds) {
    this.#end = performance.now() + 1000 * seconds;
  }

  /** Rejects with the error if no try is left. @param {any} error */
  async wait(error) {
    let delay = this.#delay * (0.5 + 0.5 * Math.random());
    delay = Math.max(delay, 1000 * (error.retryAfter ?? 0));
    if (!(error instanceof GrudError) || !error.isPassing ||
        performance.now() + delay > this.#end) {
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
    this.#delay = Math.min(2 * this.#delay, DELAY_MAX_MS);
  }
}

/** One grud. */
class Transport {
  #base;
  #key;
  #timeoutMs;

  /** @param {string} url @param {string | undefined} key @param {number} timeout
   * @param {number} retrySeconds */
  constructor(url, key, timeout, retrySeconds) {
    this.#base = new URL(url).href.replace(/\/+$/, "");
    this.#key = key;
    this.#timeoutMs = 1000 * timeout;
    this.retrySeconds = retrySeconds;
  }

  /**
   * Sends a request and gives its reply, whose status is below 400. Each sign of life has `timeout`
   * to come; `alive` tells of one. `close` ends it, and has to be called.
   * @param {string} method @param {string} target
   * @param {{body?: BodyInit, media?: string, headers?: {[name: string]: string},
   *   signal?: AbortSignal}} asked
   */
  async open(method, target, asked) {
    const controller = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(new Error("it took too long")), this.#timeoutMs);
    };
    const stop = () => controller.abort(asked.signal?.reason);
    const close = () => {
      clearTimeout(timer);
      asked.signal?.removeEventListener("abort", stop);
      controller.abort();
    };
    asked.signal?.throwIfAborted();
    asked.signal?.addEventListener("abort", stop);
    alive();
    try {
      const response = await fetch(this.#base + target, {
        method, body: asked.body, signal: controller.signal, cache: "no-store",
        headers: {
          ...asked.headers,
          ...(asked.body !== undefined && { "Content-Type": asked.media ?? JSON_TYPE }),
          ...(this.#key !== undefined && { Authorization: `Bearer ${this.#key}` }),
        },
      });
      if (response.status >= 400) {
        throw await refusal(response);
      }
      return { response, alive, close };
    } catch (error) {
      close();
      throw this.failure(error, asked.signal);
    }
  }

  /** What is thrown on: the caller's own end, or what grud says, or that it has not answered.
   * @param {any} error @param {AbortSignal} [signal] */
  failure(error, signal) {
    return error instanceof GrudError || signal?.aborted ? error : this.unreachable(error);
  }

  /** @param {any} error */
  unreachable(error) {
    const reason = error?.cause?.message || error?.message || error;
    return new GrudError("unreachable", `no whole answer from ${this.#base}: ${reason}`);
  }

  /** The reply's bytes, after one try. @param {string} method @param {string} target
   * @param {{body?: BodyInit, media?: string}} asked */
  async once(method, target, asked) {
    const { response, close } = await this.open(method, target, asked);
    try {
      return await response.arrayBuffer();
    } catch (error) {
      throw this.failure(error);
    } finally {
      close();
    }
  }

  /**
   * The reply's bytes. What is repeatable is tried again for `retrySeconds` after no answer, 429
   * and 503; anything else is sent once.
   * @param {string} method @param {string} target
   * @param {{body?: BodyInit, media?: string, query?: {[name: string]: any},
   *   isRepeatable?: boolean}} [asked]
   * @returns {Promise<ArrayBuffer>}
   */
  async request(method, target, asked = {}) {
    const query = new URLSearchParams(given(asked.query ?? {})).toString();
    const backoff = new Backoff(asked.isRepeatable ? this.retrySeconds : 0);
    for (;;) {
      try {
        return await this.once(method, query ? `${target}?${query}` : target, asked);
      } catch (error) {
        if (!asked.isRepeatable) {
          throw error;
        }
        await backoff.wait(error);
      }
    }
  }

  /**
   * The same, of JSON for JSON; null for an empty reply.
   * @param {string} method @param {string} target
   * @param {{value?: any, query?: {[name: string]: any}, isRepeatable?: boolean}} [asked]
   * @returns {Promise<any>}
   */
  async json(method, target, asked = {}) {
    const body = asked.value === undefined ? undefined : encode(asked.value);
    const text = new TextDecoder().decode(await this.request(method, target, { ...asked, body }));
    return text ? decode(text) : null;
  }

  /**
   * Server-Sent Events, live, until the source ends them. A connection that is cut goes on behind
   * the last event that came whole.
   * @param {string} target
   * @param {{after?: string, signal?: AbortSignal, query?: {[name: string]: any}}} asked
   * @param {(event: SessionEvent) => boolean} isLast
   * @returns {AsyncGenerator<SessionEvent, void, undefined>}
   */
  async *events(target, asked, isLast) {
    const query = new URLSearchParams(given(asked.query ?? {})).toString();
    let after = asked.after;
    let backoff = new Backoff(this.retrySeconds);
    for (;;) {
      let close = () => {};
      try {
        const headers = { Accept: EVENTS, ...(after !== undefined && { "Last-Event-ID": after }) };
        const exchange = await this.open("GET", query ? `${target}?${query}` : target,
          { headers, signal: asked.signal });
        close = exchange.close;
        if (exchange.response.status === 204) { // nothing is left to come
          return;
        }
        try {
          for await (const event of parseEvents(exchange.response, exchange.alive)) {
            after = event.id ?? after;
            yield event;
            if (isLast(event)) {
              return;
            }
          }
        } finally { // the time begins with the cut, however long there was nothing to tell
          backoff = new Backoff(this.retrySeconds);
        }
        throw new Error("the events have ended");
      } catch (error) {
        if (asked.signal?.aborted) {
          throw error;
        }
        close();
        await backoff.wait(this.failure(error));
      } finally {
        close();
      }
    }
  }
}

/** @param {Response} response @returns {Promise<GrudError>} */
async function refusal(response) {
  const after = response.headers.get("Retry-After") ?? "";
  const text = await response.text();
  let reply = null;
  try {
    reply = JSON.parse(text);
  } catch {
    // not grud's
  }
  return GrudError.fromReply(reply, response.status, /^\d+$/.test(after) ? Number(after) : null);
}

/**
 * Of Server-Sent Events (WHATWG HTML, 9.2.6), the type, the id and the data. One that is cut off is
 * no event.
 * @param {Response} response @param {() => void} alive
 * @returns {AsyncGenerator<SessionEvent, void, undefined>}
 */
async function* parseEvents(response, alive) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let rest = "", type = "message";
  /** @type {string | null} */
  let id = null;
  /** @type {string[]} */
  let data = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    alive();
    const lines = (rest + decoder.decode(part.value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.replace(/\r$/, "");
      const [field = "", value = ""] = line.split(/: ?(.*)/s);
      if (line === "" && data.length > 0) {
        yield { type, id, data: decode(data.join("\n")) };
      }
      if (line === "") {
        type = "message";
        data = [];
      } else if (field === "data") {
        data.push(value);
      } else if (field === "event") {
        type = value;
      } else if (field === "id") {
        id = value;
      }
    }
  }
}

// ---- steps ----

/** The number of the next step, of the sessions that were used last. */
class Counts {
  /** @type {Map<string, number>} */
  #next = new Map();

  /** @param {string} model @param {string} session */
  get(model, session) {
    return this.#next.get(`${model}/${session}`) ?? SEQ_UNKNOWN;
  }

  /** @param {string} model @param {string} session @param {number} number */
  set(model, session, number) {
    this.forget(model, session);
    this.#next.set(`${model}/${session}`, number);
    if (this.#next.size > SESSIONS_COUNTED_MAX) {
      this.#next.delete(this.#next.keys().next().value ?? "");
    }
  }

  /** @param {string} model @param {string} session */
  forget(model, session) {
    this.#next.delete(`${model}/${session}`);
  }
}

/** A reading of a batch, until it has its outcome. */
class Line {
  /** @param {Reading} reading @param {boolean} isCounting */
  constructor(reading, isCounting) {
    this.reading = reading;
    this.isCounted = isCounting && reading.seq === undefined && reading.at === undefined;
    this.seq = reading.seq;
    this.isOpen = false; // it was sent, and its answer was lost
    /** @type {StepReply | GrudError | undefined} */
    this.outcome = undefined;
  }

  /** Whether grud knows it again, by its number or its time. */
  get isRepeatable() {
    return this.isCounted || this.seq !== undefined || this.reading.at !== undefined;
  }

  get hasNumber() {
    return this.seq !== undefined && this.seq !== SEQ_UNKNOWN;
  }

  /** @param {Ahead} fields */
  encode(fields) {
    const { session, x, at } = this.reading;
    return encode(given({ session, x, ...fields, seq: this.seq, at })) + "\n";
  }
}

/** Steps, counted so that each is taken once, however often it has to be sent. */
class Steps {
  #transport;
  #isCounting;
  /** @type {Map<string, Promise<unknown>>} the last step of each session that is under way */
  #last = new Map();

  /** @param {Transport} transport @param {boolean} isCounting */
  constructor(transport, isCounting) {
    this.#transport = transport;
    this.#isCounting = isCounting;
    this.counts = new Counts();
  }

  /** One step. Those of a session go one after the other, whether they are awaited or not.
   * @param {string} model @param {string} session @param {X} x @param {StepOptions} fields
   * @returns {Promise<StepReply>} */
  one(model, session, x, fields) {
    const name = `${model}/${session}`;
    const before = this.#last.get(name) ?? Promise.resolve();
    const step = before.then(() => this.#one(model, session, x, fields));
    const settled = step.catch(() => {}).then(() => {
      if (this.#last.get(name) === settled) {
        this.#last.delete(name);
      }
    });
    this.#last.set(name, settled);
    return step;
  }

  /** @param {string} model @param {string} session @param {X} x @param {StepOptions} fields
   * @returns {Promise<StepReply>} */
  async #one(model, session, x, fields) {
    const target = path("models", model, "sessions", session, "step");
    const isOwn = [fields.seq, fields.at, fields.step].some((field) => field !== undefined);
    if (isOwn || !this.#isCounting) {
      this.counts.forget(model, session);
      return this.#transport.json("POST", target,
        { value: given({ x, ...fields }), isRepeatable: isOwn });
    }
    for (;;) {
      const seq = this.counts.get(model, session);
      try {
        const reply = await this.#transport.json("POST", target,
          { value: given({ x, seq, ...fields }), isRepeatable: true });
        this.counts.set(model, session, reply.step + 1);
        return reply;
      } catch (error) {
        const expected = error instanceof GrudError ? error.expected : null;
        if (expected !== null && seq === SEQ_UNKNOWN) {
          this.counts.set(model, session, expected);
          continue;
        }
        if (expected !== null) {
          this.counts.forget(model, session);
        }
        throw error;
      }
    }
  }

  /** An outcome for each reading, in order.
   * @param {string} model @param {Iterable<Reading> | AsyncIterable<Reading>} readings
   * @param {Ahead} fields @param {number} nBatch
   * @returns {AsyncGenerator<StepReply | GrudError, void, undefined>} */
  async *stream(model, readings, fields, nBatch) {
    /** @type {Line[]} */
    let batch = [];
    for await (const reading of readings) {
      batch.push(new Line(reading, this.#isCounting));
      if (batch.length >= nBatch) {
        yield* await this.#finish(model, batch, fields);
        batch = [];
      }
    }
    yield* await this.#finish(model, batch, fields);
  }

  /** Sends what has no outcome yet, until all lines have theirs.
   * @param {string} model @param {Line[]} batch @param {Ahead} fields */
  async #finish(model, batch, fields) {
    let backoff = new Backoff(this.#transport.retrySeconds);
    for (let nBefore = batch.length; nBefore > 0;) {
      const lines = this.#choose(model, batch.filter((line) => !line.outcome));
      const failure = await this.#send(model, batch, lines, fields);
      const nLeft = batch.filter((line) => !line.outcome).length;
      if (nLeft < nBefore) {
        backoff = new Backoff(this.#transport.retrySeconds);
      }
      if (failure) {
        await backoff.wait(failure);
      }
      nBefore = nLeft;
    }
    return batch.map((line) => /** @type {StepReply | GrudError} */ (line.outcome));
  }

  /** Those that go together: of each session one, or those whose numbers keep their order.
   * @param {string} model @param {Line[]} waiting */
  #choose(model, waiting) {
    const chosen = [];
    const closed = new Set(); // sessions of which no more may go
    /** @type {Map<string, number>} */
    const nOf = new Map();
    for (const line of waiting) {
      const session = line.reading.session;
      const n = nOf.get(session) ?? 0;
      if (line.isCounted) {
        const first = this.counts.get(model, session);
        line.seq = first === SEQ_UNKNOWN ? first : first + n;
      }
      if (closed.has(session) || (n > 0 && !line.hasNumber)) {
        closed.add(session);
        continue;
      }
      if (!line.hasNumber) {
        closed.add(session);
      }
      nOf.set(session, n + 1);
      chosen.push(line);
    }
    return chosen;
  }

  /** Returns what to wait for before the next try, if anything.
   * @param {string} model @param {Line[]} batch @param {Line[]} lines @param {Ahead} fields
   * @returns {Promise<GrudError | null>} */
  async #send(model, batch, lines, fields) {
    const body = lines.map((line) => line.encode(fields)).join("");
    /** @type {any[]} */
    let replies = [];
    /** @type {GrudError | null} */
    let failure = null;
    try {
      const bytes = await this.#transport.once("POST", path("models", model, "steps"),
        { body, media: LINES });
      replies = new TextDecoder().decode(bytes).split("\n").filter(Boolean).map(decode);
    } catch (error) {
      if (!(error instanceof GrudError) || !lines.every((line) => line.isRepeatable)) {
        throw error;
      }
      failure = error;
    }
    if (!failure && replies.length < lines.length) {
      failure = new GrudError("unreachable", "grud has answered a part of the lines");
    }
    const failed = new Set(); // sessions of which a line was not taken
    lines.forEach((line, k) => {
      if (k < replies.length) {
        failure = this.#take(model, batch, line, replies[k], failed) ?? failure;
      } else {
        line.isOpen = true;
      }
    });
    return failure;
  }

  /** Gives a line its outcome, or leaves it for another try; returns what that waits for.
   * @param {string} model @param {Line[]} batch @param {Line} line @param {any} reply
   * @param {Set<string>} failed @returns {GrudError | null} */
  #take(model, batch, line, reply, failed) {
    const session = line.reading.session;
    const wasOpen = line.isOpen;
    line.isOpen = false;
    if (!("error" in reply)) {
      line.outcome = reply;
      if (line.isCounted) {
        this.counts.set(model, session, reply.step + 1);
      } else {
        this.counts.forget(model, session);
      }
      return null;
    }
    const error = GrudError.fromReply(reply);
    const expected = error.expected;
    const isBehind = failed.has(session);
    failed.add(session);
    if (error.isPassing && line.isRepeatable) {
      return error;
    }
    if (expected !== null && isBehind) {
      return null; // only because the one before it was not taken
    }
    if (expected !== null && line.seq === SEQ_UNKNOWN) {
      this.counts.set(model, session, expected);
      return null;
    }
    if (wasOpen && line.seq !== undefined && wasTaken(batch, line, expected)) {
      line.outcome = { session, step: line.seq, repeated: true };
      failed.delete(session);
      if (line.isCounted) {
        this.counts.set(model, session, line.seq + 1);
      }
      return null;
    }
    if (expected !== null) {
      this.counts.forget(model, session);
    }
    line.outcome = error;
    return null;
  }
}

/** Whether a session that expects this number has taken the line when it was sent before. grud
 * itself says so only of the readings that it keeps (--session-history).
 * @param {Line[]} batch @param {Line} line @param {number | null} expected */
function wasTaken(batch, line, expected) {
  const newest = Math.max(...batch.filter((other) => other.reading.session === line.reading.session)
    .map((other) => other.seq ?? 0));
  return expected !== null && (line.seq ?? 0) < expected && expected <= newest + 1;
}

// ---- fine-tuning ----

/** One job. `state` is what grud last said of it. */
export class Job {
  #transport;

  /** @param {Transport} transport @param {JobState} state */
  constructor(transport, state) {
    this.#transport = transport;
    this.state = state;
  }

  get id() {
    return this.state.id;
  }

  get status() {
    return this.state.status;
  }

  /** Asks grud, and returns the state. @returns {Promise<JobState>} */
  async refresh() {
    this.state = await this.#transport.json("GET", path("fine_tuning", "jobs", this.id),
      { isRepeatable: true });
    return this.state;
  }

  /**
   * What has happened and what happens, live, until the job ends. A connection that is cut goes on
   * where it was. `after` is the id of an event: begins with the one behind it.
   * @param {{after?: string, signal?: AbortSignal}} [options]
   * @returns {AsyncGenerator<JobEvent, void, undefined>}
   */
  async *events(options = {}) {
    const target = path("fine_tuning", "jobs", this.id, "events");
    for await (const event of this.#transport.events(target, options, () => false)) {
      yield event.data;
    }
  }

  /**
   * The state once the job has ended; a paused job is waited for. `progress` is called with each
   * state. A job that fails is a GrudError with its own code and message.
   * @param {(state: JobState) => void} [progress]
   */
  async wait(progress) {
    for await (const _ of this.events()) {
      progress?.(await this.refresh());
    }
    await this.refresh();
    progress?.(this.state);
    if (this.state.error) {
      throw GrudError.fromReply({ error: this.state.error });
    }
    return this.state;
  }

  /** Lets it rest with what it has learnt. */
  pause() {
    return this.#steer("pause");
  }

  /** Lets a paused job go on. */
  resume() {
    return this.#steer("resume");
  }

  /** Ends it without a version. */
  cancel() {
    return this.#steer("cancel");
  }

  /** @param {string} verb @returns {Promise<JobState>} */
  async #steer(verb) {
    this.state = await this.#transport.json("POST", path("fine_tuning", "jobs", this.id, verb));
    return this.state;
  }

  /** Activates the version that it made, whatever the gate has said. @returns {Promise<Model>} */
  async promote() {
    const version = (await this.refresh()).fine_tuned_version;
    if (version === null) {
      throw new GrudError("job_status_conflict", `${this.id} is ${this.status} and has made no ` +
        "version that could be activated");
    }
    return this.#activate(version);
  }

  /** Activates the version that it began with. @returns {Promise<Model>} */
  rollBack() {
    return this.#activate(this.state.base_version);
  }

  /** @param {number} version @returns {Promise<Model>} */
  #activate(version) {
    return this.#transport.json("POST",
      path("models", this.state.model, "versions", version, "activate"), { isRepeatable: true });
  }

  /** Newest first. @returns {AsyncGenerator<{[field: string]: unknown}, void, undefined>} */
  checkpoints() {
    return pages(this.#transport, path("fine_tuning", "jobs", this.id, "checkpoints"), {});
  }
}

/** @param {Transport} transport @param {string} target @param {{[name: string]: any}} query
 * @returns {AsyncGenerator<any, void, undefined>} */
async function* pages(transport, target, query) {
  for (let after; ;) {
    const reply = await transport.json("GET", target,
      { query: { ...query, after }, isRepeatable: true });
    yield* reply.data;
    if (!reply.has_more) {
      return;
    }
    after = reply.data.at(-1).id;
  }
}

/** `client.jobs`; `client.fineTune` makes one. */
class Jobs {
  #transport;

  /** @param {Transport} transport */
  constructor(transport) {
    this.#transport = transport;
  }

  /** Newest first, fetched a page at a time. @param {{model?: string, status?: string}} [query]
   * @returns {AsyncGenerator<Job, void, undefined>} */
  async *list(query = {}) {
    for await (const state of pages(this.#transport, path("fine_tuning", "jobs"), query)) {
      yield new Job(this.#transport, state);
    }
  }

  /** @param {string} id */
  async get(id) {
    return new Job(this.#transport, await this.#transport.json("GET",
      path("fine_tuning", "jobs", id), { isRepeatable: true }));
  }

  /** Posts a job; its series are a line each.
   * @param {{[name: string]: any}} request
   * @param {Iterable<Series> | AsyncIterable<Series>} [series] */
  async create(request, series) {
    const target = path("fine_tuning", "jobs");
    if (!series) {
      return new Job(this.#transport, await this.#transport.json("POST", target,
        { value: request }));
    }
    const lines = [encode(request) + "\n"];
    for await (const one of series) {
      lines.push(encode("x" in one ? one : { x: one }) + "\n");
    }
    const bytes = await this.#transport.request("POST", target,
      { body: new Blob(lines), media: LINES });
    return new Job(this.#transport, decode(new TextDecoder().decode(bytes)));
  }
}

// ---- sessions and models ----

/** `client.sessions` */
class Sessions {
  #transport;
  #counts;

  /** @param {Transport} transport @param {Counts} counts */
  constructor(transport, counts) {
    this.#transport = transport;
    this.#counts = counts;
  }

  /** All sessions in the order of their ids, fetched a page at a time.
   * @param {string} model @param {{prefix?: string, page?: number}} [options]
   * @returns {AsyncGenerator<SessionLine, void, undefined>} */
  async *list(model, { prefix, page } = {}) {
    for (let after; ;) {
      const reply = await this.#transport.json("GET", path("models", model, "sessions"),
        { query: { prefix, limit: page, after }, isRepeatable: true });
      yield* reply.sessions;
      if (!reply.has_more) {
        return;
      }
      after = reply.sessions.at(-1).session;
    }
  }

  /** All that the session is: step, state, readings, errors, …; `put` restores it.
   * @param {string} model @param {string} session @returns {Promise<SessionState>} */
  get(model, session) {
    return this.#transport.json("GET", path("models", model, "sessions", session),
      { isRepeatable: true });
  }

  /** Restores what `get` gave, bit for bit, over a session that is there; or makes one that has
   * made no step: {ttl: 300}.
   * @param {string} model @param {string} session @param {{[field: string]: unknown}} [state]
   * @returns {Promise<SessionState>} */
  put(model, session, state = {}) {
    this.#counts.forget(model, session);
    return this.#transport.json("PUT", path("models", model, "sessions", session),
      { value: state, isRepeatable: true });
  }

  /** Copies the session to another id; both step on their own.
   * @param {string} model @param {string} session @param {string} to
   * @returns {Promise<SessionState>} */
  fork(model, session, to) {
    this.#counts.forget(model, to);
    return this.#transport.json("POST", path("models", model, "sessions", session, "fork"),
      { value: { to } });
  }

  /** Ends the session; its recordings go, too. @param {string} model @param {string} session */
  async delete(model, session) {
    this.#counts.forget(model, session);
    await this.#transport.json("DELETE", path("models", model, "sessions", session));
  }

  /** What the session took in and what had been forecast for it then, newest first, fetched a page
   * at a time.
   * @param {string} model @param {string} session @param {{before?: number, page?: number}} [options]
   * @returns {AsyncGenerator<PastReading, void, undefined>} */
  async *readings(model, session, { before, page } = {}) {
    for (;;) {
      const reply = await this.#transport.json("GET",
        path("models", model, "sessions", session, "readings"),
        { query: { limit: page, before }, isRepeatable: true });
      yield* reply.readings.reverse();
      if (!reply.has_more) {
        return;
      }
      before = reply.readings.at(-1).step;
    }
  }

  /** The steps of the session as they are made, with x and at, live, until it ends: events of type
   * "step", then "end". `after` is the id of an event: begins with the one behind it, as far as
   * readings are kept.
   * @param {string} model @param {string} session
   * @param {{after?: string, signal?: AbortSignal}} [options]
   * @returns {AsyncGenerator<SessionEvent, void, undefined>} */
  events(model, session, options = {}) {
    return this.#transport.events(path("models", model, "sessions", session, "events"), options,
      (event) => event.type === "end");
  }
}

/** `client.models` */
class Models {
  #transport;

  /** @param {Transport} transport */
  constructor(transport) {
    this.#transport = transport;
  }

  /** @returns {Promise<Model[]>} */
  async list() {
    return (await this.#transport.json("GET", path("models"), { isRepeatable: true })).models;
  }

  /** Inputs, outputs, layers, versions. @param {string} model @returns {Promise<Model>} */
  get(model) {
    return this.#transport.json("GET", path("models", model), { isRepeatable: true });
  }

  /** Makes the bytes of a safetensors file a new version of the model; the first one is active at
   * once. Sent once: a second upload would be another version.
   * @param {string} model @param {Blob | Uint8Array | ArrayBuffer} file @returns {Promise<Model>} */
  async upload(model, file) {
    const body = /** @type {BodyInit} */ (file);
    const bytes = await this.#transport.request("PUT", path("models", model),
      { body, media: OCTETS });
    return decode(new TextDecoder().decode(bytes));
  }

  /** The safetensors file of a version. @param {string} model @param {number} version */
  download(model, version) {
    return this.#transport.request("GET", path("models", model, "versions", version, "file"),
      { isRepeatable: true });
  }

  /** Lets the model serve this version; also the rollback. Live sessions go on.
   * @param {string} model @param {number} version @returns {Promise<Model>} */
  activate(model, version) {
    return this.#transport.json("POST", path("models", model, "versions", version, "activate"),
      { isRepeatable: true });
  }

  /** @param {string} model @param {number} version */
  async delete(model, version) {
    await this.#transport.json("DELETE", path("models", model, "versions", version));
  }

  /** The events of all sessions of the model, or of those with a prefix, in one stream, live.
   * @param {string} model @param {{prefix?: string, after?: string, signal?: AbortSignal}} [options]
   * @returns {AsyncGenerator<SessionEvent, void, undefined>} */
  events(model, { prefix, ...options } = {}) {
    return this.#transport.events(path("models", model, "events"),
      { ...options, query: { prefix } }, () => false);
  }
}

// ---- rules ----

/** `client.rules`: conditions on sessions, and the webhooks that tell of them (docs/RULES.md). */
class Rules {
  #transport;

  /** @param {Transport} transport */
  constructor(transport) {
    this.#transport = transport;
  }

  /** The rules of a model. @param {string} model @returns {Promise<Rule[]>} */
  async list(model) {
    return (await this.#transport.json("GET", path("models", model, "rules"),
      { isRepeatable: true })).rules;
  }

  /** One rule, with up to `limit` sessions in which it fires.
   * @param {string} model @param {string} rule @param {{limit?: number}} [options]
   * @returns {Promise<Rule>} */
  get(model, rule, { limit } = {}) {
    return this.#transport.json("GET", path("models", model, "rules", rule),
      { query: { limit }, isRepeatable: true });
  }

  /** Makes the rule, or puts it in the place of the one of that name.
   * @param {string} model @param {string} rule @param {RuleWanted} wanted
   * @returns {Promise<Rule>} */
  put(model, rule, wanted) {
    return this.#transport.json("PUT", path("models", model, "rules", rule),
      { value: wanted, isRepeatable: true });
  }

  /** Ends the rule, and what fires by it. @param {string} model @param {string} rule */
  async delete(model, rule) {
    await this.#transport.json("DELETE", path("models", model, "rules", rule));
  }
}

// ---- the client ----

/** One grud. */
export class Client {
  #transport;
  #steps;

  /**
   * @param {string} url such as "http://127.0.0.1:8080"
   * @param {{key?: string, timeout?: number, retrySeconds?: number, countSteps?: boolean}} [options]
   *   key: one of --api-keys, where grud asks for one. timeout: seconds that grud may be silent.
   *   retrySeconds: how long what may be sent again is tried again, after no answer, 429 and 503:
   *   reading, predicting, restoring, activating, and steps with a number or a time; anything else
   *   is sent once. countSteps: give each step its number (`seq`), so that it is taken once however
   *   often it has to be sent; one client at a time may then step a session.
   */
  constructor(url, { key, timeout = 60, retrySeconds = 60, countSteps = true } = {}) {
    this.#transport = new Transport(url, key, timeout, retrySeconds);
    this.#steps = new Steps(this.#transport, countSteps);
    this.models = new Models(this.#transport);
    this.sessions = new Sessions(this.#transport, this.#steps.counts);
    this.rules = new Rules(this.#transport);
    this.jobs = new Jobs(this.#transport);
  }

  /**
   * One reading in, the forecast of the next one out: `y`, O values. If it rejects with
   * "unreachable", step again with the same x: it is taken once.
   * @param {string} model @param {string} session @param {X} x @param {StepOptions} [options]
   *   at: when it was taken. horizon: H, for `forecast`, H × O. level: coverage of `intervals`.
   *   blend: forecasts are mixed with persistence and others, as far as they have been better.
   *   seq: the device's own number of the reading, with `begin` and `fill`; the client counts where
   *   there is neither `seq` nor `at`. late: "amend", with `at` or a `step`, puts it in its place.
   *   crossing: a threshold, for when the forecast and how probably a reading will cross it.
   *   anomaly: how unusual this reading was, given what had been forecast for it.
   *   explain: what each input has brought, in `explanation`.
   */
  step(model, session, x, options = {}) {
    return this.#steps.one(model, session, x, options);
  }

  /**
   * A stream: readings in, replies out, one for each, in order. A reading that is refused has a
   * GrudError in place of its reply, and the others go on. One that was taken when it was sent
   * before, and whose answer was lost, has a reply with `repeated` and without `y`.
   * @param {string} model
   * @param {Iterable<X> | AsyncIterable<X> | Iterable<Reading> | AsyncIterable<Reading>} readings x
   *   of one `session`, or {session, x, at, seq}
   * @param {{session?: string, horizon?: number, level?: import("./replies").Level,
   *   blend?: boolean, crossing?: import("./replies").Crossing, anomaly?: boolean,
   *   explain?: import("./replies").Explain, batch?: number}} [options] batch: readings of a
   *   request, and all that is held in memory; 1 for readings that arrive live
   */
  steps(model, readings, { session, batch = 64, ...fields } = {}) {
    return this.#steps.stream(model, readingsOf(readings, session), fields, batch);
  }

  /** Looks H steps ahead without a reading: `forecast`, H × O. Changes nothing.
   * @param {string} model @param {string} session @param {number} horizon
   * @param {{level?: import("./replies").Level, future?: Rows, blend?: boolean,
   *   crossing?: import("./replies").Crossing, explain?: import("./replies").Explain}} [options]
   * @returns {Promise<ForecastReply>} */
  forecast(model, session, horizon, options = {}) {
    return this.#transport.json("POST", path("models", model, "sessions", session, "forecast"),
      { value: given({ horizon, ...options }), isRepeatable: true });
  }

  /** A whole series in, T × I; `y` out, T × O, or 1 × O of the `last` row; no session is kept.
   * @param {string} model @param {Rows} x @param {PredictOptions} [options]
   * @returns {Promise<Prediction>} */
  predict(model, x, options = {}) {
    return this.#predict(model, { x }, options);
  }

  /** The same of several series, whose lengths may differ, in one request.
   * @param {string} model @param {ReadonlyArray<Rows>} instances @param {PredictOptions} [options]
   * @returns {Promise<Prediction[]>} */
  async predictMany(model, instances, options = {}) {
    const fields = { instances: instances.map((x) => ({ x })) };
    return (await this.#predict(model, fields, options)).results;
  }

  /** @param {string} model @param {{[name: string]: any}} fields
   * @param {PredictOptions} options @returns {Promise<any>} */
  #predict(model, fields, { last, ...options }) {
    return this.#transport.json("POST", path("models", model, "predict"), {
      value: given({ ...fields, ...options, return: last ? "last" : undefined }),
      isRepeatable: true,
    });
  }

  /** The `y` of each row, O values, of a series of any length, in slices: by a session that lives
   * for this alone. @param {string} model @param {Iterable<X> | AsyncIterable<X>} rows */
  async *predictRows(model, rows) {
    const session = `predict-${randomId()}`;
    await this.sessions.put(model, session, { ttl: PREDICT_TTL_SECONDS });
    let n = 0;
    try {
      for await (const outcome of this.steps(model, rows, { session })) {
        if (outcome instanceof GrudError) {
          throw outcome;
        }
        if (!outcome.y) {
          throw new GrudError("unreachable", `the answer to row ${n} was lost: begin again`);
        }
        yield outcome.y;
        n++;
      }
    } finally {
      await this.sessions.delete(model, session);
    }
  }

  /** A back-test: how good forecasts from each row of the series, T × I, would have been.
   * @param {string} model @param {Rows} x @param {EvaluateOptions} [options]
   * @returns {Promise<Evaluation>} */
  evaluate(model, x, options = {}) {
    return this.#transport.json("POST", path("models", model, "evaluate"),
      { value: given({ x, ...options }), isRepeatable: true });
  }

  /** Trains a copy of the model on `series`, or on what was recorded of `sessions` or of those with
   * a prefix ("" is all). `validation: null` asks for none. Sent once: a second request would be a
   * second job. @param {string} model @param {FineTuneOptions} options */
  async fineTune(model, { series, sessions, sessions_prefix, ...options }) {
    const training = given({ sessions: sessions && [...sessions], sessions_prefix });
    if (Object.keys(training).length + (series ? 1 : 0) !== 1) {
      throw new TypeError("one of series, sessions and sessions_prefix is the training data");
    }
    return this.jobs.create(given({ model, ...options, training: series ? undefined : training }),
      series);
  }
}

/** @param {any} readings @param {string | undefined} session
 * @returns {AsyncGenerator<Reading, void, undefined>} */
async function* readingsOf(readings, session) {
  for await (const reading of readings) {
    yield session === undefined ? reading : { session, x: reading };
  }
}
