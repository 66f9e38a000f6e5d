// What is predicted or counted of a journey: one cell a score, with its meter and
// with what moved it most.

import { h } from "./dom";
import { share, signed, words } from "./format";
import type { Scores, Score } from "./types";

interface Kind {
  key: keyof Scores;
  label: string;
  about: string;
  most: number; // the value that fills the meter
  least: number; // the value that empties it
  good: boolean; // a full meter is what one wishes for
  write(v: number): string;
}

const kinds: Kind[] = [
  { key: "satisfaction", label: "Satisfaction", about: "Expected answer of the customer, 1 to 5", least: 1, most: 5, good: true, write: (v) => v.toFixed(1) },
  { key: "effort", label: "Effort", about: "How hard this is for the customer, 0 to 100", least: 0, most: 100, good: false, write: (v) => String(Math.round(v)) },
  { key: "escalation", label: "Escalation", about: "Probability that it is escalated", least: 0, most: 1, good: false, write: share },
  { key: "churn", label: "Churn", about: "Probability that the customer leaves", least: 0, most: 1, good: false, write: share },
  { key: "resolution", label: "Resolution", about: "Probability that it is solved", least: 0, most: 1, good: true, write: share },
];

/** Cell is what is shown of one score. */
export interface Cell {
  key: string;
  label: string;
  text: string;
  fill: number; // 0..1
  tone: "positive" | "neutral" | "negative" | "none";
  because: string; // what moved it most, in words
  about: string;
}

/** cells lays the scores out; one that is not known yet says so instead of showing zero. */
export function cells(s: Scores | undefined): Cell[] {
  return kinds.map((k) => {
    const score: Score | undefined = s?.[k.key];
    if (!score) return { key: k.key, label: k.label, text: "–", fill: 0, tone: "none", because: "too early", about: k.about };
    const fill = Math.min(1, Math.max(0, (score.value - k.least) / (k.most - k.least)));
    const wished = k.good ? fill : 1 - fill;
    const moved = score.moved ?? [];
    return {
      key: k.key,
      label: k.label,
      text: k.write(score.value),
      fill,
      tone: wished >= 0.6 ? "positive" : wished <= 0.4 ? "negative" : "neutral",
      because: moved[0] ? `${moved[0].push < 0 ? "↓" : "↑"} ${words(moved[0].name).toLowerCase()}` : "",
      about: [k.about, ...moved.map((f) => `${words(f.name)} ${signed(f.push, 2)}`), score.model].join("\n"),
    };
  });
}

export function scorePanel(s: Scores | undefined): HTMLElement {
  return h(
    "div",
    "scores",
    { role: "group", "aria-label": "Scores of the journey" },
    ...cells(s).map((c) => {
      const meter = h("span", "score-meter", { "aria-hidden": "true" }, h("i", "", { "data-tone": c.tone }));
      (meter.firstChild as HTMLElement).style.width = `${Math.round(100 * c.fill)}%`;
      return h("div", "score-cell", { title: c.about, "data-score": c.key }, h("span", "label", {}, c.label), h("b", "value", { "data-tone": c.tone }, c.text), meter, h("span", "because", {}, c.because));
    }),
  );
}
