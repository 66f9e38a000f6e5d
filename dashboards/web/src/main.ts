// Puts the screen together: a snapshot, then the events after it.

import "@fontsource-variable/inter/wght.css";
import "./style.css";

import * as api from "./api";
import { Alerts } from "./alerts";
import { button, h, put } from "./dom";
import { channelName } from "./format";
import { Detail, curveHeight } from "./detail";
import { channelIcon, shape } from "./icons";
import { journeyHeight } from "./journey";
import { List } from "./list";
import { Model } from "./model";
import { everything, type SortKey, type View } from "./order";
import { Patterns } from "./patterns";
import { gradients } from "./spark";
import { pauseAfter, Stream } from "./stream";
import { restoreTheme, TopBar } from "./topbar";
import type { Channel, Features } from "./types";

const topics = ["interactions", "features", "alerts", "suggestions", "feedback", "context"] as const;

restoreTheme();

const model = new Model();
let view: View = { ...everything };

const go = (id: string): void => {
  const hash = id ? `#/i/${encodeURIComponent(id)}` : "#/";
  if (location.hash !== hash) location.hash = hash;
};

const toast = h("div", "toast", { role: "status" });
let toastTimer = 0;
function say(text: string): void {
  put(toast, text);
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => toast.classList.remove("shown"), 4000);
}
const fail = (e: unknown): void => say(e instanceof Error ? e.message : "The server does not answer.");

const detail = new Detail(model, {
  close: () => go(""),
  open: go,
  acknowledge: (a) => void acknowledge(a.id),
  feedback: (s, useful) =>
    void api
      .feedback(s.id, useful)
      .then((f) => {
        model.apply("feedback", f);
        schedule();
      })
      .catch(fail),
  fail,
});

async function acknowledge(id: string): Promise<void> {
  try {
    model.apply("feedback", await api.acknowledge(id));
    schedule();
  } catch (e) {
    fail(e);
  }
}

const app = document.getElementById("app")!;
const alerts = new Alerts(
  model,
  (id) => {
    app.classList.remove("show-alerts");
    go(id);
  },
  (a) => void acknowledge(a.id),
  () => app.classList.remove("show-alerts"),
);
const patterns = new Patterns(go, () => go(""));
const top = new TopBar(() => app.classList.toggle("show-alerts"));
const empty = emptyState();
const list = new List(model, () => view, go, empty);

app.append(gradients([36, curveHeight, journeyHeight]), top.element, h("main", "main", {}, h("section", "pane", { "aria-label": "Live interactions" }, filters(), list.element), detail.element, patterns.element, alerts.element), toast);

/** filters are above the list; what they say is the view. */
function filters(): HTMLElement {
  const change = (part: Partial<View>): void => {
    view = { ...view, ...part };
    for (const b of buttons) b.show();
    list.arrangeAnew();
    empty.classList.toggle("filtered", model.interactions.size > 0);
  };
  const buttons: { show(): void }[] = [];
  const toggle = (label: string, on: () => boolean, part: () => Partial<View>, ...content: Node[]): HTMLElement => {
    const b = button("filter", label, () => change(part()), ...content);
    buttons.push({ show: () => b.setAttribute("aria-pressed", String(on())) });
    return b;
  };
  const channels = (["voice", "whatsapp", "webchat", "sms", "email"] as Channel[]).map((c) =>
    toggle(channelName(c), () => view.channel === c, () => ({ channel: view.channel === c ? "" : c }), channelIcon(c)),
  );
  const search = h("input", "", { type: "search", placeholder: "Search name, words, agent", "aria-label": "Search interactions", spellcheck: "false" });
  search.addEventListener("input", () => change({ text: search.value.trim() }));
  const sort = h("select", "", { "aria-label": "Order" }, ...([["last", "Latest activity"], ["sentiment", "Lowest sentiment"], ["alerts", "Most alerts"], ["started", "Longest open"]] as [SortKey, string][]).map(([value, text]) => h("option", "", { value }, text)));
  sort.addEventListener("change", () => change({ sort: sort.value as SortKey }));
  document.addEventListener("keydown", (e) => {
    if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) {
      if (e.key === "Escape") list.focus();
      return;
    }
    if (e.key === "/") {
      e.preventDefault();
      search.focus();
    } else if (e.key === "Escape" && app.classList.contains("show-alerts")) {
      app.classList.remove("show-alerts");
    } else if (e.key === "Escape" && (detail.id || !patterns.element.hidden)) {
      go("");
    }
  });
  const bar = h(
    "div",
    "filters",
    {},
    h("label", "search", {}, shape("search"), search, h("kbd", "", { "aria-hidden": "true" }, "/")),
    h("div", "group", { role: "group", "aria-label": "Channels" }, ...channels),
    h(
      "div",
      "group",
      { role: "group", "aria-label": "Only" },
      toggle("Negative", () => view.mood === "negative", () => ({ mood: view.mood === "negative" ? "" : "negative" }), document.createTextNode("Negative")),
      toggle("With alerts", () => view.alerts, () => ({ alerts: !view.alerts }), document.createTextNode("Alerts")),
      toggle("Ended too", () => view.over, () => ({ over: !view.over }), document.createTextNode("Ended")),
    ),
    h("label", "order", {}, sort),
  );
  for (const b of buttons) b.show();
  return bar;
}

