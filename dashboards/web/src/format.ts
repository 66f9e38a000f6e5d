// How values are written. Everything here is a pure function.

import type { Channel, Role } from "./types";

const channelNames: Record<Channel, string> = { voice: "Voice", whatsapp: "WhatsApp", webchat: "Web chat", sms: "SMS", email: "Email" };

export const channelName = (c: Channel): string => channelNames[c] ?? c;

/** Named is somebody as far as is known. */
interface Named {
  name?: string;
  handle?: string;
}

/** handleOf is what there is to read of a masked handle: of a short one, nothing. */
export const handleOf = (i: Named): string => (i.handle === "…" ? "" : (i.handle ?? ""));

export const who = (i: Named): string => i.name || handleOf(i) || "Unknown customer";

/** roleName says who speaks; an unknown speaker is said to be one. */
export function roleName(role: Role, agent?: string): string {
  switch (role) {
    case "customer":
      return "Customer";
    case "agent":
      return agent ? `Agent ${agent}` : "Agent";
    case "bot":
      return "Bot";
    case "system":
      return "System";
    default:
      return "Unknown speaker";
  }
}

/** signed writes a number with its sign, true minus included: colour is never the only sign. */
export function signed(v: number, digits = 1): string {
  const text = Math.abs(v).toFixed(digits);
  if (Number(text) === 0) return text;
  return (v < 0 ? "−" : "+") + text;
}

/** share writes 0..1 in per cent; a small one keeps a digit. */
export function share(v: number): string {
  if (v > 0 && v < 0.001) return "below 0.1 %";
  return `${v > 0 && v < 0.0095 ? (100 * v).toFixed(1) : Math.round(100 * v)} %`;
}

/** tone is the class that colours a sentiment of −5..+5. */
export function tone(v: number | undefined): "negative" | "neutral" | "positive" | "none" {
  if (v === undefined) return "none";
  if (v <= -0.75) return "negative";
  if (v >= 0.75) return "positive";
  return "neutral";
}

/** mood says a sentiment of −5..+5 in a word, for those who hear the screen. */
export function mood(v: number | undefined): string {
  if (v === undefined) return "no sentiment yet";
  if (v <= -3) return "very negative";
  if (v <= -0.75) return "negative";
  if (v >= 3) return "very positive";
  if (v >= 0.75) return "positive";
  return "neutral";
}

/** duration writes milliseconds as 4:07, 1:02:11 or 3 d 4 h. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86400) return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

/** ago writes how long something is past in one coarse unit. */
export function ago(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 5) return "now";
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** words turns a name such as order_status or track.order into words. */
export function words(name: string): string {
  const text = name.replace(/[_.\-]+/g, " ").trim();
  return text === "" ? name : text[0]!.toUpperCase() + text.slice(1);
}

/** Piece of a text: words as they are, or the placeholder of something taken out. */
export type Piece = { text: string } | { type: string; pseudonym?: string };

const placeholder = /\[([A-Z][A-Z_]*?)(?:_([0-9a-f]{6,16}))?\]/g;

/** pieces finds the placeholders that redaction has left in a text. */
export function pieces(text: string): Piece[] {
  const all: Piece[] = [];
  let from = 0;
  for (const m of text.matchAll(placeholder)) {
    if (m.index > from) all.push({ text: text.slice(from, m.index) });
    all.push(m[2] ? { type: m[1]!, pseudonym: m[2] } : { type: m[1]! });
    from = m.index + m[0].length;
  }
  if (from < text.length) all.push({ text: text.slice(from) });
  return all;
}

const redactedNames: Record<string, string> = {
  CARD: "card number",
  CARD_PART: "part of a card number",
  CARD_EXPIRY: "card expiry",
  CVV: "security code",
  PHONE: "phone number",
  MAIL: "mail address",
  IBAN: "bank account",
  NATIONAL_ID: "national id",
  LICENSE: "driving licence",
  IP: "IP address",
};

/** redactedName says what a placeholder stands for. */
export const redactedName = (type: string): string => redactedNames[type] ?? type.toLowerCase().replaceAll("_", " ");

/** plain is a text for one line, with what was taken out named in brackets. */
export const plain = (text: string): string =>
  pieces(text)
    .map((p) => ("text" in p ? p.text : `[${redactedName(p.type)}]`))
    .join("");

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** stableSplit cuts a growing transcript after the bytes that will not change. */
export function stableSplit(text: string, stable: number): [string, string] {
  if (stable <= 0) return ["", text];
  const bytes = encoder.encode(text);
  if (stable >= bytes.length) return [text, ""];
  return [decoder.decode(bytes.slice(0, stable)), decoder.decode(bytes.slice(stable))];
}
