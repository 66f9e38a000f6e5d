import { describe, expect, it } from "vitest";
import { pauseAfter, Stream, type Source } from "../src/stream";

class Fake implements Source {
  listeners = new Map<string, (e: MessageEvent<string>) => void>();
  onerror: ((e: Event) => void) | null = null;
  closed = false;
  constructor(readonly url: string) {}
  addEventListener(type: string, listener: (e: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener);
  }
  close(): void {
    this.closed = true;
  }
  send(type: string, lastEventId: string, data: unknown = {}): void {
    this.listeners.get(type)!({ lastEventId, data: JSON.stringify(data) } as MessageEvent<string>);
  }
}

function start() {
  const opened: Fake[] = [];
  const events: unknown[] = [];
  const states: string[] = [];
  const waits: [() => void, number][] = [];
  let resets = 0;
  const stream = new Stream({
    query: "topics=features",
    after: "1.0",
    topics: ["features"],
    onEvent: (_, e) => events.push(e),
    onState: (s) => states.push(s),
    onReset: () => resets++,
    open: (url) => (opened.push(new Fake(url)), opened.at(-1)!),
    later: (run, ms) => waits.push([run, ms]),
  });
  return { stream, opened, events, states, waits, resets: () => resets };
}

describe("stream", () => {
  it("begins at the snapshot, and goes on after the last event", () => {
    const s = start();
    expect(s.opened[0]!.url).toBe("/v1/stream?topics=features&last_event_id=1.0");
    s.opened[0]!.send("hello", "1.0");
    s.opened[0]!.send("features", "1.7", { id: "f" });
    s.opened[0]!.onerror!({} as Event);
    expect([s.opened[0]!.closed, s.states, s.waits[0]![1]]).toEqual([true, ["connecting", "live", "waiting"], 250]);
    s.waits[0]![0]();
    expect(s.opened[1]!.url).toContain("last_event_id=1.7");
    expect(s.events).toEqual([{ id: "f" }]);
  });
  it("waits longer each time, and not after it was closed", () => {
    const s = start();
    for (let k = 0; k < 3; k++) {
      s.opened[k]!.onerror!({} as Event);
      s.waits[k]![0]();
    }
    expect(s.waits.map((w) => w[1])).toEqual([250, 500, 1000]);
    expect(pauseAfter(50)).toBe(8000);
    s.stream.close();
    s.opened[3]!.onerror!({} as Event);
    expect(s.waits.length).toBe(3);
  });
  it("asks for a snapshot when the server cannot go on", () => {
    const s = start();
    s.opened[0]!.send("reset", "1.9");
    expect([s.resets(), s.opened[0]!.closed]).toEqual([1, true]);
  });
});
