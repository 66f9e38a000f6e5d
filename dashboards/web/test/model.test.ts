import { describe, expect, it } from "vitest";
import { Model, troubles } from "../src/model";
import type { Alert, Features, Role } from "../src/types";

const turn = (id: string, at: string, score?: number, text = "words", role: Role = "customer"): Features => ({
  id: `f${id}`,
  turn: { id, customer: "c", interaction: "i", channel: "voice", role, kind: "text", at, text },
  ...(score === undefined ? {} : { sentiment: { score, magnitude: 1 } }),
  intents: [{ name: "refund", probability: 1 }],
});

const alert = (id: string, severity: Alert["severity"]): Alert => ({ id, customer: "c", interaction: "i", channel: "voice", at: "2026-11-22T09:00:00Z", severity, title: "t", action: "alert", rule: { name: "r", version: "1" } });

describe("model", () => {
  it("follows an interaction from its first event to its end", () => {
    const m = new Model();
    m.apply("interactions", { id: "x", customer: "c", interaction: "i", channel: "voice", change: "started", at: "2026-11-22T09:00:00Z", name: "Ada" });
    m.apply("features", turn("1", "2026-11-22T09:00:01Z", -0.5));
    m.apply("features", turn("2", "2026-11-22T09:00:02.5Z", 0.1, "later"));
    m.apply("features", turn("1", "2026-11-22T09:00:01Z", -0.5)); // a redelivery
    const i = m.interactions.get("i")!;
    expect(i).toMatchObject({ name: "Ada", turns: 2, scored: 2, last_text: "later", intent: "refund", state: "open" });
    expect(i.sentiment).toBeCloseTo(-1);
    m.apply("interactions", { id: "y", customer: "c", interaction: "i", channel: "voice", change: "held", at: "2026-11-22T09:00:03Z" });
    expect(i.state).toBe("held");
    m.apply("interactions", { id: "z", customer: "c", interaction: "i", channel: "voice", change: "ended", at: "2026-11-22T09:00:04Z", reason: "solved" });
    m.apply("interactions", { id: "y2", customer: "c", interaction: "i", channel: "voice", change: "resumed", at: "2026-11-22T09:00:03Z" });
    expect(i).toMatchObject({ state: "ended", reason: "solved" });
    expect(m.counts().total).toBe(0);
  });

  it("says whose audio does not come, until it does or the call ends", () => {
    const m = new Model();
    const change = (change: string, leg?: string, role?: Role, attrs?: Record<string, string>) =>
      m.apply("interactions", { id: `${change}${leg}${JSON.stringify(attrs)}`, customer: "c", interaction: "i", channel: "voice", change, at: "2026-11-22T09:00:00Z", ...(role ? { role } : {}), ...(leg ? { attrs: { leg, ...attrs } } : {}) });
    change("started");
    change("measured", "1", "customer", { problem: "no audio" });
    change("measured", "2", undefined, { problem: "no audio" });
    change("measured", "1", "customer", { mos: "4.2" });
    const i = m.interactions.get("i")!;
    expect(troubles(i)).toBe("No audio: customer, No audio");
    change("measured", "2", undefined, { problem_over: "no audio" });
    change("measured", "1", "customer", { problem: "audio stopped" });
    expect(troubles(i)).toBe("Audio stopped: customer");
    change("ended");
    expect(troubles(i)).toBe("");
  });

  it("names who calls as their journey does, and never over what the channel said", () => {
    const m = new Model();
    for (const [interaction, name] of [["call", undefined], ["chat", "Grace"]] as const)
      m.apply("interactions", { id: interaction, customer: "c", interaction, channel: "voice", change: "started", at: "2026-11-22T09:00:00Z", ...(name ? { name } : {}) });
    for (const interaction of ["call", "chat", "later"]) m.apply("context", { customer: "c", interaction, name: "Ada" });
    m.apply("interactions", { id: "y", customer: "c", interaction: "later", channel: "voice", change: "started", at: "2026-11-22T09:00:00Z" });
    expect([...m.interactions.values()].map((i) => i.name)).toEqual(["Ada", "Grace", "Ada"]);
  });

  it("keeps words and curve in the order of time, whatever order they come in", () => {
    const m = new Model();
    m.apply("features", turn("2", "2026-11-22T09:00:02Z", 0.9, "second"));
    m.apply("features", turn("1", "2026-11-22T09:00:01.999Z", -0.9, "first"));
    m.apply("features", turn("3", "2026-11-22T09:00:02.001Z", 0, "an agent's", "agent"));
    const i = m.interactions.get("i")!;
    expect(i.curve!.map((p) => p.score)).toEqual([-0.9, 0.9]);
    expect(i).toMatchObject({ last_text: "an agent's", last_score: 0.9, last_role: "agent", scored: 2, turns: 3 });
  });

  it("bounds the curve and keeps its mean", () => {
    const m = new Model();
    for (let k = 0; k < 200; k++) m.apply("features", turn(String(k), new Date(1e12 + k * 1000).toISOString(), k % 2 ? 1 : -0.5));
    const curve = m.interactions.get("i")!.curve!;
    const n = curve.reduce((a, p) => a + p.n, 0);
    expect(curve.length).toBeLessThanOrEqual(48);
    expect(n).toBe(200);
    expect(curve.reduce((a, p) => a + p.score * p.n, 0) / n).toBeCloseTo(0.25);
  });

  it("counts open alerts whether they come before or after their interaction", () => {
    const m = new Model();
    m.apply("alerts", alert("a", "warning"));
    m.apply("features", turn("1", "2026-11-22T09:00:01Z"));
    m.apply("alerts", alert("b", "critical"));
    m.apply("alerts", alert("b", "critical"));
    const i = m.interactions.get("i")!;
    expect(i).toMatchObject({ alerts: 2, severity: "critical" });
    m.apply("feedback", { id: "f", suggestion: "b", at: "2026-11-22T09:01:00Z", outcome: "acknowledged" });
    expect(i).toMatchObject({ alerts: 1, severity: "warning" });
    expect(m.openAlerts().map((a) => a.id)).toEqual(["a"]);
  });

  it("offers advice until it is dismissed or too old, best first", () => {
    const m = new Model();
    const s = (id: string, rank: number, expires?: string) => ({ id, customer: "c", interaction: "i", at: "2026-11-22T09:00:00Z", kind: "reply", title: id, rank, source: "policy", rule: { name: "r", version: "1" }, ...(expires ? { expires } : {}) });
    for (const x of [s("a", 1), s("b", 3), s("c", 2), s("d", 9, "2026-11-22T09:00:01Z")]) m.apply("suggestions", x);
    m.apply("feedback", { id: "f", suggestion: "c", at: "", outcome: "dismissed" });
    expect(m.advice("i", Date.parse("2026-11-22T09:00:02Z")).map((x) => x.id)).toEqual(["b", "a"]);
  });

  it("takes a snapshot's times as they are", () => {
    const m = new Model();
    m.load([{ id: "i", customer: "c", channel: "sms", state: "open", started: "2026-11-22T09:00:00Z", last: "2026-11-22T09:00:00.5Z", turns: 1, scored: 1, alerts: 0, curve: [{ at: "2026-11-22T09:00:00Z", score: 0.5, n: 1 }] }], []);
    expect(m.interactions.get("i")!.last - m.interactions.get("i")!.started).toBe(500);
    expect(m.counts()).toEqual({ total: 1, open: { sms: 1 }, alerts: 0, critical: 0 });
  });

  it("lets go of the oldest when there are too many", () => {
    const m = new Model();
    for (let k = 0; k < 2600; k++) m.apply("interactions", { id: `x${k}`, customer: "c", interaction: `i${k}`, channel: "sms", change: "started", at: new Date(1e12 + k).toISOString() });
    expect(m.interactions.size).toBeLessThanOrEqual(2500);
    expect([m.interactions.has("i0"), m.interactions.has("i2599")]).toEqual([false, true]);
  });
});
