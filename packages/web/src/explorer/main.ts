import { createNodeReader } from "@mach/sdk/reader";
import { html, render } from "lit-html";
import { THEME_CSS } from "../shared/theme.ts";

const sheet = new CSSStyleSheet();
sheet.replaceSync(THEME_CSS);
document.adoptedStyleSheets = [sheet];

const reader = createNodeReader({ endpoint: globalThis.location.origin });
render(html`<h1>MACH</h1><p>${reader.endpoint}</p>`, document.body);
