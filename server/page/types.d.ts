// types.d.ts - what /v1 answers, as far as the page reads it. For tsc alone: no browser gets it.

interface Column {
  name: string;
  unit: string;
  mean: number;
  std: number;
}
interface Output extends Column {
  feeds: string | null;
}
interface Version {
  version: number;
  created_at: number;
  parent: number | null;
  job: string | null;
  digest: string;
  parameters: number;
  metrics: Losses | null;
}
interface Drift {
  state: "none" | "drifting";
  ratio: number | null;
  alarms: number;
  detected_at: number | null;
  detector: "page_hinkley" | "adwin" | null;
  last_job: { at: number; job: string | null; reason: string | null } | null;
}
interface Model {
  name: string;
  active_version: number;
  versions: Version[];
  inputs: Column[];
  outputs: Output[];
  layers: { cell: string; reset?: string; input_size: number; hidden_size: number }[];
  activation: string;
  horizon_capable: boolean;
  sessions: number;
  interval_seconds?: number | null;
  drift: Drift;
}
interface SessionRow {
  session: string;
  model?: string;
  step: number;
  version: number;
  created_at: number;
  last_seen_at: number;
  expires_at: number | null;
}
interface Interval {
  level: number;
  lower: (number | null)[][];
  upper: (number | null)[][];
  coverage: (number | null)[];
  observed: number[];
  saturated: boolean;
}
interface Threshold {
  output: string;
  above?: number;
  below?: number;
}
interface Wish {
  blend?: true;
  crossing?: Threshold;
}
interface Crossing {
  ahead: number | null;
  probability: number | null;
  by_horizon: (number | null)[] | null;
}
interface Explanation {
  output: string;
  ahead: number;
  value: number;
  baseline: number;
  state: number;
  inputs: { name: string; contribution: number }[];
  residual: number;
}
interface Forecast {
  step: number;
  version: number;
  y?: (number | null)[];
  forecast: (number | null)[][];
  intervals?: Interval[];
  explanation?: Explanation;
  crossing?: Crossing;
  blend?: { weights: Record<string, number> };
}
interface Reading {
  step: number;
  at: number | null;
  x: (number | null)[];
  y: (number | null)[] | null;
}
interface StepEvent {
  step: number;
  version: number;
  at?: number | null;
  x: (number | null)[] | Record<string, number | null>;
  y: (number | null)[];
  amended?: number;
  restarted?: boolean;
  anomaly?: { p_value: number | null };
}
interface Losses {
  train_loss: number | null;
  valid_loss: number | null;
  baseline_valid_loss: number | null;
  persistence_valid_loss: number | null;
}
interface Job {
  id: string;
  model: string;
  base_version: number;
  fine_tuned_version: number | null;
  status: "validating" | "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled";
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  estimated_finish: number | null;
  progress: { epoch: number; n_epochs: number; step: number; n_steps: number | null };
  metrics: Losses;
  promotion: { policy: string; state: string; reason: string | null };
  error: { code: string; message: string } | null;
}
interface JobEvent {
  id: string;
  created_at: number;
  level: "info" | "warn" | "error";
  type: "message" | "metrics";
  message: string;
  data: { epoch: number; train_loss: number | null; valid_loss: number | null } | null;
}
interface Rule {
  name: string;
  model: string;
  prefix: string;
  coverage?: true;
  below?: number;
  anomaly?: true;
  p_value?: number;
  crossing?: { output: string; above?: number; below?: number; horizon: number };
  probability?: number;
  for: number;
  url: string;
  format: "json" | "alertmanager";
  states: { firing: number; pending: number };
  webhook: {
    last_success_at: number | null;
    last_failure: { at: number; reason: string } | null;
    failures: number;
  };
}
interface Readiness {
  status?: string;
  reason?: string;
  error?: { message: string };
  models?: { model: string; reason: string }[];
}
interface PageState {
  ready: Readiness | null;
  lostSince: number | null; // the moment since which grud cannot be reached
  refused: string | null; // why a key is asked for
  stepsPerSecond: number | null;
  models: Model[] | null;
  figures: Map<string, number>; // samples of /metrics, by name and labels
  model: string | null;
  session: string | null;
  sessions: { rows: SessionRow[]; hasMore: boolean } | null;
  prefix: string;
  order: "last_seen" | "id";
  hasJobs: boolean; // they were asked for
}
