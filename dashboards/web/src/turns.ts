// The turns of one interaction as a conversation that grows.

import { attr, h, put } from "./dom";
import { pieces, redactedName, roleName, signed, stableSplit, tone, words } from "./format";
import { shape } from "./icons";
import type { Features, Label, Turn } from "./types";

const staleMS = 20_000; // a partial that nobody continues was given up

export class Conversation {
  readonly element: HTMLElement;
  private readonly inner = h("div", "turns", { role: "log", "aria-label": "Conversation", "aria-live": "polite" });
  private readonly newer: HTMLButtonElement;
  private readonly finals = new Map<string, { element: HTMLElement; at: number }>();
  private readonly partials = new Map<string, { element: HTMLElement; body: HTMLElement; seen: number }>();
  private stuck = true; // the end is in sight and stays so

  constructor() {
    this.newer = h("button", "newer", { type: "button" }, "New below");
    this.newer.hidden = true;
    this.newer.addEventListener("click", () => this.toEnd());
    this.element = h("div", "conversation", { tabindex: "0" }, this.inner);
    this.element.append(this.newer);
    // What stands above may take room at any moment; the end stays in sight.
    new ResizeObserver(() => this.stuck && this.toEnd()).observe(this.element);
    this.element.addEventListener(
      "scroll",
      () => {
        const e = this.element;
        this.stuck = e.scrollHeight - e.scrollTop - e.clientHeight < 40;
        if (this.stuck) this.newer.hidden = true;
      },
      { passive: true },
    );
  }

  clear(note: string): void {
    this.finals.clear();
    this.partials.clear();
    this.inner.replaceChildren(h("p", "nothing", {}, note));
    this.stuck = true;
    this.newer.hidden = true;
  }

  load(turns: Features[]): void {
    this.inner.replaceChildren();
    for (const f of turns) this.insert(f, false);
    if (turns.length === 0) this.inner.append(h("p", "nothing", {}, "Nothing has been said yet. Turns appear here as they are understood."));
    this.toEnd();
  }

  /** add shows a turn that has just been understood. */
  add(f: Features): void {
    if (this.finals.size === 0) this.inner.querySelector(".nothing")?.remove();
    this.insert(f, true);
    this.follow();
  }

  /** partial shows a transcript as far as it has grown. */
  partial(t: Turn): void {
    if (this.finals.has(t.id) || !t.text) return;
    this.inner.querySelector(".nothing")?.remove();
    let p = this.partials.get(t.id);
    if (!p) {
      const body = h("div", "words-said", { dir: "auto" });
      p = { element: h("div", "turn partial", { "data-role": t.role || "unknown", "aria-live": "off" }, head(t), body), body, seen: 0 };
      this.partials.set(t.id, p);
      this.inner.append(p.element);
    }
    p.seen = Date.now();
    const [stable, moving] = stableSplit(t.text, t.stable ?? 0);
    p.body.replaceChildren(...said(stable), h("span", "moving", {}, ...said(moving)), h("span", "caret", { "aria-hidden": "true" }));
    this.follow();
  }

  /** tidy lets go of partials that never became final. */
  tidy(): void {
    for (const [id, p] of this.partials) if (Date.now() - p.seen > staleMS) this.drop(id);
  }

  private drop(id: string): void {
    this.partials.get(id)?.element.remove();
    this.partials.delete(id);
  }

  private insert(f: Features, fresh: boolean): void {
    const at = Date.parse(f.turn.at);
    const known = this.finals.get(f.turn.id);
    if (known) return;
    this.drop(f.turn.id);
    const element = turnElement(f);
    if (fresh) element.classList.add("fresh");
    let before: Node | null = this.partials.values().next().value?.element ?? null;
    for (const other of [...this.finals.values()].reverse()) {
      if (other.at <= at) break;
      before = other.element;
    }
    this.finals.set(f.turn.id, { element, at });
    this.inner.insertBefore(element, before);
    // Map keeps the order of insertion; a late turn must not break the order of time.
    if (before && this.finals.size > 1) {
      const sorted = [...this.finals].sort((a, b) => a[1].at - b[1].at);
      this.finals.clear();
      for (const [id, v] of sorted) this.finals.set(id, v);
    }
  }

