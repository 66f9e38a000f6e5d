// What changed over many customers: intents that rise, sentiment that shifts in
// one place, themes that nobody has named yet. Each with its test and examples.

import * as api from "./api";
import { attr, button, h, put } from "./dom";
import { plain, share, signed, words } from "./format";
import { shape } from "./icons";
import { said } from "./turns";
import type { Pattern, PatternReport } from "./types";

const windows: [string, string][] = [
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
];

/** headline says what happened in one line. */
export function headline(p: Pattern): string {
  const where = p.value ? ` ${p.dimension === "channel" ? "on" : p.dimension === "product" ? "about" : "in"} ${p.value}` : "";
  switch (p.kind) {
    case "theme":
      return `${p.direction === "new" ? "New theme" : `${words(p.direction)} theme`}: ${p.subject}`;
    case "sentiment":
      return `Sentiment ${p.direction === "falling" ? "fell" : "rose"}${where}`;
    default:
      return `${words(p.subject)} ${p.direction === "falling" ? "became rarer" : "became more frequent"}${where}`;
  }
}

/** size says by how much, with the interval of the estimate. */
export function size(p: Pattern): string {
  if (p.kind === "sentiment") return `${signed(5 * p.before)} → ${signed(5 * p.after)} (change ${signed(5 * p.effect)}, 95 % ${signed(5 * p.low)} to ${signed(5 * p.high)})`;
  const times = (v: number): string => (v >= 10 ? String(Math.round(v)) : v.toFixed(1));
  return `${share(p.before)} → ${share(p.after)} of interactions (×${times(p.effect)}, 95 % ${times(p.low)} to ${times(p.high)})`;
}

/** sure says how rarely chance alone does this, after all that was looked at. */
export function sure(p: Pattern, tests: number): string {
  const q = p.q < 0.001 ? "below 0.1 %" : `${(100 * p.q).toFixed(1)} %`;
  return `${q} of such findings are chance, ${tests} series looked at`;
}

export class Patterns {
  readonly element: HTMLElement;
  private readonly list = h("div", "findings");
  private readonly note = h("p", "findings-note muted");
  private readonly choices: HTMLButtonElement[];
  private since = "7d";
  private asked = 0;

  constructor(
    private readonly open: (interaction: string) => void,
    close: () => void,
  ) {
    this.choices = windows.map(([value, label]) =>
      button("filter", label, () => {
        this.since = value;
        void this.load();
      }),
    );
    this.element = h(
      "section",
      "detail patterns",
      { "aria-label": "Patterns", tabindex: "-1" },
      h("div", "detail-head", {}, h("div", "detail-who", {}, h("h2", "", {}, "Patterns")), h("div", "group", { role: "group", "aria-label": "Look back" }, ...this.choices), button("quiet", "Close", close, shape("close"))),
      this.note,
      this.list,
    );
    this.element.hidden = true;
  }

  show(visible: boolean): void {
    const appears = visible && this.element.hidden;
    this.element.hidden = !visible;
    if (appears) void this.load();
  }

  private async load(): Promise<void> {
    const turn = ++this.asked;
    windows.forEach(([value], k) => attr(this.choices[k]!, "aria-pressed", String(value === this.since)));
    put(this.note, "Looking at what was said …");
    try {
      const report = await api.patterns(this.since);
      if (turn === this.asked) this.tell(report);
    } catch (e) {
      if (turn !== this.asked) return;
      put(this.note, "");
      this.list.replaceChildren(h("p", "nothing", {}, e instanceof Error ? e.message : "The server does not answer."));
    }
  }

  private tell(r: PatternReport): void {
    put(this.note, `Compared with what was said since ${day(r.history)}${r.seasonal ? ", the hour of the week allowed for" : ""}`);
    if (r.patterns.length === 0) {
      this.list.replaceChildren(h("p", "nothing", {}, r.tests ? `Nothing changed beyond chance: ${r.tests} series and groups of turns were looked at.` : "Too little was said in this time to tell a change from chance."));
      return;
    }
    this.list.replaceChildren(...r.patterns.map((p) => this.finding(p, r.tests)));
  }

  private finding(p: Pattern, tests: number): HTMLElement {
    const bad = p.kind === "sentiment" ? p.direction === "falling" : p.direction !== "falling";
    return h(
      "article",
      "finding",
      { "data-kind": p.kind, "data-direction": p.direction, "data-change": p.kind === "sentiment" ? (bad ? "negative" : "positive") : "none" },
      h("h3", "finding-title", {}, headline(p)),
      h("p", "", {}, size(p)),
      h("p", "muted", {}, `Since ${day(p.at)} · ${sure(p, tests)}`),
      ...(p.shown ?? []).map((e) => button("example", `Open the conversation: ${plain(e.text)}`, () => this.open(e.interaction), h("span", "", { dir: "auto" }, ...said(e.text)))),
    );
  }
}

const day = (at: string): string => new Date(at).toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
