// What the screen knows, and how each event changes it. The server does the
// same to its own state, so a snapshot and the events after it give what a
// later snapshot would. No DOM here.

import type { Alert, Context, Change, Channel, CurvePoint, Features, Feedback, Interaction, SentInteraction, Severity, Suggestion } from "./types";

const maxCurve = 48;
const maxIntents = 8;
const maxSeen = 20_000;
const maxInteractions = 2000;
const maxAlerts = 1000;
const maxSuggestions = 5000;

const rank: Record<Severity | "", number> = { "": 0, info: 1, warning: 2, critical: 3 };

export interface Counts {
  total: number;
  open: Partial<Record<Channel, number>>;
  alerts: number;
  critical: number;
}

export class Model {
  readonly interactions = new Map<string, Interaction>();
  private readonly names = new Map<string, string>(); // of interactions yet to come, as their journeys have them
  readonly alerts = new Map<string, Alert>();
  readonly suggestions = new Map<string, Suggestion>();
  /** version grows with every change; views compare it. */
  version = 0;
  private seen = new Set<string>();

  /** load replaces everything by a snapshot. */
  load(interactions: SentInteraction[], alerts: Alert[]): void {
    this.interactions.clear();
    this.alerts.clear();
    this.seen.clear();
    for (const i of interactions) this.interactions.set(i.id, received(i));
    for (const a of alerts) this.alerts.set(a.id, a);
    this.version++;
  }

  /** apply takes one event of the stream; the topic is its name. */
  apply(topic: string, event: unknown): void {
    switch (topic) {
      case "interactions":
        this.change(event as Change);
        break;
      case "features":
        this.features(event as Features);
        break;
      case "context":
        this.context(event as Context);
        break;
      case "alerts":
        this.alert(event as Alert);
        break;
      case "suggestions":
        this.suggestions.set((event as Suggestion).id, event as Suggestion);
        shrink(this.suggestions, maxSuggestions, (x) => Date.parse(x.at));
        break;
      case "feedback":
        this.feedback(event as Feedback);
        break;
      default:
        return;
    }
    this.version++;
  }

  private find(id: string, customer: string, channel: Channel, at: number): Interaction {
    let i = this.interactions.get(id);
    if (!i) {
      i = { id, customer, channel, state: "open", started: at, last: at, turns: 0, scored: 0, alerts: 0 };
      const name = this.names.get(id);
      if (name) i.name = name;
      this.interactions.set(id, i);
      this.count(i);
      shrink(this.interactions, maxInteractions, (x) => x.last);
    }
    if (at < i.started) i.started = at;
    if (at > i.last) i.last = at;
    return i;
  }

  private change(c: Change): void {
    const at = Date.parse(c.at);
    const i = this.find(c.interaction, c.customer, c.channel, at);
    if (c.handle) i.handle = c.handle;
    if (c.name) i.name = c.name;
    if (c.case) i.case = c.case;
    if (c.queue) i.queue = c.queue;
    if (c.agent && (c.role === "agent" || c.change === "transferred" || c.change === "started")) i.agent = c.agent;
    if (c.change === "ended" || c.change === "failed" || c.change === "abandoned") {
      i.state = c.change;
      i.ended = at;
      if (c.reason) i.reason = c.reason;
      delete i.trouble;
    } else if (isOpen(i)) {
      const { leg, problem, problem_over } = c.attrs ?? {};
      if (c.change === "measured" && leg && (problem || problem_over)) {
        const others = (i.trouble ?? []).filter((t) => t.leg !== leg);
        i.trouble = problem ? [...others, { leg, what: problem, ...(c.role ? { role: c.role } : {}) }] : others;
      }
      if (c.change === "held") i.state = "held";
      if (c.change === "resumed" || c.change === "transferred") i.state = "open";
    }
  }

  /** context names who calls: a telephone gives no name, the customer's journey has it. */
  private context(c: Context): void {
    if (!c.name) return;
    const i = this.interactions.get(c.interaction);
    if (i) i.name ||= c.name;
    else {
      if (this.names.size > maxInteractions) this.names.clear();
      this.names.set(c.interaction, c.name); // the context may come before the start
    }
  }

  private features(f: Features): void {
    const t = f.turn;
    if (this.seen.has(t.id)) return;
    if (this.seen.size > maxSeen) this.seen.clear();
    this.seen.add(t.id);
    const at = Date.parse(t.at);
    const i = this.find(t.interaction, t.customer, t.channel, at);
    i.turns++;
    if (t.role === "agent" && t.agent) i.agent = t.agent;
    const latest = at >= (i.last_turn ?? 0);
    if (latest) i.last_turn = at;
    if (latest && t.text) {
      i.last_text = t.text;
      i.last_role = t.role;
    }
    if (t.role !== "customer") return;
    const intent = f.intents?.[0]?.name;
    if (intent) {
      if (latest || !i.intent) i.intent = intent;
      i.intents ??= [];
      if (!i.intents.includes(intent) && i.intents.length < maxIntents) i.intents.push(intent);
    }
    if (f.sentiment) this.score(i, at, f.sentiment.score);
  }

