import { THEME_CSS } from "../shared/theme.ts";

/**
 * The badge takes its theme from the page's `color-scheme`, and its colours from custom properties that
 * a page may set on `mach-finality`.
 */
export const BADGE_CSS: string = `${THEME_CSS}
:host {
  color-scheme: inherit;
  display: inline-block;
  vertical-align: middle;
  font: var(--mach-finality-font, 500 0.8125rem/1.25 system-ui, sans-serif);
}
:host([hidden]) { display: none; }
button {
  --tone: var(--mach-quiet); --soft: var(--mach-quiet-soft);
  display: inline-flex; align-items: center; gap: 0.4em;
  margin: 0; padding: 0.2em 0.65em 0.2em 0.35em;
  border: 1px solid color-mix(in srgb, var(--tone) 35%, transparent);
  border-radius: var(--mach-finality-radius, 999px);
  background: var(--soft); color: var(--tone);
  font: inherit; white-space: nowrap; cursor: pointer;
  transition: color 0.2s, background-color 0.2s, border-color 0.2s;
}
button:hover { border-color: var(--tone); }
button:focus-visible { outline: 2px solid var(--mach-accent); outline-offset: 2px; }
.final { --tone: var(--mach-final); --soft: var(--mach-final-soft); }
.pending { --tone: var(--mach-pending); --soft: var(--mach-pending-soft); }
.alarm { --tone: var(--mach-alarm); --soft: var(--mach-alarm-soft); }
.info { --tone: var(--mach-info); --soft: var(--mach-info-soft); border-style: dashed; }
svg { width: 1.25em; height: 1.25em; flex: none; fill: none; stroke: currentColor; }
circle { stroke-width: 1.5; }
.track { opacity: 0.3; }
.ring { transform: rotate(-90deg); transform-origin: center; transition: stroke-dashoffset 0.3s; }
path { stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
.figure, .age { font-variant-numeric: tabular-nums; }
.figure:empty, .age:empty { display: none; }
.live {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
[popover] {
  position: fixed; inset: auto; margin: 0; box-sizing: border-box;
  width: max-content; max-width: min(24rem, calc(100vw - 1rem)); padding: 0.9rem 1rem;
  border: 1px solid var(--mach-line); border-radius: 0.75rem;
  background: var(--mach-surface); color: var(--mach-text);
  box-shadow: 0 0.5rem 1.5rem rgb(0 0 0 / 0.2);
  font: var(--mach-finality-font, 400 0.8125rem/1.45 system-ui, sans-serif);
}
p { margin: 0 0 0.6rem; font-weight: 600; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.4rem 0.9rem; margin: 0; }
dt { color: var(--mach-muted); }
dd { margin: 0; white-space: pre-line; overflow-wrap: anywhere; }
@media (prefers-reduced-motion: reduce) { button, .ring { transition: none; } }
`;
