// The feed of open alerts, newest first.

import { button, h, put } from "./dom";
import { ago, channelName, who, words } from "./format";
import { channelIcon, severityIcon, shape } from "./icons";
import type { Model } from "./model";
import type { Alert } from "./types";

const most = 200;

interface Card {
  element: HTMLElement;
  who: HTMLElement;
  time: HTMLElement;
  at: number;
}

export class Alerts {
  readonly element: HTMLElement;
  private readonly cards = new Map<string, Card>();
  private readonly feed = h("div", "feed", { role: "log", "aria-live": "polite", "aria-label": "Alerts" });
  private readonly empty = h("p", "nothing", {}, "No open alerts. They appear here the moment a rule of your policy holds.");
  private readonly count = h("span", "count");

  constructor(
    private readonly model: Model,
    private readonly open: (interaction: string) => void,
    private readonly acknowledge: (a: Alert) => void,
    close: () => void,
  ) {
    this.element = h(
      "aside",
      "alerts",
      { "aria-label": "Alerts" },
      h("div", "pane-head", {}, h("h2", "", {}, "Alerts"), this.count, button("quiet only-narrow", "Close alerts", close, shape("close"))),
      this.feed,
      this.empty,
    );
  }

  update(): void {
    const all = this.model.openAlerts();
    const open = all.slice(0, most);
    put(this.count, all.length > most ? `${all.length}, the newest ${most} here` : all.length ? String(all.length) : "");
    this.empty.hidden = open.length > 0;
    const gone = new Set(this.cards.keys());
    const now = Date.now();
    let before: Element | null = this.feed.firstElementChild;
    for (const a of open) {
      gone.delete(a.id);
      let card = this.cards.get(a.id);
      if (!card) {
        card = this.card(a);
        this.cards.set(a.id, card);
      }
      if (card.element !== before) this.feed.insertBefore(card.element, before);
      else before = before.nextElementSibling;
      const i = this.model.interactions.get(a.interaction);
      put(card.who, i ? who(i) : channelName(a.channel));
      put(card.time, ago(now - card.at));
    }
    for (const id of gone) {
      this.cards.get(id)!.element.remove();
      this.cards.delete(id);
    }
  }

  private card(a: Alert): Card {
    const who = h("span", "card-who", { dir: "auto" });
    const time = h("time", "card-time", { datetime: a.at, title: new Date(a.at).toLocaleString() });
    const main = button("card-main", `${a.severity}: ${a.title}`, () => this.open(a.interaction), h("span", "card-title", {}, a.title), h("span", "card-line", {}, channelIcon(a.channel), who), h("span", "card-rule", {}, words(a.rule.name)));
    const element = h(
      "article",
      "card",
      { "data-severity": a.severity },
      h("span", "card-icon", { title: a.severity }, severityIcon(a.severity)),
      main,
      h("div", "card-side", {}, time, button("quiet ack", "Acknowledge", () => this.acknowledge(a), shape("check"))),
    );
    return { element, who, time, at: Date.parse(a.at) };
  }
}