  private score(i: Interaction, at: number, score: number): void {
    const sum = ((i.sentiment ?? 0) / 5) * i.scored + score;
    i.scored++;
    i.sentiment = (5 * sum) / i.scored;
    const curve = (i.curve ??= []);
    let n = curve.length;
    while (n > 0 && curve[n - 1]!.at > at) n--;
    if (n === curve.length) i.last_score = score;
    curve.splice(n, 0, { at, score, n: 1 });
    if (curve.length > maxCurve) i.curve = halve(curve);
  }

  private alert(a: Alert): void {
    if (this.alerts.has(a.id)) return;
    this.alerts.set(a.id, a);
    shrink(this.alerts, maxAlerts, (x) => Date.parse(x.at));
    const i = this.interactions.get(a.interaction);
    if (i) this.count(i);
  }

  private feedback(f: Feedback): void {
    const s = this.suggestions.get(f.suggestion);
    if (s) s.feedback = f;
    const a = this.alerts.get(f.suggestion);
    if (!a || f.outcome !== "acknowledged" || a.acknowledged) return;
    a.acknowledged = f.at;
    if (f.agent) a.acknowledged_by = f.agent;
    const i = this.interactions.get(a.interaction);
    if (i) this.count(i);
  }

  /** count sets what the open alerts of i are. */
  private count(i: Interaction): void {
    i.alerts = 0;
    i.severity = "";
    for (const a of this.alerts.values()) {
      if (a.interaction !== i.id || a.acknowledged || !alarms(a)) continue;
      i.alerts++;
      if (rank[a.severity] > rank[i.severity || ""]) i.severity = a.severity;
    }
  }

  /** counts are the figures at the head of the screen that follow from what is shown. */
  counts(): Counts {
    const c: Counts = { total: 0, open: {}, alerts: 0, critical: 0 };
    for (const i of this.interactions.values()) {
      if (!isOpen(i)) continue;
      c.total++;
      c.open[i.channel] = (c.open[i.channel] ?? 0) + 1;
    }
    for (const a of this.alerts.values()) {
      if (a.acknowledged || !alarms(a)) continue;
      c.alerts++;
      if (a.severity === "critical") c.critical++;
    }
    return c;
  }

  /** openAlerts are newest first. */
  openAlerts(): Alert[] {
    return [...this.alerts.values()].filter((a) => !a.acknowledged && alarms(a)).sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || (a.id < b.id ? -1 : 1));
  }

  /** advice for an interaction that nobody has dismissed and time has not passed, best first. */
  advice(interaction: string, now: number): Suggestion[] {
    return [...this.suggestions.values()]
      .filter((s) => s.interaction === interaction && s.feedback?.outcome !== "dismissed" && (!s.expires || Date.parse(s.expires) > now))
      .sort((a, b) => b.rank - a.rank || Date.parse(b.at) - Date.parse(a.at));
  }
}

/** alarms tells whether somebody has to look; the rest is done by those who take it up. */
export const alarms = (a: Alert): boolean => a.action === "alert" || a.action === "escalate" || a.action === "disclosure";

/** troubles says in words whose audio does not come. */
export const troubles = (i: Interaction): string =>
  (i.trouble ?? []).map((t) => t.what.charAt(0).toUpperCase() + t.what.slice(1) + (t.role ? `: ${t.role}` : "")).join(", ");

export const isOpen = (i: Interaction): boolean => i.state === "open" || i.state === "held";

/** received turns what the server sends into a row. */
export function received(i: SentInteraction): Interaction {
  const { started, last, last_turn, ended, curve, ...rest } = i;
  const row: Interaction = { ...rest, started: Date.parse(started), last: Date.parse(last) };
  if (last_turn) row.last_turn = Date.parse(last_turn);
  if (ended) row.ended = Date.parse(ended);
  if (curve) row.curve = curve.map((p) => ({ ...p, at: Date.parse(p.at) }));
  return row;
}

/** shrink lets go of the oldest, a quarter beyond the limit at a time: a screen stays open for days. */
function shrink<T>(all: Map<string, T>, limit: number, at: (v: T) => number): void {
  if (all.size <= limit * 1.25) return;
  for (const [id] of [...all].sort((a, b) => at(b[1]) - at(a[1])).slice(limit)) all.delete(id);
}

function halve(curve: CurvePoint[]): CurvePoint[] {
  const half: CurvePoint[] = [];
  for (let k = 0; k < curve.length; k += 2) {
    const p = curve[k]!;
    const q = curve[k + 1];
    half.push(q ? { at: p.at, score: (p.score * p.n + q.score * q.n) / (p.n + q.n), n: p.n + q.n } : p);
  }
  return half;
}
