import { expect, test } from "vitest";
import { cells } from "../src/scores";

test("what is not known yet is said to be early, never zero", () => {
  for (const c of cells(undefined)) expect([c.text, c.tone, c.because]).toEqual(["–", "none", "too early"]);
});

test("a full meter is good or bad as the score is", () => {
  const of = (key: string, value: number) => cells({ [key]: { value, model: "m" } }).find((c) => c.key === key)!;
  expect(of("effort", 80)).toMatchObject({ text: "80", fill: 0.8, tone: "negative" });
  expect(of("churn", 0.05)).toMatchObject({ text: "5 %", tone: "positive" });
  expect(of("satisfaction", 1)).toMatchObject({ text: "1.0", fill: 0, tone: "negative" });
  expect(of("satisfaction", 4.6)).toMatchObject({ text: "4.6", tone: "positive" });
  expect(of("resolution", 0.5)).toMatchObject({ text: "50 %", tone: "neutral" });
  expect(of("effort", 900).fill).toBe(1);
});

test("what moved it most stands below, with its direction", () => {
  const [c] = cells({ satisfaction: { value: 2, model: "m 1", moved: [{ name: "asked_again", push: -0.8 }, { name: "thanks", push: 0.2 }] } });
  expect(c!.because).toBe("↓ asked again");
  expect(c!.about).toContain("Asked again −0.80");
  expect(c!.about).toContain("m 1");
});
