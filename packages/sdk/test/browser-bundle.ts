import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The client as a page would load it: one module, minified, and all that it needs. */
export async function bundleForBrowsers(source: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: {
      contents: source,
      loader: "ts",
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    // Nothing of Node is there: an import of it fails the build.
    platform: "browser",
    target: "es2022",
    conditions: ["@mach/source"],
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("nothing was bundled");
  return file.contents;
}
