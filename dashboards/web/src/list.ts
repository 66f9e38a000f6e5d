// The list of interactions: only the rows in sight exist, each keeps its element
// while it is shown, and moving is calm. While a pointer is over the list, or
// somebody has scrolled down, nothing moves; what is new waits behind a button.

import { attr, button, h, put } from "./dom";
import { ago, channelName, duration, handleOf, mood, plain, signed, tone, who, words } from "./format";
import { channelIcon, severityIcon } from "./icons";
import { isOpen, type Model, troubles } from "./model";
import { arrange, settle, windowOf, type View } from "./order";
import { Spark } from "./spark";
import type { Interaction } from "./types";

export const rowHeight = 68;

export class List {
  readonly element: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly sizer: HTMLElement;
  private readonly more: HTMLButtonElement;
  private readonly empty: HTMLElement;
  private readonly rows = new Map<string, Row>();
  private order: string[] = [];
  private pointer = false;
  private active = ""; // where the keyboard is
  private selected = "";

  constructor(
    private readonly model: Model,
    private readonly view: () => View,
    private readonly open: (id: string) => void,
    empty: HTMLElement,
  ) {
    this.sizer = h("div", "rows", { role: "presentation" });
    this.scroller = h("div", "scroller", { role: "listbox", tabindex: "0", "aria-label": "Interactions" }, this.sizer);
    this.more = button("waiting", "Show new", () => this.release());
    this.more.hidden = true;
    this.empty = empty;
    this.element = h("div", "list", {}, this.more, this.scroller, empty);
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroller.addEventListener("pointerenter", () => (this.pointer = true));
    this.scroller.addEventListener("pointerleave", () => {
      this.pointer = false;
      this.update();
    });
    this.scroller.addEventListener("keydown", (e) => this.key(e));
    this.scroller.addEventListener("click", (e) => {
      const id = (e.target as Element).closest<HTMLElement>("[data-id]")?.dataset["id"];
      if (id) this.open(id);
    });
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  /** select marks the interaction that is open beside the list. */
  select(id: string): void {
    this.selected = id;
    if (id) this.active = id;
    this.draw();
  }

  focus(): void {
    this.scroller.focus();
  }

  /** update brings order and rows up to the model. */
  update(): void {
    const wanted = arrange(this.model.interactions.values(), this.view());
    const held = this.pointer || this.scroller.scrollTop > rowHeight / 2;
    const { order, waiting } = settle(this.order, wanted, held);
    this.order = order;
    this.more.hidden = waiting === 0;
    if (waiting) put(this.more, `${waiting} new · show`);
    this.empty.hidden = order.length > 0;
    this.draw();
  }

  /** arrangeAnew takes the order of a changed view at once. */
  arrangeAnew(): void {
    this.order = [];
    this.scroller.scrollTop = 0;
    this.update();
  }

  private release(): void {
    this.scroller.scrollTop = 0;
    const pointer = this.pointer;
    this.pointer = false;
    this.update();
    this.pointer = pointer;
  }

  private draw(): void {
    const height = `${this.order.length * rowHeight}px`;
    if (this.sizer.style.height !== height) this.sizer.style.height = height;
    const [from, to] = windowOf(this.order.length, rowHeight, this.scroller.scrollTop, this.scroller.clientHeight);
    const gone = new Set(this.rows.keys());
    const now = Date.now();
    for (let k = from; k < to; k++) {
      const id = this.order[k]!;
      const i = this.model.interactions.get(id);
      if (!i) continue;
      gone.delete(id);
      let row = this.rows.get(id);
      if (!row) {
        row = new Row(i);
        this.rows.set(id, row);
        this.sizer.append(row.element);
      }
      row.move(k);
      row.show(i, now, id === this.selected, id === this.active, this.order.length, k);
    }
    for (const id of gone) {
      this.rows.get(id)!.element.remove();
      this.rows.delete(id);
    }
    attr(this.scroller, "aria-activedescendant", this.rows.has(this.active) ? `row-${this.active}` : undefined);
  }

  private key(e: KeyboardEvent): void {
    const at = this.order.indexOf(this.active);
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / rowHeight) - 1);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.order.length - 1 };
    if (e.key === "Enter" && this.active) {
      this.open(this.active);
    } else if (e.key in moves && this.order.length) {
      const k = Math.min(Math.max(moves[e.key]!, 0), this.order.length - 1);
      this.active = this.order[k]!;
      const top = k * rowHeight;
      if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
      else if (top + rowHeight > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + rowHeight - this.scroller.clientHeight;
      this.draw();
    } else {
      return;
    }
    e.preventDefault();
  }
}

