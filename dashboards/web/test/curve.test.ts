import { describe, expect, it } from "vitest";
import { area, line, place } from "../src/curve";
import { slots } from "../src/journey";

describe("curves", () => {
  it("puts zero in the middle and keeps everything inside", () => {
    const dots = place([{ at: 0, score: 1 }, { at: 5, score: 0 }, { at: 10, score: -9 }, { at: 99, score: -1 }], 0, 10, 100, 40);
    expect(dots).toEqual([{ x: 2, y: 2 }, { x: 50, y: 20 }, { x: 98, y: 38 }, { x: 98, y: 38 }]);
  });
  it("draws lines and areas", () => {
    expect(line([])).toBe("");
    expect(line([{ x: 1, y: 2 }])).toBe("M1 2h0");
    expect(line([{ x: 0, y: 0 }, { x: 10, y: 8 }])).toBe("M0 0C5 0 5 8 10 8");
    expect(area([{ x: 0, y: 0 }], 20)).toBe("");
    expect(area([{ x: 0, y: 0 }, { x: 10, y: 8 }], 20)).toMatch(/L10 10L0 10Z$/);
  });
  it("gives each interaction of a journey its room, and each point its interaction", () => {
    const at = (m: number) => new Date(1e12 + m * 60_000).toISOString();
    const got = slots(
      [{ id: "a", started: at(0), last: at(2) }, { id: "b", started: at(100), last: at(101) }, { id: "c", started: at(200), last: at(200) }],
      [{ at: at(0), sum: 1, n: 2 }, { at: at(1), sum: -1, n: 1 }, { at: at(2), sum: 0, n: 1 }, { at: at(100), sum: 0.4, n: 1 }],
    );
    expect(got.map((s) => s.points.map((p) => p.score))).toEqual([[0.5, -1, 0], [0.4], []]);
    expect(got.map((s) => [s.from, s.to])).toEqual([[0, 3 / 7], [3 / 7, 5 / 7], [5 / 7, 1]]);
    expect(slots([], [])).toEqual([]);
  });
});
