// One interaction, opened: who, how it goes, what to do, what is said, and the
// journey it belongs to.

import * as api from "./api";
import { attr, button, h, put, svg } from "./dom";
import { area, line, place } from "./curve";
import { channelName, duration, handleOf, mood, signed, tone, who, words } from "./format";
import { channelIcon, severityIcon, shape } from "./icons";
import { JourneyView } from "./journey";
import { alarms, isOpen, received, type Model, troubles } from "./model";
import { Stream } from "./stream";
import { SummaryView } from "./summary";
import { Conversation } from "./turns";
import type { Alert, Features, Interaction, Journey, Suggestion, Turn } from "./types";

export const curveHeight = 72;

type Tab = "conversation" | "journey" | "summary";

export class Detail {
  readonly element: HTMLElement;
  id = "";
  private interaction: Interaction | undefined;
  private journey: Journey | undefined;
  private stream: Stream | undefined;
  private waiting: Features[] | undefined; // events that came while the turns were fetched

  private readonly channel = h("span", "channel large");
  private readonly name = h("h2", "", { dir: "auto" });
  private readonly sub = h("p", "muted");
  private readonly state = h("span", "state-chip");
  private readonly value = h("b", "value huge");
  private readonly moodText = h("span", "muted");
  private readonly chart = h("div", "chart");
  private readonly advice = h("div", "advice");
  private readonly conversation = new Conversation();
  private readonly journeyView: JourneyView;
  private readonly summaryView: SummaryView;
  private readonly tabs: Record<Tab, HTMLButtonElement>;
  private readonly panels: Record<Tab, HTMLElement>;
  private readonly stored = h("p", "note");
  private shownAdvice = "";
  private shownChart = "";
  private width = 0; // of the chart

  constructor(
    private readonly model: Model,
    private readonly hooks: { close(): void; open(id: string): void; acknowledge(a: Alert): void; feedback(s: Suggestion, useful: boolean): void; fail(e: unknown): void },
  ) {
    this.journeyView = new JourneyView(hooks.open);
    this.summaryView = new SummaryView((turn) => {
      this.show("conversation");
      this.conversation.reveal(turn);
    });
    this.tabs = {
      conversation: button("tab", "Conversation", () => this.show("conversation")),
      journey: button("tab", "Journey", () => this.show("journey")),
      summary: button("tab", "Summary", () => this.show("summary")),
    };
    const strip = h("div", "tabs", { role: "tablist" }, this.tabs.conversation, this.tabs.journey, this.tabs.summary);
    this.panels = { conversation: this.conversation.element, journey: this.journeyView.element, summary: this.summaryView.element };
    for (const [name, tab] of Object.entries(this.tabs)) {
      tab.setAttribute("role", "tab");
      const panel = this.panels[name as Tab];
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-label", words(name));
    }
    this.element = h(
      "section",
      "detail",
      { "aria-label": "Interaction", tabindex: "-1" },
      h("div", "detail-head", {}, this.channel, h("div", "detail-who", {}, h("div", "name-line", {}, this.name, this.state), this.sub), h("div", "detail-mood", {}, this.value, this.moodText), button("quiet", "Close", () => hooks.close(), shape("close"))),
      this.chart,
      this.advice,
      strip,
      this.stored,
      ...Object.values(this.panels),
    );
    this.element.hidden = true;
    this.show("conversation");
    new ResizeObserver(([box]) => {
      this.width = Math.round(box!.contentRect.width); // asked for while drawing, it would cost a layout each time
      this.drawChart();
    }).observe(this.chart);
  }

  /** open shows the interaction of this id; what it needs is fetched, and then followed. */
  async open(id: string): Promise<void> {
    this.leave();
    this.id = id;
    this.element.hidden = false;
    this.interaction = this.model.interactions.get(id);
    this.waiting = [];
    this.conversation.clear("Loading the conversation");
    this.journeyView.clear();
    this.summaryView.of(id);
    this.stored.hidden = true;
    this.update();
    try {
      if (!this.interaction) this.interaction = received(await api.interaction(id));
      if (this.id !== id) return;
      this.update();
      const list = await api.turns(id);
      if (this.id !== id) return;
      this.conversation.load(list.turns);
      for (const f of this.waiting) this.conversation.add(f);
      this.waiting = undefined;
      this.follow(list.position);
      put(this.stored, list.why ?? "");
      this.stored.hidden = !list.why || list.turns.length > 0;
      await this.fetchJourney(id);
    } catch (e) {
      if (this.id === id) {
        this.waiting = undefined;
        this.conversation.clear(`This interaction cannot be shown: ${e instanceof Error ? e.message : "the server does not answer"}`);
      }
    }
  }

