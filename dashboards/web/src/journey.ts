// The customer's journey over all channels: one thread, drawn as one curve over
// the interactions it went through, and told step by step.

import { h, put, svg } from "./dom";
import { channelName, signed, tone, words } from "./format";
import { area, line, type Dot } from "./curve";
import { channelIcon } from "./icons";
import { scorePanel } from "./scores";
import type { Journey, JourneyInteraction } from "./types";

export const journeyHeight = 96;

/** Slot is the room that one interaction has on the curve. */
export interface Slot {
  id: string;
  from: number; // 0..1
  to: number;
  points: { x: number; score: number }[];
}

/**
 * slots divides the width among interactions by their scored turns. Order, not
 * the clock, is the measure: a call two days after a message must not be a speck
 * at the far end.
 */
export function slots(interactions: Pick<JourneyInteraction, "id" | "started" | "last">[], curve: { at: string; sum: number; n: number }[]): Slot[] {
  const steps = interactions.map((i) => ({ id: i.id, start: Date.parse(i.started), points: [] as number[] }));
  if (steps.length === 0) return [];
  for (const p of curve) {
    const at = Date.parse(p.at);
    let k = 0;
    while (k + 1 < steps.length && steps[k + 1]!.start <= at) k++;
    if (p.n > 0) steps[k]!.points.push(p.sum / p.n);
  }
  const widths = steps.map((s) => Math.max(2, s.points.length));
  const total = widths.reduce((a, b) => a + b, 0);
  let x = 0;
  return steps.map((s, k) => {
    const from = x / total;
    x += widths[k]!;
    const to = x / total;
    const step = (to - from) / Math.max(1, s.points.length);
    return { id: s.id, from, to, points: s.points.map((score, n) => ({ x: from + step * (n + 0.5), score })) };
  });
}

export class JourneyView {
  readonly element = h("div", "journey");
  private version = "";

  constructor(private readonly open: (interaction: string) => void) {
    this.clear();
  }

  clear(): void {
    this.version = "";
    this.element.replaceChildren(h("p", "nothing", {}, "The journey appears with the customer's first analysed turn."));
  }

  show(j: Journey, current: string): void {
    const version = `${j.id} ${j.version} ${current}`;
    if (version === this.version) return;
    this.version = version;
    const steps = j.interactions ?? [];
    const open = (j.intents ?? []).filter((i) => !i.closed);
    const value = h("b", "value", { "data-tone": tone(j.sentiment.scored ? j.sentiment.overall : undefined) });
    put(value, j.sentiment.scored ? signed(j.sentiment.overall) : "–");
    const promises = (j.facts ?? []).filter((f) => f.kind === "promised");
    const known = (j.facts ?? []).filter((f) => f.kind === "answered");
    this.element.replaceChildren(
      h(
        "div",
        "journey-facts",
        {},
        fact("Whole journey", value),
        fact("Trend", trendWords(j)),
        fact("State", { open: "open", waiting: "waiting for the customer", resolved: "resolved" }[j.state]),
        fact("Channels", String(new Set(steps.map((s) => s.channel)).size)),
        fact("Turns", String(j.turns)),
      ),
      this.curve(j, steps, current),
      scorePanel(j.scores),
      ...(j.merged?.length ? [h("p", "journey-note", {}, `One person, ${j.merged.length + 1} addresses: their interactions are told as one journey.`)] : []),
      ...(open.length ? [h("h3", "", {}, "Still open"), h("div", "tags", {}, ...open.map((i) => h("span", "tag intent", { title: `first said ${when(i.since)}` }, i.mentions > 1 ? `${words(i.name)} ×${i.mentions}` : words(i.name))))] : []),
      ...(promises.length ? [h("h3", "", {}, "Promised"), h("ul", "promises", {}, ...promises.map((p) => h("li", "", {}, `${words(p.about)}${p.value ? `: ${p.value}` : ""}, ${when(p.at)}`)))] : []),
      ...(known.length ? [h("h3", "", {}, "Already told, not to be asked again"), h("div", "tags", {}, ...known.map((f) => h("span", "tag", { title: when(f.at) }, `${words(f.about)}${f.value ? ` ${f.value}` : ""}`)))] : []),
      ...(j.tags?.length ? [h("h3", "", {}, "Tags"), h("div", "tags", {}, ...j.tags.map((t) => h("span", "tag", {}, words(t))))] : []),
      h("h3", "", {}, "Steps"),
      h("ol", "steps", {}, ...steps.map((s) => this.step(s, s.id === current))),
      ...(j.past?.length ? [h("h3", "", {}, "Before"), h("ul", "past", {}, ...[...j.past].reverse().map((p) => h("li", "", {}, `${day(p.opened)} · ${(p.intents ?? []).map((i) => words(i).toLowerCase()).join(", ") || "nothing in particular"}`, h("b", "value", { "data-tone": tone(p.sentiment) }, ` ${signed(p.sentiment)}`))))] : []),
    );
  }

