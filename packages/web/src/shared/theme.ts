/**
 * Colours as custom properties, for the page (`:root`) and the badge (`:host`), light and dark. Text
 * colours hold a contrast of 4.5 to their backgrounds (WCAG 2.2, section 1.4.3).
 */
export const THEME_CSS: string = `
:root, :host {
  color-scheme: light dark;
  --mach-background: light-dark(#f6f7f9, #0c0f14);
  --mach-surface: light-dark(#ffffff, #141922);
  --mach-raised: light-dark(#f0f2f6, #1c232e);
  --mach-line: light-dark(#dde1e8, #2a3341);
  --mach-text: light-dark(#12161d, #e8ecf2);
  --mach-muted: light-dark(#566070, #9aa6b6);
  --mach-accent: light-dark(#3b4fd8, #93a4ff);
  --mach-final: light-dark(#0b7a45, #4ade94);
  --mach-final-soft: light-dark(#ddf5e8, #10301f);
  --mach-pending: light-dark(#8f5a00, #f4bd50);
  --mach-pending-soft: light-dark(#fcf0d8, #33270d);
  --mach-alarm: light-dark(#b3202c, #ff8a8f);
  --mach-alarm-soft: light-dark(#fde5e6, #3a1518);
  --mach-info: light-dark(#1f5fae, #84b9ff);
  --mach-info-soft: light-dark(#e2eefc, #13263f);
  --mach-quiet: light-dark(#5b6472, #98a3b3);
  --mach-other: light-dark(#8b3fb8, #d69bf5);
  --mach-on-accent: light-dark(#ffffff, #0c0f14);
  --mach-shadow: light-dark(rgb(18 22 29 / 6%), rgb(0 0 0 / 30%));
  --mach-quiet-soft: light-dark(#eceff3, #1f2631);
}
`;