function emptyState(): HTMLElement {
  const curl = `curl ${location.origin}/v1/messages -d '{"channel":"sms","customer":{"phone":"+4915112345678","name":"Ada"},"text":"Where is my order?"}'`;
  const copy = (text: string): HTMLElement => {
    const b = button("quiet small", "Copy", () => void navigator.clipboard.writeText(text).then(() => say("Copied.")).catch(fail));
    return h("div", "code", {}, h("code", "", {}, text), b);
  };
  return h(
    "div",
    "empty",
    {},
    h("div", "when-none", {}, h("h2", "", {}, "Nobody is talking yet"), h("p", "", {}, "Calls and messages of every channel appear here the moment they begin. To see a whole day of them, run"), copy("throughline demo"), h("p", "", {}, "or send one message yourself:"), copy(curl)),
    h("div", "when-filtered", {}, h("h2", "", {}, "Nothing matches"), h("p", "", {}, "Other interactions are there. Take a filter away to see them.")),
  );
}

let scheduled = false;
/** schedule draws once for all the events of a moment. */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    requestAnimationFrame(draw);
  }, 80);
}

function draw(): void {
  top.count(model.counts());
  empty.classList.toggle("filtered", model.interactions.size > 0);
  list.update();
  alerts.update();
  detail.update();
}

let stream: Stream | undefined;

async function start(failures = 0): Promise<void> {
  stream?.close();
  try {
    // Alerts first: those that the stream repeats are known by their id, while
    // counts of turns must go on exactly where the list of interactions ends.
    const alarms = await api.alerts();
    const snapshot = await api.interactions();
    model.load(snapshot.interactions, alarms.alerts);
    stream = new Stream({
      query: `topics=${topics.join(",")}`,
      after: snapshot.position,
      topics,
      onEvent: (topic, event) => {
        model.apply(topic, event);
        if (topic === "features") detail.turn(event as Features);
        schedule();
      },
      onState: (s) => top.connection(s),
      onReset: () => void start(),
    });
    app.dataset["ready"] = "true";
    draw();
    if (detail.id) void detail.open(detail.id);
    else route();
    void refresh();
  } catch (e) {
    refused(e);
    top.connection("waiting");
    setTimeout(() => void start(failures + 1), pauseAfter(failures));
  }
}

async function refresh(): Promise<void> {
  await api.overview().then((o) => top.show(o)).catch(refused);
}

/** refused asks for a token again where the server no longer takes ours; of other failures the state of the connection tells. */
function refused(e: unknown): void {
  if (!(e instanceof api.Refused)) return;
  if (e.status === 401) location.reload();
  if (e.status === 403) say(e.message);
}

function route(): void {
  const wanted = opened(location.hash);
  const inside = [detail.element, patterns.element].some((e) => e.contains(document.activeElement));
  const changes = location.hash === "#/patterns";
  app.classList.toggle("opened", wanted !== "" || changes);
  patterns.show(changes);
  list.select(wanted);
  if (wanted !== detail.id) {
    if (wanted) void detail.open(wanted);
    else detail.close();
  }
  // Where a pane lies over the list, keys go to the pane; they come back when it closes.
  if (!wanted && !changes && inside) list.focus();
  else if (!inside && covers.matches) (wanted ? detail : changes ? patterns : undefined)?.element.focus();
}

const covers = matchMedia("(max-width: 1000px)");

/** opened is the interaction that an address names. */
function opened(hash: string): string {
  try {
    return decodeURIComponent(/^#\/i\/(.+)$/.exec(hash)?.[1] ?? "");
  } catch {
    return ""; // typed or cut off: not an address of ours
  }
}

window.addEventListener("hashchange", route);
setInterval(draw, 1000); // durations grow
setInterval(() => void refresh(), 3000);
void start();