  private async fetchJourney(id: string): Promise<void> {
    const customer = this.interaction?.customer;
    if (!customer) return;
    const context = await api.context(customer).catch(() => undefined); // nobody has a journey before the first turn
    if (!context || this.id !== id) return;
    for (const s of context.suggestions) if (!this.model.suggestions.has(s.id)) this.model.suggestions.set(s.id, s);
    const journey = await api.journey(context.journey);
    if (this.id !== id) return;
    if (!this.journey || this.journey.version < journey.version) this.journey = journey;
    this.update();
  }

  /** follow reads what only this pane shows: the journey, and transcripts as they grow. */
  private follow(after: string): void {
    const id = this.id;
    const query = new URLSearchParams({ topics: "journeys,turns.partial", customer: this.interaction?.customer ?? "" });
    this.stream = new Stream({
      query: query.toString(),
      after,
      topics: ["journeys", "turns.partial"],
      onState: () => {},
      onReset: () => void this.open(id),
      onEvent: (topic, event) => {
        if (topic === "turns.partial") {
          if ((event as Turn).interaction === this.id) this.conversation.partial(event as Turn);
          return;
        }
        const journey = event as Journey;
        if (journey.into || journey.within) return; // it is told where the customer or the journey went
        this.journey = journey;
        this.update();
      },
    });
  }

  close(): void {
    this.leave();
    this.id = "";
    this.element.hidden = true;
  }

  private leave(): void {
    this.stream?.close();
    this.stream = undefined;
    this.journey = undefined;
    this.interaction = undefined;
    this.shownAdvice = this.shownChart = "";
    for (const e of [this.name, this.sub, this.state, this.value, this.moodText, this.chart, this.advice]) e.replaceChildren();
    attr(this.state, "data-state", undefined);
  }

  /** turn takes an analysed turn of any interaction. */
  turn(f: Features): void {
    if (f.turn.interaction !== this.id) return;
    if (this.waiting) this.waiting.push(f);
    else this.conversation.add(f);
    this.summaryView.heard(false);
  }

  private show(tab: Tab): void {
    for (const [name, b] of Object.entries(this.tabs)) attr(b, "aria-selected", String(name === tab));
    for (const [name, panel] of Object.entries(this.panels)) panel.hidden = name !== tab;
    this.summaryView.show(tab === "summary");
  }

  /** update brings the pane up to the model. */
  update(): void {
    if (!this.id) return;
    const i = (this.interaction = this.model.interactions.get(this.id) ?? this.interaction);
    if (!i) return;
    if (this.channel.dataset["channel"] !== i.channel) {
      this.channel.dataset["channel"] = i.channel;
      this.channel.replaceChildren(channelIcon(i.channel));
    }
    put(this.name, who(i));
    const length = isOpen(i) ? Date.now() - i.started : (i.ended ?? i.last) - i.started;
    put(this.sub, [channelName(i.channel), i.name ? handleOf(i) : "", i.agent, i.queue, duration(length), isOpen(i) ? troubles(i) : i.reason].filter(Boolean).join(" · "));
    put(this.state, { open: "Live", held: "On hold", ended: "Ended", failed: "Failed", abandoned: "Abandoned" }[i.state]);
    if (this.state.dataset["state"] && this.state.dataset["state"] !== i.state && !isOpen(i)) this.summaryView.heard(true);
    attr(this.state, "data-state", i.state);
    attr(this.state, "title", i.reason);
    put(this.value, i.sentiment === undefined ? "–" : signed(i.sentiment));
    attr(this.value, "data-tone", tone(i.sentiment));
    put(this.moodText, mood(i.sentiment));
    const steps = this.journey?.interactions?.length ?? 0;
    put(this.tabs.journey, steps > 1 ? `Journey · ${steps} interactions` : "Journey");
    if (this.journey) this.journeyView.show(this.journey, this.id);
    this.drawChart();
    this.showAdvice();
    this.conversation.tidy();
  }