class Row {
  readonly element: HTMLElement;
  private readonly name = h("span", "name", { dir: "auto" });
  private readonly handle = h("span", "handle");
  private readonly by = h("span", "by");
  private readonly words = h("span", "words", { dir: "auto" });
  private readonly intent = h("span", "chip");
  private readonly value = h("span", "value");
  private readonly time = h("span", "time");
  private readonly alert = h("span", "badge");
  private readonly alertCount = h("span");
  private readonly spark = new Spark(112, 36);
  private severity = "";
  private y = -1;
  private shownText = "";

  constructor(i: Interaction) {
    this.element = h(
      "div",
      "row",
      { role: "option", id: `row-${i.id}` },
      h("span", "channel", { title: channelName(i.channel), "data-channel": i.channel }, channelIcon(i.channel)),
      h("span", "who", {}, h("span", "who-line", {}, this.name, this.handle), this.by),
      h("span", "said", {}, this.words, this.intent),
      this.alert,
      this.spark.element,
      h("span", "figures", {}, this.value, this.time),
    );
    this.element.dataset["id"] = i.id;
  }

  move(k: number): void {
    const y = k * rowHeight;
    if (y === this.y) return;
    // A row that comes into sight appears where it belongs; only one that was
    // seen before glides.
    this.element.classList.toggle("still", this.y < 0);
    this.y = y;
    this.element.style.transform = `translateY(${y}px)`;
  }

  show(i: Interaction, now: number, selected: boolean, active: boolean, size: number, k: number): void {
    const e = this.element;
    e.classList.toggle("selected", selected);
    e.classList.toggle("active", active);
    e.classList.toggle("over", !isOpen(i));
    attr(e, "aria-selected", String(selected));
    attr(e, "aria-setsize", String(size));
    attr(e, "aria-posinset", String(k + 1));
    put(this.name, who(i));
    put(this.handle, i.name ? handleOf(i) : "");
    put(this.by, [troubles(i), i.agent, i.queue, stateWord(i)].filter(Boolean).join(" · "));
    const text = plain(i.last_text ?? "");
    put(this.words, text || troubles(i) || "No words yet");
    this.words.classList.toggle("none", !text);
    if (text !== this.shownText) {
      if (this.shownText) flash(this.words);
      this.shownText = text;
    }
    attr(this.words, "data-role", i.last_role || undefined);
    put(this.intent, i.intent ? words(i.intent) : "");
    this.intent.hidden = !i.intent;
    put(this.value, i.sentiment === undefined ? "–" : signed(i.sentiment));
    attr(this.value, "data-tone", tone(i.sentiment));
    attr(this.value, "title", `Sentiment of the customer, −5 to +5: ${mood(i.sentiment)}`);
    const long = isOpen(i) ? now - i.started : (i.ended ?? i.last) - i.started;
    put(this.time, isOpen(i) || long > 1000 ? duration(long) : `${ago(now - i.last)}`);
    this.spark.draw(i.curve ?? [], i.started, Math.max(i.last, i.started + 60_000));
    this.showAlert(i);
    attr(e, "aria-label", label(i));
  }

  private showAlert(i: Interaction): void {
    const severity = i.alerts ? i.severity || "info" : "";
    if (severity !== this.severity) {
      this.severity = severity;
      this.alert.replaceChildren(...(severity ? [severityIcon(severity), this.alertCount] : []));
      attr(this.alert, "data-severity", severity || undefined);
    }
    put(this.alertCount, i.alerts > 1 ? String(i.alerts) : "");
  }
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const flash = (e: HTMLElement): void => void (calm.matches || e.animate([{ opacity: 0.35 }, { opacity: 1 }], { duration: 500, easing: "ease-out" }));

function stateWord(i: Interaction): string {
  return { open: "", held: "On hold", ended: "Ended", failed: "Failed", abandoned: "Abandoned" }[i.state];
}

function label(i: Interaction): string {
  const parts = [channelName(i.channel), who(i), mood(i.sentiment)];
  if (i.sentiment !== undefined) parts.push(signed(i.sentiment));
  if (i.intent) parts.push(`wants ${words(i.intent).toLowerCase()}`);
  if (i.alerts) parts.push(`${i.alerts} open ${i.alerts === 1 ? "alert" : "alerts"}`);
  return parts.join(", ");
}
