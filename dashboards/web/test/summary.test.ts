import { expect, test } from "vitest";
import { grouped, maker } from "../src/summary";
import type { Summary, SummarySentence } from "../src/types";

const sentence = (part: SummarySentence["part"], turn: string): SummarySentence => ({ part, turn, text: turn, role: "customer", at: "2026-11-26T08:00:00Z" });

test("sentences of a part stand together, and parts in their order", () => {
  const groups = grouped([sentence("reason", "1"), sentence("done", "4"), sentence("done", "2"), sentence("open", "5")]);
  expect(groups.map(([title, all]) => [title, all.map((s) => s.turn)])).toEqual([
    ["Why the customer came", ["1"]],
    ["What was done", ["4", "2"]],
    ["Still open", ["5"]],
  ]);
  expect(grouped([])).toEqual([]);
});

test("who made it is said, and why not the language model", () => {
  const s: Summary = { of: "i", sentences: [], text: "", turns: 1, by: "extract", model: "encoder-1", made: "2026-11-26T08:00:00Z" };
  expect(maker(s)).toBe("Sentences of the conversation itself, chosen by encoder-1. 1 turn read.");
  expect(maker({ ...s, turns: 7, refused: "it did not answer" })).toContain("7 turns read. Not the language model's, because it did not answer.");
  expect(maker({ ...s, by: "model", model: "small" })).toContain("language model small");
});
