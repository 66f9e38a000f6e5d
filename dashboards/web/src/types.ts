// The shapes that the server sends; docs/asyncapi.yaml and /v1/openapi.json
// describe them in full. Only what the screen uses stands here.

export type Channel = "voice" | "whatsapp" | "webchat" | "sms" | "email";
export type Severity = "info" | "warning" | "critical";
export type Role = "customer" | "agent" | "bot" | "system" | "";

export interface CurvePoint {
  at: number; // ms since 1970
  score: number; // −1..1
  n: number;
}

/** Interaction is a row of the list. Times are numbers here: text with and without fractions does not sort. */
export interface Interaction {
  id: string;
  customer: string;
  channel: Channel;
  state: "open" | "held" | "ended" | "failed" | "abandoned";
  reason?: string;
  handle?: string;
  name?: string;
  agent?: string;
  queue?: string;
  case?: string;
  started: number;
  last: number; // when something last happened
  last_turn?: number;
  ended?: number;
  turns: number;
  scored: number;
  sentiment?: number; // −5..+5
  last_score?: number;
  curve?: CurvePoint[];
  last_text?: string;
  last_role?: Role;
  intent?: string;
  intents?: string[];
  trouble?: Trouble[];
  alerts: number;
  severity?: Severity | "";
}

/** Trouble is what is wrong with the audio of one leg of an open call. */
export interface Trouble {
  leg: string;
  role?: Role;
  what: string; // such as "no audio"
}

/** SentInteraction is an Interaction as the server sends it. */
export type SentInteraction = Omit<Interaction, "started" | "last" | "last_turn" | "ended" | "curve"> & {
  started: string;
  last: string;
  last_turn?: string;
  ended?: string;
  curve?: { at: string; score: number; n: number }[];
};

export interface Label {
  name: string;
  probability: number;
}

export interface Turn {
  id: string;
  customer: string;
  interaction: string;
  channel: Channel;
  role: Role;
  agent?: string;
  kind: string;
  at: string;
  text?: string;
  stable?: number;
  start_ms?: number;
  withheld?: string;
  media?: { mime?: string; filename?: string };
}

export interface Features {
  id: string;
  turn: Turn;
  sentiment?: { score: number; magnitude: number };
  emotions?: Label[];
  intents?: Label[];
  categories?: Label[];
  entities?: { type: string; text: string; value?: string }[];
}

// Change is an event of the topic interactions.
export interface Change {
  id: string;
  customer: string;
  interaction: string;
  channel: Channel;
  change: string;
  at: string;
  reason?: string;
  handle?: string;
  name?: string;
  queue?: string;
  role?: Role;
  agent?: string;
  case?: string;
  attrs?: Record<string, string>;
}

export interface Rule {
  name: string;
  version: string;
  evidence?: Record<string, string>;
}

export interface Alert {
  id: string;
  customer: string;
  interaction: string;
  turn?: string;
  channel: Channel;
  at: string;
  severity: Severity;
  title: string;
  action: "alert" | "escalate" | "route" | "disclosure" | "tag" | "webhook";
  queue?: string;
  skill?: string;
  priority?: number;
  rule: Rule;
  acknowledged?: string;
  acknowledged_by?: string;
}

export interface Suggestion {
  id: string;
  customer: string;
  interaction: string;
  at: string;
  kind: string;
  title: string;
  body?: string;
  rank: number;
  expires?: string;
  source: string;
  rule: Rule;
  feedback?: Feedback;
}

export interface Feedback {
  id: string;
  suggestion: string;
  at: string;
  agent?: string;
  displayed?: boolean;
  clicked?: boolean;
  correctness?: string;
  outcome?: string;
}

export interface Score {
  value: number;
  model: string;
  moved?: { name: string; push: number }[]; // biggest first
}

/** Scores are absent until they can be known. */
export interface Scores {
  effort?: Score; // 0–100
  escalation?: Score; // probability
  churn?: Score; // probability
  satisfaction?: Score; // 1–5
  resolution?: Score; // probability
}

/** Context is pushed when an interaction starts. */
export interface Context {
  customer: string;
  interaction: string;
  name?: string;
}

export interface JourneyInteraction {
  id: string;
  channel: Channel;
  started: string;
  last: string;
  ended?: string;
  joined: string;
  agent?: string;
  queue?: string;
  turns: number;
  sentiment: number;
  scored: number;
  pickup?: number; // agent turns until the carried intent was picked up
  reasks?: number;
}

export interface Journey {
  id: string;
  customer: string;
  into?: string; // the customer that this one became
  within?: string; // the journey that took this one over
  version: number;
  state: "open" | "waiting" | "resolved";
  opened: string;
  updated: string;
  interactions: JourneyInteraction[] | null;
  intents: { name: string; since: string; last: string; interaction: string; mentions: number; closed?: string }[] | null;
  sentiment: { overall: number; last: number; trend: number; shift: string; scored: number };
  scores?: Scores;
  facts?: { kind: string; about: string; value?: string; at: string }[];
  tags?: string[];
  merged?: string[]; // customers whose journeys were joined into this one
  past?: { id: string; opened: string; closed: string; intents?: string[]; sentiment: number }[];
  curve?: { at: string; sum: number; n: number }[];
  turns: number;
}

export interface Overview {
  turns_per_minute: number;
  sentiment?: number;
  sentiment_hour_ago?: number;
}

/** Pattern is a change over many customers that a test found; docs/patterns.md. */
export interface Pattern {
  id: string;
  kind: "intent" | "sentiment" | "theme";
  subject: string;
  dimension?: string; // queue, product or channel
  value?: string;
  direction: string; // rising, falling or new
  at: string;
  before: number; // share of interactions, or mean sentiment −1..1
  after: number;
  effect: number; // ratio of rates, or difference of means
  low: number;
  high: number;
  q: number;
  shown?: { turn: string; interaction: string; at: string; text: string }[];
}

export interface PatternReport {
  history: string;
  since: string;
  until: string;
  seasonal: boolean;
  tests: number;
  patterns: Pattern[];
}

export type SummaryPart = "reason" | "detail" | "done" | "promised" | "outcome" | "open";

export interface SummarySentence {
  part: SummaryPart;
  text: string;
  turn: string; // the turn that proves it
  role: Role;
  at: string;
  open?: boolean; // what is wanted here is not settled
}

/** Summary is what a conversation was about. */
export interface Summary {
  of: string;
  sentences: SummarySentence[];
  text: string;
  sentiment?: number; // −1..1, of the customer's last words
  resolved?: number; // 0..1, how probably the journey is resolved
  turns: number;
  by: "extract" | "model";
  model: string;
  refused?: string; // why the language model's summary is not this one
  made: string;
}
