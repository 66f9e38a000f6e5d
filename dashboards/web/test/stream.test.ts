import { describe, expect, it } from "vitest";
import { pauseAfter, Stream } from "../src/stream";

class Fake {
  closed = false;
  constructor(
    readonly query: string,
    readonly send: (type: string, id: string, data?: unknown) => void,
    readonly broken: () => void,
  ) {}
  close(): void {
    this.closed = true;
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
    open: (query, _, say, broken) => (opened.push(new Fake(query, say, broken)), opened.at(-1)!),
    later: (run, ms) => waits.push([run, ms]),
  });
  return { stream, opened, events, states, waits, resets: () => resets };
}

describe("stream", () => {
  it("begins at the snapshot, and goes on after the last event", () => {
    const s = start();
    expect(s.opened[0]!.query).toBe("topics=features&last_event_id=1.0");
    s.opened[0]!.send("hello", "1.0");
    s.opened[0]!.send("features", "1.7", { id: "f" });
    s.opened[0]!.broken();
    expect([s.opened[0]!.closed, s.states, s.waits[0]![1]]).toEqual([true, ["connecting", "live", "waiting"], 250]);
    s.waits[0]![0]();
    expect(s.opened[1]!.query).toContain("last_event_id=1.7");
    expect(s.events).toEqual([{ id: "f" }]);
  });
  it("waits longer each time, and not after it was closed", () => {
    const s = start();
    for (let k = 0; k < 3; k++) {
      s.opened[k]!.broken();
      s.waits[k]![0]();
    }
    expect(s.waits.map((w) => w[1])).toEqual([250, 500, 1000]);
    expect(pauseAfter(50)).toBe(8000);
    s.stream.close();
    s.opened[3]!.broken();
    expect(s.waits.length).toBe(3);
  });
  it("asks for a snapshot when the server cannot go on", () => {
    const s = start();
    s.opened[0]!.send("reset", "1.9");
    expect([s.resets(), s.opened[0]!.closed]).toEqual([1, true]);
  });
});
