// Building and changing elements. Text goes in as text, never as markup.

type Child = Node | string | false | null | undefined;

/** h makes an element. Class is the most frequent attribute and stands first. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", attrs: Record<string, string> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  if (className) e.className = className;
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  for (const c of children) if (c) e.append(c);
  return e;
}

const svgNS = "http://www.w3.org/2000/svg";

export function svg(tag: string, attrs: Record<string, string | number> = {}, ...children: Node[]): SVGElement {
  const e = document.createElementNS(svgNS, tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, String(v));
  e.append(...children);
  return e;
}

/** put sets the text of e where it differs: what does not change is not laid out again. */
export function put(e: Element, text: string): void {
  if (e.textContent !== text) e.textContent = text;
}

export function attr(e: Element, name: string, value: string | undefined): void {
  if (value === undefined) {
    if (e.hasAttribute(name)) e.removeAttribute(name);
  } else if (e.getAttribute(name) !== value) {
    e.setAttribute(name, value);
  }
}

/** button is one that says what it does to those who do not see it, too. */
export function button(className: string, label: string, onClick: (e: MouseEvent) => void, ...children: Child[]): HTMLButtonElement {
  const b = h("button", className, { type: "button" }, ...(children.length ? children : [label]));
  if (children.length) {
    b.setAttribute("aria-label", label);
    b.title = label;
  }
  b.addEventListener("click", onClick);
  return b;
}
