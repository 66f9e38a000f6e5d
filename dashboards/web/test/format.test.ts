import { describe, expect, it } from "vitest";
import { ago, duration, mood, pieces, plain, signed, stableSplit, tone, words } from "../src/format";

describe("format", () => {
  it("writes numbers with their sign", () => {
    expect([signed(2.44), signed(-0.96), signed(0.04), signed(-0.02), signed(-0.826, 2)]).toEqual(["+2.4", "−1.0", "0.0", "0.0", "−0.83"]);
  });
  it("says a sentiment by class and word", () => {
    expect([-5, -1, 0, 0.74, 0.75, 4].map(tone)).toEqual(["negative", "negative", "neutral", "neutral", "positive", "positive"]);
    expect([tone(undefined), mood(undefined), mood(-3), mood(3.2)]).toEqual(["none", "no sentiment yet", "very negative", "very positive"]);
  });
  it("writes durations and ages", () => {
    expect([0, -5, 59_999, 247_000, 3_731_000, 273_600_000].map(duration)).toEqual(["0:00", "0:00", "0:59", "4:07", "1:02:11", "3 d 4 h"]);
    expect([0, 44_000, 61_000, 7_200_000, 200_000_000].map(ago)).toEqual(["now", "44 s", "1 min", "2 h", "2 d"]);
  });
  it("turns names into words", () => {
    expect([words("order_status"), words("track.order"), words(""), words("_")]).toEqual(["Order status", "Track order", "", "_"]);
  });
  it("finds placeholders and nothing else", () => {
    expect(pieces("my card is [CARD], mail [MAIL_3fa91c02] [sic] [A] end")).toEqual([{ text: "my card is " }, { type: "CARD" }, { text: ", mail " }, { type: "MAIL", pseudonym: "3fa91c02" }, { text: " [sic] " }, { type: "A" }, { text: " end" }]);
    expect(pieces("[CARD_PART]")).toEqual([{ type: "CARD_PART" }]);
    expect(pieces("")).toEqual([]);
    expect(plain("call [PHONE_daf6236f], please")).toBe("call [phone number], please");
  });
  it("cuts a transcript by bytes, not letters", () => {
    expect(stableSplit("caña now", 6)).toEqual(["caña ", "now"]);
    expect(stableSplit("abc", 0)).toEqual(["", "abc"]);
    expect(stableSplit("abc", 9)).toEqual(["abc", ""]);
  });
});
