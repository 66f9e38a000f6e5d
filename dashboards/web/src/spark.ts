// Curves as elements. A curve is coloured by its side of zero: a gradient with a
// hard change at the middle, the same for every curve of one height.

import { svg } from "./dom";
import { area, line, place } from "./curve";

/** gradients are defined once in the page, for curves of the given heights. */
export function gradients(heights: number[]): SVGElement {
  return svg(
    "svg",
    { width: 0, height: 0, "aria-hidden": "true", style: "position:absolute" },
    svg(
      "defs",
      {},
      ...heights.map((height) =>
        svg(
          "linearGradient",
          { id: `tone-${height}`, gradientUnits: "userSpaceOnUse", x1: 0, x2: 0, y1: 0, y2: height },
          svg("stop", { offset: 0, class: "stop-positive" }),
          svg("stop", { offset: 0.47, class: "stop-positive" }),
          svg("stop", { offset: 0.5, class: "stop-neutral" }),
          svg("stop", { offset: 0.53, class: "stop-negative" }),
          svg("stop", { offset: 1, class: "stop-negative" }),
        ),
      ),
    ),
  );
}

/** Spark is a small curve that is drawn anew only when it changes. */
export class Spark {
  readonly element: SVGElement;
  private readonly fill = svg("path", { class: "spark-area" });
  private readonly stroke = svg("path", { class: "spark-line" });
  private readonly end = svg("circle", { class: "spark-end", r: 2.2 });
  private drawn: string | undefined; // "" draws nothing, which has to be done, too

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    const zero = svg("line", { class: "spark-zero", x1: 0, x2: width, y1: height / 2, y2: height / 2 });
    for (const e of [this.fill, this.stroke, this.end]) e.setAttribute(e === this.stroke ? "stroke" : "fill", `url(#tone-${height})`);
    this.element = svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, zero, this.fill, this.stroke, this.end);
  }

  draw(points: { at: number; score: number }[], from: number, to: number): void {
    const dots = place(points, from, to, this.width, this.height, 3);
    const d = line(dots);
    if (d === this.drawn) return;
    this.drawn = d;
    this.stroke.setAttribute("d", d);
    this.fill.setAttribute("d", area(dots, this.height));
    const last = dots.at(-1);
    this.end.setAttribute("visibility", last ? "visible" : "hidden");
    if (last) {
      this.end.setAttribute("cx", String(last.x));
      this.end.setAttribute("cy", String(last.y));
    }
  }
}