  /** reveal brings a turn into sight, and marks it for a moment. */
  reveal(turn: string): void {
    const element = this.finals.get(turn)?.element;
    if (!element) return;
    this.stuck = false;
    element.scrollIntoView({ block: "center" });
    element.classList.remove("revealed");
    void element.offsetWidth; // the mark begins anew
    element.classList.add("revealed");
  }

  private follow(): void {
    if (this.stuck) this.toEnd();
    else this.newer.hidden = false;
  }

  private toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.newer.hidden = true;
  }
}

function head(t: Turn): HTMLElement {
  const time = new Date(t.at);
  return h("div", "turn-head", {}, h("span", "role", {}, roleName(t.role, t.agent)), h("time", "", { datetime: t.at, title: time.toLocaleString() }, clock(time)));
}

/** clock leaves the day out where it is today. */
function clock(time: Date): string {
  const parts: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  if (time.toDateString() !== new Date().toDateString()) Object.assign(parts, { day: "numeric", month: "short" });
  return time.toLocaleString([], parts);
}

function turnElement(f: Features): HTMLElement {
  const t = f.turn;
  const top = head(t);
  if (f.sentiment && t.role === "customer") top.append(bar(f.sentiment.score));
  const body = h("div", "words-said", { dir: "auto" });
  if (t.withheld) body.append(h("span", "withheld", {}, shape("eyeOff"), `Not kept: ${words(t.withheld).toLowerCase()}`));
  else if (t.text) body.append(...said(t.text));
  if (t.kind !== "text" && t.kind !== "utterance" && !t.withheld) body.prepend(h("span", "kind", { dir: "ltr" }, shape("file"), words(t.kind), t.media?.filename ? ` · ${t.media.filename}` : null));
  const tags = h("div", "tags");
  for (const i of f.intents ?? []) tags.append(tag("intent", i));
  for (const e of (f.emotions ?? []).filter((e) => e.name !== "neutral").slice(0, 2)) tags.append(tag("emotion", e));
  for (const c of (f.categories ?? []).slice(0, 3)) tags.append(tag("category", c));
  for (const e of (f.entities ?? []).slice(0, 4)) tags.append(h("span", "tag entity", { title: words(e.type.toLowerCase()) }, e.value || e.text));
  const element = h("div", "turn", { "data-role": t.role || "unknown", "data-turn": t.id }, top, body);
  if (tags.childElementCount) element.append(tags);
  return element;
}

const tag = (kind: string, l: Label): HTMLElement => h("span", `tag ${kind}`, { title: `${kind}, probability ${Math.round(l.probability * 100)} %` }, words(l.name));

/** said is text with pills where something was taken out. */
export function said(text: string): Node[] {
  return pieces(text).map((p) => {
    if ("text" in p) return document.createTextNode(p.text);
    const pill = h("span", "pill", { dir: "ltr", title: p.pseudonym ? `Taken out. The same ${redactedName(p.type)} always gets the mark ${p.pseudonym}.` : "Taken out before it was stored anywhere." }, shape("lock"), redactedName(p.type));
    return pill;
  });
}

/** bar is a score of −1..1 on a line with zero in the middle, and its number. */
function bar(score: number): HTMLElement {
  const fill = h("i");
  const share = Math.min(1, Math.abs(score)) * 50;
  fill.style.width = `${share}%`;
  fill.style.left = score < 0 ? `${50 - share}%` : "50%";
  const number = h("span", "score-number");
  put(number, signed(score, 2));
  const e = h("span", "score", { title: "Sentiment of this turn, −1 to +1" }, h("span", "score-bar", { "aria-hidden": "true" }, fill), number);
  attr(e, "data-tone", tone(score * 5));
  return e;
}
