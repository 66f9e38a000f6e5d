import { expect, test } from "vitest";
import { headline, size, sure } from "../src/patterns";
import type { Pattern } from "../src/types";

const of = (p: Partial<Pattern>): Pattern => ({ id: "p", kind: "intent", subject: "refund_request", direction: "rising", at: "2026-11-20T10:00:00Z", before: 0.04, after: 0.1, effect: 2.4, low: 1.8, high: 3.2, q: 0.0002, ...p });

test("an intent tells where it rose and by how much", () => {
  const p = of({ dimension: "queue", value: "returns" });
  expect(headline(p)).toBe("Refund request became more frequent in returns");
  expect(size(p)).toBe("4 % → 10 % of interactions (×2.4, 95 % 1.8 to 3.2)");
  expect(sure(p, 31)).toBe("below 0.1 % of such findings are chance, 31 series looked at");
});

test("sentiment is told on the scale of the screen", () => {
  const p = of({ kind: "sentiment", subject: "sentiment", direction: "falling", dimension: "channel", value: "voice", before: 0.1, after: -0.3, effect: -0.4, low: -0.52, high: -0.28, q: 0.012 });
  expect(headline(p)).toBe("Sentiment fell on voice");
  expect(size(p)).toBe("+0.5 → −1.5 (change −2.0, 95 % −2.6 to −1.4)");
  expect(sure(p, 8)).toContain("1.2 %");
});

test("a theme is named by its words", () => {
  expect(headline(of({ kind: "theme", direction: "new", subject: "gift wrap, ribbon" }))).toBe("New theme: gift wrap, ribbon");
});
