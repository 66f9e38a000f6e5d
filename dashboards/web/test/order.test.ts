import { describe, expect, it } from "vitest";
import { arrange, everything, matches, settle, windowOf } from "../src/order";
import type { Interaction } from "../src/types";

const row = (id: string, more: Partial<Interaction> = {}): Interaction => ({ id, customer: "c" + id, channel: "voice", state: "open", started: 0, last: Number(id), turns: 1, scored: 0, alerts: 0, ...more });

describe("order", () => {
  it("puts the newest, the worst, the loudest or the longest first", () => {
    const all = [row("1", { sentiment: -4, started: 9 }), row("3", { alerts: 2, started: 7 }), row("2", { sentiment: 1, started: 1 })];
    expect(arrange(all, everything)).toEqual(["3", "2", "1"]);
    expect(arrange(all, { ...everything, sort: "sentiment" })).toEqual(["1", "2", "3"]);
    expect(arrange(all, { ...everything, sort: "alerts" })).toEqual(["3", "2", "1"]);
    expect(arrange(all, { ...everything, sort: "started" })).toEqual(["2", "3", "1"]);
  });

  it("filters by each property", () => {
    const i = row("1", { sentiment: -2, alerts: 1, name: "Ada", intent: "order_status", last_text: "Where is it" });
    for (const part of [{}, { channel: "voice" as const }, { mood: "negative" as const }, { alerts: true }, { text: "ada" }, { text: "order status" }, { text: "WHERE" }]) expect(matches(i, { ...everything, ...part })).toBe(true);
    for (const part of [{ channel: "sms" as const }, { mood: "positive" as const }, { text: "bob" }]) expect(matches(i, { ...everything, ...part })).toBe(false);
    const over = row("2", { state: "ended" });
    expect([matches(over, everything), matches(over, { ...everything, over: true })]).toEqual([false, true]);
  });

  it("moves nothing under a pointer, and says how many wait", () => {
    expect(settle(["a", "b", "c"], ["n", "c", "a"], true)).toEqual({ order: ["a", "c"], waiting: 1 });
    expect(settle(["a", "b"], ["n", "b", "a"], false)).toEqual({ order: ["n", "b", "a"], waiting: 0 });
    expect(settle([], ["n"], true)).toEqual({ order: ["n"], waiting: 0 });
  });

  it("draws only what is in sight", () => {
    expect(windowOf(1000, 68, 0, 680)).toEqual([0, 16]);
    expect(windowOf(1000, 68, 6800, 680)).toEqual([94, 116]);
    expect(windowOf(3, 68, 0, 680)).toEqual([0, 3]);
    expect(windowOf(0, 68, 500, 680)).toEqual([0, 0]);
    expect(windowOf(2, 68, 6800, 680)).toEqual([2, 2]);
  });
});
