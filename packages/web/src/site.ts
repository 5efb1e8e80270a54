/** Where the built explorer is: `index.html`, and files whose names hold their hash in `assets`. */
export const siteFolder: URL = new URL("../dist/site/", import.meta.url);
