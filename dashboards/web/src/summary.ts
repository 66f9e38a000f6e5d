// What an interaction was about, in a few sentences. Each leads to the turn that
// proves it.

import * as api from "./api";
import { button, h, put } from "./dom";
import { roleName, signed, tone } from "./format";
import { shape } from "./icons";
import { said } from "./turns";
import type { Summary, SummaryPart, SummarySentence } from "./types";

const titles: Record<SummaryPart, string> = {
  reason: "Why the customer came",
  detail: "What else matters",
  done: "What was done",
  promised: "Promised",
  outcome: "How the customer felt last",
  open: "Still open",
};

/** grouped puts sentences under their parts, in the order in which they came. */
export function grouped(sentences: SummarySentence[]): [string, SummarySentence[]][] {
  const groups = new Map<string, SummarySentence[]>();
  for (const s of sentences) {
    const title = titles[s.part] ?? s.part;
    groups.set(title, [...(groups.get(title) ?? []), s]);
  }
  return [...groups];
}

/** maker says who made a summary, and why it was not the language model. */
export function maker(s: Summary): string {
  const read = `${s.turns} ${s.turns === 1 ? "turn" : "turns"} read`;
  if (s.by === "model") return `Worded by the language model ${s.model}; every sentence was checked against its turns. ${read}.`;
  return `Sentences of the conversation itself, chosen by ${s.model}. ${read}.${s.refused ? ` Not the language model's, because ${s.refused}.` : ""}`;
}

export class SummaryView {
  readonly element = h("div", "summary", { "aria-live": "polite" });
  private readonly later = h("p", "summary-later", {}, "More has been said since. ");
  private id = "";
  private shown = false; // the tab is open
  private stale = true; // what is told is not all that was said

  constructor(private readonly reveal: (turn: string) => void) {
    this.later.append(button("quiet small", "Summarise again", () => void this.fetch()));
  }

  /** of begins with another interaction. */
  of(id: string): void {
    this.id = id;
    this.stale = true;
    this.element.replaceChildren();
    if (this.shown) void this.fetch();
  }

  show(shown: boolean): void {
    this.shown = shown;
    this.element.hidden = !shown;
    if (shown && this.stale && this.id) void this.fetch();
  }

  /** heard notes that something was said; over, that nothing more will be. */
  heard(over: boolean): void {
    this.stale = true;
    if (over && this.shown) void this.fetch();
    else if (this.element.childElementCount) this.later.hidden = false;
  }

  private async fetch(): Promise<void> {
    const id = this.id;
    this.stale = false;
    this.later.hidden = true;
    if (!this.element.childElementCount) this.element.replaceChildren(h("p", "nothing", {}, "Reading the conversation"));
    try {
      const summary = await api.summary(id);
      if (this.id === id) this.tell(summary);
    } catch (e) {
      if (this.id !== id) return;
      this.stale = true;
      this.element.replaceChildren(h("p", "nothing", {}, `There is no summary: ${e instanceof Error ? e.message : "the server does not answer"}`));
    }
  }

  private tell(s: Summary): void {
    if (s.sentences.length === 0) {
      this.stale = true;
      this.element.replaceChildren(h("p", "nothing", {}, "Nothing has been said yet that a summary could tell."));
      return;
    }
    const left = h("p", "summary-left");
    if (s.sentiment !== undefined) {
      const value = h("b", "value", { "data-tone": tone(s.sentiment * 5) });
      put(value, signed(s.sentiment, 2));
      left.append("Sentiment of the last words ", value);
    }
    if (s.resolved !== undefined) left.append(`${left.textContent ? " · " : ""}Resolved with a probability of ${Math.round(s.resolved * 100)} %`);
    this.element.replaceChildren(
      this.later,
      ...grouped(s.sentences).map(([title, all]) => h("section", "summary-part", {}, h("h3", "", {}, title), ...all.map((one) => this.sentence(one)))),
      left,
      h("p", "summary-maker", {}, maker(s)),
    );
  }

  private sentence(s: SummarySentence): HTMLElement {
    const b = button("summary-sentence", "Show the turn that proves it", () => this.reveal(s.turn), h("span", "summary-text", {}, h("span", "role", {}, roleName(s.role)), h("span", "", { dir: "auto" }, ...said(s.text))));
    if (s.open && s.part !== "open") b.append(h("span", "summary-open", {}, shape("bell"), "Not settled"));
    b.dataset["proof"] = s.turn;
    return b;
  }
}
