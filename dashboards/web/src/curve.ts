// Curves of sentiment as SVG paths. Pure.

export interface Dot {
  x: number;
  y: number;
}

/** place puts scores of −1..1 into a box, time from left to right; the middle is zero. */
export function place(points: { at: number; score: number }[], from: number, to: number, width: number, height: number, pad = 2): Dot[] {
  const span = Math.max(1, to - from);
  const inner = width - 2 * pad;
  const half = height / 2 - pad;
  return points.map((p) => ({
    x: round(pad + (inner * Math.min(Math.max(p.at - from, 0), span)) / span),
    y: round(height / 2 - half * Math.min(Math.max(p.score, -1), 1)),
  }));
}

const round = (v: number): number => Math.round(v * 10) / 10;

/**
 * line draws a smooth curve through dots that never overshoots them: between two
 * dots it is a cubic whose handles are level (a monotone curve), so it shows no
 * feeling that was not measured.
 */
export function line(dots: Dot[]): string {
  if (dots.length === 0) return "";
  let d = `M${dots[0]!.x} ${dots[0]!.y}`;
  if (dots.length === 1) return `${d}h0`; // a round cap shows it
  for (let i = 1; i < dots.length; i++) {
    const a = dots[i - 1]!;
    const b = dots[i]!;
    const mid = round((a.x + b.x) / 2);
    d += `C${mid} ${a.y} ${mid} ${b.y} ${b.x} ${b.y}`;
  }
  return d;
}

/** area is the surface between a line and zero. */
export function area(dots: Dot[], height: number): string {
  if (dots.length < 2) return "";
  return `${line(dots)}L${dots.at(-1)!.x} ${height / 2}L${dots[0]!.x} ${height / 2}Z`;
}
