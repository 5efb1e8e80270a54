import type { Description } from "./description.ts";
import { BADGE_CSS } from "./styles.ts";

/** What stands in a badge's shadow root. */
export interface View {
  show(description: Description): void;
}

const SVG = "http://www.w3.org/2000/svg";
const GLYPHS: { readonly [Name in Description["glyph"]]: string } = {
  check: "M4.9 8.3l2.1 2.1 4.1-4.5",
  bang: "M8 4.4v4.4M8 11.4v.1",
  dash: "M5.4 8h5.2",
  clock: "M8 5v3.2l2 1.2",
  question: "M6.3 6.4a1.8 1.8 0 1 1 2.5 1.7q-.8.4-.8 1.2M8 11.5v.1",
};
const EDGE_PX = 8;

let sheet: CSSStyleSheet | undefined;

/** Builds a badge from elements and texts alone: no page's content security policy minds it. */
export function createView(root: ShadowRoot): View {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(BADGE_CSS);
  }
  root.adoptedStyleSheets = [sheet];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const ring = circle("ring");
  ring.setAttribute("pathLength", "100");
  ring.setAttribute("stroke-dasharray", "100");
  const glyph = document.createElementNS(SVG, "path");
  svg.append(circle("track"), ring, glyph);

  const label = element("span", "label");
  const figure = element("span", "figure");
  const age = element("span", "age");
  const details = element("div", "details");
  details.id = "details";
  details.popover = "auto";
  details.role = "group";
  const promise = element("p", "promise");
  const lines = element("dl", "lines");
  details.append(promise, lines);
  const button = element("button", "badge");
  button.type = "button";
  button.popoverTargetElement = details;
  button.append(svg, label, figure, age);
  const live = element("span", "live");
  live.role = "status";
  live.ariaLive = "polite";
  root.replaceChildren(button, details, live);
  keepInPlace(button, details);

  return {
    show(description) {
      const { tone, label: name, promise: sentence, progress } = description;
      if (button.className !== tone) button.className = tone;
      glyph.setAttribute("d", GLYPHS[description.glyph]);
      ring.setAttribute("stroke-dashoffset", `${100 - 100 * progress}`);
      put(label, name);
      put(figure, description.figure);
      put(age, description.age);
      put(promise, sentence);
      showLines(lines, description.lines);
      const title = [sentence, ...description.lines.map((line) => `${line.name}: ${line.text}`)];
      button.title = title.join("\n");
      details.ariaLabel = name;
      // Neither age nor weight is in it: a reader is told what changed, not that time passes.
      put(live, `${name}. ${sentence}`);
    },
  };
}

function showLines(list: HTMLElement, lines: Description["lines"]): void {
  while (list.children.length > 2 * lines.length) list.lastElementChild?.remove();
  for (const [index, { name, text }] of lines.entries()) {
    if (list.children.length <= 2 * index) {
      list.append(element("dt", "name"), element("dd", "value"));
    }
    put(list.children[2 * index], name);
    put(list.children[2 * index + 1], text);
  }
}

/** Opens the details below the badge, or above it where there is no room, and inside of the window. */
function keepInPlace(button: HTMLElement, details: HTMLElement): void {
  const place = (): void => {
    const { left, top, bottom } = button.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = details;
    const below = bottom + EDGE_PX;
    const isFit = below + offsetHeight <= innerHeight;
    const most = innerWidth - offsetWidth - EDGE_PX;
    details.style.left = `${Math.max(EDGE_PX, Math.min(left, most))}px`;
    details.style.top = `${isFit ? below : Math.max(EDGE_PX, top - offsetHeight - EDGE_PX)}px`;
  };
  const close = (): void => details.hidePopover();
  details.addEventListener("toggle", (event) => {
    if ((event as ToggleEvent).newState === "open") {
      place();
      addEventListener("scroll", close, { once: true, passive: true });
    } else removeEventListener("scroll", close);
  });
}

function circle(name: string): SVGCircleElement {
  const made = document.createElementNS(SVG, "circle");
  for (const [key, value] of Object.entries({ cx: "8", cy: "8", r: "6.75", class: name })) {
    made.setAttribute(key, value);
  }
  return made;
}

/** An element that pages may style by its part. */
function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  part: string,
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = part;
  made.part.add(part);
  return made;
}

function put(target: Element | undefined, text: string): void {
  if (target !== undefined && target.textContent !== text) target.textContent = text;
}
