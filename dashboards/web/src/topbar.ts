// The figures at the head of the screen, the state of the connection, the theme.

import { attr, button, h, put } from "./dom";
import { channelName, mood, signed, tone } from "./format";
import { channelIcon, shape } from "./icons";
import type { Counts } from "./model";
import type { State } from "./stream";
import type { Channel, Overview } from "./types";

const order: Channel[] = ["voice", "whatsapp", "webchat", "sms", "email"];

export class TopBar {
  readonly element: HTMLElement;
  private readonly total = h("b");
  private readonly channels = new Map<Channel, { box: HTMLElement; count: HTMLElement }>();
  private readonly turns = h("b");
  private readonly sentiment = h("b", "value");
  private readonly change = h("span", "change");
  private readonly alerts = h("b");
  private readonly alertsButton: HTMLButtonElement;
  private readonly state = h("span", "state", { role: "status" });
  private readonly theme: HTMLButtonElement;

  constructor(onAlerts: () => void) {
    const split = h("span", "split");
    for (const c of order) {
      const count = h("span", "", {}, "0");
      const box = h("span", "", { title: channelName(c), "data-channel": c }, channelIcon(c), count);
      this.channels.set(c, { box, count });
      split.append(box);
    }
    this.alertsButton = button("figure figure-alerts", "Open alerts", onAlerts, h("span", "label", {}, "Open alerts"), h("span", "number", {}, this.alerts));
    this.theme = button("theme quiet", "Switch between dark and light", () => this.switchTheme(), shape("sun"));
    this.element = h(
      "header",
      "topbar",
      {},
      h("a", "brand", { href: "#", "aria-label": "Throughline, start" }, mark(), h("span", "", {}, "Throughline")),
      h(
        "div",
        "figures-line",
        {},
        h("div", "figure", {}, h("span", "label", {}, "Open now"), h("span", "number", {}, this.total, split)),
        h("div", "figure", {}, h("span", "label", {}, "Turns a minute"), h("span", "number", {}, this.turns)),
        h("div", "figure", { title: "Mean of the customers' turns of the last 15 minutes, −5 to +5" }, h("span", "label", {}, "Sentiment"), h("span", "number", {}, this.sentiment, this.change)),
        this.alertsButton,
      ),
      h("a", "quiet patterns-link", { href: "#/patterns", title: "What changed over many customers" }, shape("trend"), h("span", "", {}, "Patterns")),
      this.state,
      this.theme,
    );
    this.showTheme();
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.showTheme());
    this.connection("connecting");
  }

  /** count shows what the screen itself knows, at once. */
  count(c: Counts): void {
    put(this.total, String(c.total));
    for (const [channel, { box, count }] of this.channels) {
      const n = c.open[channel] ?? 0;
      put(count, String(n));
      box.classList.toggle("zero", n === 0);
    }
    put(this.alerts, String(c.alerts));
    attr(this.alertsButton, "aria-label", `Open alerts: ${c.alerts}`);
    this.alertsButton.classList.toggle("critical", c.critical > 0);
  }

  /** show takes what only the server can tell. */
  show(o: Overview): void {
    put(this.turns, o.turns_per_minute >= 10 ? String(Math.round(o.turns_per_minute)) : String(Number(o.turns_per_minute.toFixed(1))));
    put(this.sentiment, o.sentiment === undefined ? "–" : signed(o.sentiment));
    attr(this.sentiment, "data-tone", tone(o.sentiment));
    attr(this.sentiment, "title", mood(o.sentiment));
    const change = o.sentiment !== undefined && o.sentiment_hour_ago !== undefined ? o.sentiment - o.sentiment_hour_ago : undefined;
    put(this.change, change === undefined ? "" : `${signed(change)} vs an hour ago`);
  }

  connection(state: State): void {
    attr(this.state, "data-state", state);
    put(this.state, { connecting: "Connecting", live: "Live", waiting: "Reconnecting" }[state]);
  }

  private switchTheme(): void {
    const next = currentTheme() === "dark" ? "light" : "dark";
    localStorage.setItem("theme", next);
    document.documentElement.dataset["theme"] = next;
    this.showTheme();
  }

  private showTheme(): void {
    this.theme.replaceChildren(shape(currentTheme() === "dark" ? "sun" : "moon"));
  }
}

function currentTheme(): string {
  return document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}

/** restoreTheme takes what was chosen before; without it the system decides. */
export function restoreTheme(): void {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset["theme"] = chosen;
}

function mark(): HTMLElement {
  const box = h("span", "mark", { "aria-hidden": "true" });
  box.innerHTML =
    '<svg viewBox="0 0 32 32"><path d="M3 19c5 0 5-9 9.5-9S17 23 21 23s4-7 8-7" fill="none" stroke="currentColor" stroke-width="2.8" stroke-linecap="round"/><circle cx="12.5" cy="10" r="3" fill="currentColor"/><circle cx="21" cy="23" r="3" fill="currentColor"/></svg>';
  return box;
}