  private drawChart(): void {
    const i = this.interaction;
    const width = this.width;
    if (!i || width === 0) return;
    const from = i.started;
    const to = Math.max(i.last, from + 60_000);
    const dots = place(i.curve ?? [], from, to, width, curveHeight, 6);
    const tint = `url(#tone-${curveHeight})`;
    const alerts = [...this.model.alerts.values()].filter((a) => a.interaction === i.id && alarms(a)).map((a) => ({ x: place([{ at: Date.parse(a.at), score: 0 }], from, to, width, curveHeight, 6)[0]!.x, severity: a.severity, title: a.title }));
    const version = JSON.stringify([width, dots, alerts]);
    if (version === this.shownChart) return; // what the pointer rests on stays
    this.shownChart = version;
    const marks = alerts.map((a) =>
      svg(
        "g",
        { class: "chart-mark", "data-severity": a.severity },
        svg("title", {}, document.createTextNode(a.title)),
        svg("line", { x1: a.x, x2: a.x, y1: 0, y2: curveHeight }),
        svg("path", { d: `M${a.x - 5} -2h10l-5 8z` }),
      ),
    );
    this.chart.replaceChildren(
      svg(
        "svg",
        { width, height: curveHeight, role: "img", "aria-label": `Sentiment over time: ${mood(i.sentiment)}` },
        svg("line", { class: "spark-zero", x1: 0, x2: width, y1: curveHeight / 2, y2: curveHeight / 2 }),
        svg("path", { class: "spark-area", d: area(dots, curveHeight), fill: tint }),
        svg("path", { class: "spark-line", d: line(dots), stroke: tint }),
        ...marks,
        ...dots.map((d) => svg("circle", { cx: d.x, cy: d.y, r: 3, class: "chart-dot", fill: tint })),
      ),
      h("span", "chart-scale", { "aria-hidden": "true" }, h("i", "", {}, "+"), h("i", "", {}, "0"), h("i", "", {}, "−")),
    );
  }

  private showAdvice(): void {
    const decided = [...this.model.alerts.values()].filter((a) => a.interaction === this.id && !a.acknowledged).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    const alerts = decided.filter(alarms);
    const route = decided.find((a) => a.action === "route");
    const suggestions = this.model.advice(this.id, Date.now()).slice(0, 2);
    const version = JSON.stringify([alerts.map((a) => a.id), route?.id, suggestions.map((s) => [s.id, s.feedback?.id])]);
    if (version === this.shownAdvice) return;
    this.shownAdvice = version;
    this.advice.replaceChildren(
      ...alerts.slice(0, 3).map((a) =>
        h("div", "strip", { "data-severity": a.severity }, severityIcon(a.severity), h("span", "strip-text", {}, h("b", "", {}, a.title), h("span", "muted", {}, ` ${words(a.rule.name)}`)), button("quiet small", "Acknowledge", () => this.hooks.acknowledge(a))),
      ),
      ...(route ? [h("div", "strip", { "data-severity": "info" }, shape("trend"), h("span", "strip-text", {}, h("b", "", {}, route.title), h("span", "muted", {}, ` ${where(route)}`)))] : []),
      ...suggestions.map((s) => this.suggestion(s)),
    );
  }

  private suggestion(s: Suggestion): HTMLElement {
    const said = s.feedback?.outcome;
    return h(
      "div",
      "strip suggestion",
      {},
      shape("spark"),
      h("span", "strip-text", {}, h("b", "", {}, s.title), s.body ? h("span", "strip-body", {}, s.body) : null),
      said === "accepted"
        ? h("span", "thanks", {}, "Noted as useful")
        : h("span", "strip-buttons", {}, button("quiet", "Useful", () => this.hooks.feedback(s, true), shape("up")), button("quiet", "Not useful", () => this.hooks.feedback(s, false), shape("down"))),
    );
  }
}

/** where tells to whom an interaction was routed. */
function where(a: Alert): string {
  return [a.queue ? `queue ${words(a.queue).toLowerCase()}` : "", a.skill ? `skill ${words(a.skill).toLowerCase()}` : "", a.priority ? `priority ${a.priority}` : ""].filter(Boolean).join(", ");
}
