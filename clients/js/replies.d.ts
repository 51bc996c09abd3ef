/**
 * What grud takes and answers, as types. docs/API.md says what each field means.
 *
 * Shapes are in capitals: I inputs, O outputs, T rows of a series, H steps ahead. Values are in raw
 * units, those of the readings.
 */

type Value = number | null | undefined;
/** One reading: I values in the order of the model's inputs, or by their names. null and NaN are
 * missing; so is a name that is left out. */
export type X = ArrayLike<Value> | { [name: string]: Value };
/** T readings. */
export type Rows = ReadonlyArray<X>;
/** When a reading was taken: Unix seconds, or RFC 3339 text with an offset. */
export type At = number | string;
/** Coverage of prediction intervals, as 0.9, or several. */
export type Level = number | ReadonlyArray<number>;
/** A series of training data: T readings, or with what the outputs should have been. */
export type Series = Rows | { x: Rows; y: Rows };

/** A reading of a stream of many sessions. */
export interface Reading {
  session: string;
  x: X;
  at?: At;
  seq?: number;
}

export interface Ahead {
  horizon?: number;
  level?: Level;
  /** H rows of the inputs that no output feeds */
  future?: Rows;
}

/** A threshold of an output. */
export type Crossing = { output: string; above: number } | { output: string; below: number };

/** Of the first output, one step ahead, unless it says more. */
export type Explain = boolean | { output?: string; ahead?: number };

export interface StepOptions extends Ahead {
  at?: At;
  seq?: number;
  begin?: boolean;
  fill?: boolean;
  late?: "amend";
  step?: number;
  /** forecasts are mixed with persistence and others, as far as they have been better */
  blend?: boolean;
  crossing?: Crossing;
  /** how unusual this reading was, given what had been forecast for it */
  anomaly?: boolean;
  explain?: Explain;
}

export interface Interval {
  level: number;
  lower: (number | null)[][]; // H × O
  upper: (number | null)[][]; // H × O
  coverage: (number | null)[]; // H
  observed: number[]; // H
  saturated: boolean;
}

/** What `y`, `forecast` and `intervals` are mixed of. */
export interface Blend {
  weights: { model: number; persistence: number; seasonal_naive?: number; level: number };
}

/** When a threshold will be crossed; null: never, or there is nothing to calibrate from. */
export interface CrossingReply {
  ahead: number | null;
  probability: number | null;
  by_horizon: (number | null)[] | null; // H
}

/** How unusual a reading was: of those that are as all others were, a share p has at most p. */
export interface Anomaly {
  p_value: number;
  /** where there are several outputs whose truth comes */
  by_output?: { [output: string]: number | null };
}

/** Why a forecast is what it is: `value` is the sum of all others. */
export interface Explanation {
  output: string;
  ahead: number;
  value: number;
  baseline: number;
  state: number;
  inputs: { name: string; contribution: number }[];
  residual: number;
}

/** A repetition of an earlier step than the last has only session, step and repeated. */
export interface StepReply {
  session: string;
  step: number;
  version?: number;
  y?: number[]; // O, or H × O where the model forecasts several steps
  forecast?: number[][]; // H × O
  intervals?: Interval[];
  blend?: Blend;
  crossing?: CrossingReply;
  anomaly?: Anomaly | null; // null: there is nothing to compare with
  explanation?: Explanation;
  missing?: string[];
  repeated?: boolean;
  filled?: number;
  restarted?: boolean;
  amended?: number;
}

export interface ForecastReply {
  session: string;
  step: number;
  version: number;
  forecast: number[][]; // H × O
  intervals?: Interval[];
  blend?: Blend;
  crossing?: CrossingReply;
  explanation?: Explanation;
}

export interface PredictOptions extends Ahead {
  /** y of the last row alone */
  last?: boolean;
  version?: number;
}

export interface Prediction {
  model?: string;
  version?: number;
  y: number[][]; // T × O, or 1 × O of the last row alone
  forecast?: number[][]; // H × O
  intervals?: Interval[];
}

export interface EvaluateOptions {
  /** T × O, of the outputs that feed no input */
  y?: Rows;
  horizon?: number;
  /** rows in a season, as 24 for hours */
  season?: number;
  level?: number;
  version?: number;
}

