// Which interactions the list shows, and in which order. Pure.

import type { Channel, Interaction } from "./types";
import { isOpen } from "./model";

export type SortKey = "last" | "sentiment" | "started" | "alerts";

export interface View {
  sort: SortKey;
  channel: Channel | "";
  mood: "" | "negative" | "positive";
  alerts: boolean; // only those with an open alert
  over: boolean; // those that are over, too
  text: string;
}

export const everything: View = { sort: "last", channel: "", mood: "", alerts: false, over: false, text: "" };

/** matches tells whether v shows i. Text is looked for in what the list shows. */
export function matches(i: Interaction, v: View): boolean {
  if (v.channel && i.channel !== v.channel) return false;
  if (!v.over && !isOpen(i)) return false;
  if (v.alerts && i.alerts === 0) return false;
  if (v.mood === "negative" && !(i.sentiment !== undefined && i.sentiment <= -0.75)) return false;
  if (v.mood === "positive" && !(i.sentiment !== undefined && i.sentiment >= 0.75)) return false;
  if (v.text === "") return true;
  const needle = v.text.toLowerCase();
  return [i.name, i.handle, i.agent, i.queue, i.case, i.last_text, i.intent?.replaceAll("_", " "), i.id, i.customer].some((s) => s?.toLowerCase().includes(needle));
}

const byId = (a: Interaction, b: Interaction): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const newest = (a: Interaction, b: Interaction): number => b.last - a.last || byId(a, b);

const orders: Record<SortKey, (a: Interaction, b: Interaction) => number> = {
  last: newest,
  started: (a, b) => a.started - b.started || byId(a, b),
  sentiment: (a, b) => (a.sentiment ?? 9) - (b.sentiment ?? 9) || newest(a, b),
  alerts: (a, b) => b.alerts - a.alerts || newest(a, b),
};

/** arrange gives the ids that v shows, in its order. */
export function arrange(all: Iterable<Interaction>, v: View): string[] {
  const shown: Interaction[] = [];
  for (const i of all) if (matches(i, v)) shown.push(i);
  return shown.sort(orders[v.sort]).map((i) => i.id);
}

/**
 * settle keeps the rows that stand under somebody's pointer where they are: what
 * is gone leaves, what is new waits. It returns the order to show and how many
 * wait.
 */
export function settle(shown: string[], wanted: string[], held: boolean): { order: string[]; waiting: number } {
  if (!held || shown.length === 0) return { order: wanted, waiting: 0 };
  const want = new Set(wanted);
  const order = shown.filter((id) => want.has(id));
  const there = new Set(order);
  return { order, waiting: wanted.filter((id) => !there.has(id)).length };
}

/** windowOf says which of n rows of a height are to be drawn, with some beyond either edge. */
export function windowOf(n: number, height: number, top: number, view: number, extra = 6): [number, number] {
  const from = Math.max(0, Math.floor(top / height) - extra);
  const to = Math.min(n, Math.ceil((top + view) / height) + extra);
  return [Math.min(from, n), Math.max(to, 0)];
}