  private step(s: JourneyInteraction, current: boolean): HTMLElement {
    const value = h("b", "value", { "data-tone": tone(s.scored ? s.sentiment : undefined) }, s.scored ? signed(s.sentiment) : "–");
    const b = h(
      "button",
      "step",
      { type: "button", "aria-current": String(current) },
      h("span", "channel", { "data-channel": s.channel }, channelIcon(s.channel)),
      h(
        "span",
        "step-text",
        {},
        h("span", "step-title", {}, `${channelName(s.channel)}`, h("span", "muted", {}, ` ${when(s.started)} · ${s.turns} ${s.turns === 1 ? "turn" : "turns"}${s.agent ? ` · ${s.agent}` : ""}`)),
        h("span", "step-why", {}, s.joined || "Began the journey"),
        s.pickup === undefined ? null : h("span", "step-good", {}, s.pickup === 0 ? "Picked up where it was left, in the first answer" : `Picked up after ${s.pickup} ${s.pickup === 1 ? "answer" : "answers"}`),
        s.reasks ? h("span", "step-note", {}, `Asked again ${s.reasks === 1 ? "once" : `${s.reasks} times`} for what was known`) : null,
      ),
      value,
    );
    b.addEventListener("click", () => this.open(s.id));
    return h("li", "", {}, b);
  }

  private curve(j: Journey, steps: JourneyInteraction[], current: string): HTMLElement {
    const width = 560;
    const places = slots(steps, j.curve ?? []);
    const dots: Dot[] = places.flatMap((s) => s.points.map((p) => ({ x: p.x * width, y: journeyHeight / 2 - (journeyHeight / 2 - 6) * p.score })));
    const tint = `url(#tone-${journeyHeight})`;
    const drawing = svg(
      "svg",
      { class: "journey-curve", viewBox: `0 0 ${width} ${journeyHeight}`, role: "img", "aria-label": `Sentiment over ${steps.length} interactions`, preserveAspectRatio: "none" },
      ...places.map((s) => svg("rect", { class: s.id === current ? "slot current" : "slot", x: s.from * width + 1, y: 0, width: Math.max(0, (s.to - s.from) * width - 2), height: journeyHeight, rx: 4 })),
      svg("line", { class: "spark-zero", x1: 0, x2: width, y1: journeyHeight / 2, y2: journeyHeight / 2 }),
      svg("path", { class: "spark-area", d: area(dots, journeyHeight), fill: tint }),
      svg("path", { class: "spark-line", d: line(dots), stroke: tint }),
    );
    const labels = h("div", "journey-labels");
    places.forEach((s, k) => {
      const l = h("span", s.id === current ? "current" : "", { title: channelName(steps[k]!.channel) }, channelIcon(steps[k]!.channel));
      l.style.width = `${(s.to - s.from) * 100}%`;
      labels.append(l);
    });
    const box = h("div", "journey-drawing");
    box.append(drawing, labels);
    return box;
  }
}

const fact = (label: string, value: Node | string): HTMLElement => h("div", "", {}, h("span", "label", {}, label), h("span", "number", {}, value));

function trendWords(j: Journey): string {
  if (j.sentiment.scored < 3) return "too early";
  if (j.sentiment.trend > 0.1) return "improving";
  if (j.sentiment.trend < -0.1) return "worsening";
  return "steady";
}

const day = (at: string): string => new Date(at).toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
const when = (at: string): string => new Date(at).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