/** Of a back-test; docs/EVALUATION.md has the formulas. null: cannot be said. */
export interface Figures {
  n: number;
  mae: number | null;
  rmse: number | null;
  smape: number | null;
  mase: number | null;
  rse: number | null;
  corr: number | null;
  skill_vs_persistence: number | null;
  skill_vs_seasonal_naive: number | null;
  coverage: number | null;
  mean_width: number | null;
  interval_score: number | null;
  pinball: number | null;
  n_intervals: number;
}

export interface Evaluation extends Figures {
  model: string;
  version: number;
  windows: number;
  horizon: number;
  season: number | null;
  level: number;
  by_horizon: (Figures & { ahead: number })[];
  by_output: (Figures & { output: string })[];
}

/** Times are Unix seconds. */
export interface SessionLine {
  session: string;
  step: number;
  version: number;
  created_at: number;
  last_seen_at: number;
  expires_at: number | null;
}

/** All that a session is: `put` restores it. */
export interface SessionState extends SessionLine {
  [field: string]: unknown;
}

/** What a session took in, and what had been forecast for it then. */
export interface PastReading {
  step: number;
  at: number | null;
  x: (number | null)[];
  y: (number | null)[] | null;
}

/** Of a session: a step with its x and at, or its end. `id` is what `after` takes. */
export interface SessionEvent {
  type: string;
  id: string | null;
  data: any;
}

export interface Version {
  version: number;
  created_at: number;
  parent: number | null;
  job: string | null;
  digest: string;
  parameters: number;
  verified: boolean;
  metrics: { [name: string]: number | null } | null;
}

export interface Model {
  name: string;
  active_version: number;
  versions: Version[];
  inputs: { name: string; unit: string; mean: number; std: number }[];
  outputs: { name: string; unit: string; mean: number; std: number; feeds: string | null }[];
  layers: { [field: string]: unknown }[];
  activation: string;
  horizon_capable: boolean;
  sessions: number;
  drift: {
    state: "none" | "drifting";
    ratio: number | null;
    alarms: number;
    detected_at: number | null;
    detector: "page_hinkley" | "adwin" | null;
    statistic: number | null;
    last_job: { at: number; job: string | null; reason: string | null } | null;
  };
}

/** docs/API.md has every field. */
export interface RuleWanted {
  url: string;
  prefix?: string;
  for?: number;
  format?: "json" | "alertmanager";
  [condition: string]: unknown;
}

export interface Rule extends RuleWanted {
  name: string;
  model: string;
  created_at: number;
  states: { firing: number; pending: number };
  webhook: {
    last_success_at: number | null;
    last_failure: { at: number; reason: string } | null;
    failures: number;
  };
  firing?: { session: string; since: number; step: number; value: number | null }[];
}

/** docs/FINE_TUNING.md has every field. One of series, sessions and sessions_prefix is the data. */
export interface FineTuneOptions {
  series?: Iterable<Series> | AsyncIterable<Series>;
  sessions?: Iterable<string>;
  sessions_prefix?: string;
  version?: number;
  validation?: { [field: string]: unknown } | null;
  hyperparameters?: { [name: string]: unknown };
  /** instead of hyperparameters: trials find out which network is best */
  recipe?: "auto" | { type: "auto"; horizon?: number };
  promotion?: { [field: string]: unknown };
  seed?: number;
  max_seconds?: number;
  dry_run?: boolean;
  suffix?: string;
  metadata?: { [name: string]: unknown };
}

/** A network that a recipe has trained, or a naive forecast. */
export interface Trial {
  kind: string;
  transform: unknown;
  residual: boolean;
  width: number;
  steps: number;
  horizon_loss: number;
  all_rows: boolean;
  state: string;
  n_epochs: number;
  best_epoch: number;
  error: number | null;
  chosen: boolean;
}

export interface JobState {
  id: string;
  model: string;
  base_version: number;
  fine_tuned_version: number | null;
  status: "validating" | "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled";
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  estimated_finish: number | null;
  /** n_epochs: null of a recipe */
  progress: { epoch: number; n_epochs: number | null; step: number; n_steps: number | null };
  hyperparameters: { [name: string]: unknown } | null; // null of a recipe
  recipe: { type: "auto"; horizon: number; trials: Trial[] } | null;
  metrics: { [name: string]: number | null };
  promotion: { policy: string; state: string; reason: string | null };
  error: { code: string; message: string; param: string | null } | null;
  [field: string]: unknown;
}

/** `data` has step, epoch, train_loss, valid_loss, grad_norm and lr where type is "metrics". */
export interface JobEvent {
  id: string;
  created_at: number;
  level: string;
  type: string;
  message: string;
  data: { [name: string]: number | null } | null;
}
