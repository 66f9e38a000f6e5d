// Icons, drawn on a grid of 20 with one stroke width, so that they are one family.

import { svg } from "./dom";
import type { Channel, Severity } from "./types";

function icon(paths: string[], fill: string[] = []): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" },
    ...paths.map((d) => svg("path", { d, fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" })),
    ...fill.map((d) => svg("path", { d, fill: "currentColor" })),
  );
}

const channels: Record<Channel, string[]> = {
  voice: ["M6.2 3.5 8 7.2 6.6 8.9c.9 2 2.5 3.6 4.5 4.5l1.7-1.4 3.7 1.8v2.4c0 .6-.5 1.1-1.1 1.1C8.9 17.3 2.7 11.1 2.7 4.6c0-.6.5-1.1 1.1-1.1z"],
  whatsapp: ["M3.2 16.8 4.3 13.4a7 7 0 1 1 2.6 2.5z", "M7.6 7.6c0 2.6 2.2 4.8 4.8 4.8l.8-1.2-1.7-.9-.7.7a4 4 0 0 1-1.8-1.8l.7-.7-.9-1.7z"],
  webchat: ["M3 5.5A2 2 0 0 1 5 3.5h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H9.5L6 16.5v-3H5a2 2 0 0 1-2-2z", "M7 7.2h6M7 10h4"],
  sms: ["M6.5 2.8h7a1.4 1.4 0 0 1 1.4 1.4v11.6a1.4 1.4 0 0 1-1.4 1.4h-7a1.4 1.4 0 0 1-1.4-1.4V4.2a1.4 1.4 0 0 1 1.4-1.4z", "M8 7h4M8 9.8h4"],
  email: ["M3.8 4.8h12.4c.6 0 1 .4 1 1v8.4c0 .6-.4 1-1 1H3.8c-.6 0-1-.4-1-1V5.8c0-.6.4-1 1-1z", "m3.2 6 6.8 5 6.8-5"],
};

export const channelIcon = (c: Channel): SVGElement => icon(channels[c] ?? channels.webchat);

const severities: Record<Severity, string[]> = {
  critical: ["M7 2.5h6l4.5 4.5v6L13 17.5H7L2.5 13V7z", "M10 6.3v4.4", "M10 13.6v.01"],
  warning: ["M10 3.2 17.6 16.5H2.4z", "M10 8v3.8", "M10 14.1v.01"],
  info: ["M10 2.8a7.2 7.2 0 1 1 0 14.4 7.2 7.2 0 0 1 0-14.4z", "M10 9.3v4.3", "M10 6.5v.01"],
};

export const severityIcon = (s: Severity): SVGElement => icon(severities[s] ?? severities.info);

const shapes = {
  search: ["M8.8 3.5a5.3 5.3 0 1 1 0 10.6 5.3 5.3 0 0 1 0-10.6z", "m12.8 12.8 3.7 3.7"],
  close: ["m5 5 10 10M15 5 5 15"],
  sun: ["M10 6.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z", "M10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3"],
  moon: ["M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3z"],
  check: ["m4 10.5 4 4 8-9"],
  up: ["M6.5 9.2v7.3H4V9.2zM6.5 9.2l3-6c1.3 0 2 .9 1.8 2.2L10.8 8h4.6c.8 0 1.4.8 1.2 1.6l-1.4 5.6c-.2.8-.8 1.3-1.6 1.3H6.5"],
  down: ["M6.5 10.8V3.5H4v7.3zM6.5 10.8l3 6c1.3 0 2-.9 1.8-2.2L10.8 12h4.6c.8 0 1.4-.8 1.2-1.6l-1.4-5.6c-.2-.8-.8-1.3-1.6-1.3H6.5"],
  bell: ["M5 8.5a5 5 0 0 1 10 0c0 4.5 1.8 5.5 1.8 5.5H3.2S5 13 5 8.5z", "M8.3 16.5a1.8 1.8 0 0 0 3.4 0"],
  lock: ["M5 9h10v7.5H5z", "M7 9V6.5a3 3 0 0 1 6 0V9"],
  eyeOff: ["m3 3 14 14", "M8 5.3A8 8 0 0 1 18 10a9 9 0 0 1-2 2.7M12.5 14.5A8 8 0 0 1 2 10a9 9 0 0 1 3-3.5"],
  spark: ["M10 2.5 11.8 8.2 17.5 10l-5.7 1.8L10 17.5l-1.8-5.7L2.5 10l5.7-1.8z"],
  trend: ["M3 14.5 7.5 10l3 3L17 6", "M12.5 6H17v4.5"],
  file: ["M5.5 2.8h6L15 6.3v10.9H5.5z", "M11.3 3v3.5H15"],
} satisfies Record<string, string[]>;

export const shape = (name: keyof typeof shapes): SVGElement => icon(shapes[name]);
