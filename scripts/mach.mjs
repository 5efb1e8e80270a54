// `npm run mach`: the command line from source, in this process, so that it starts at once.
// The export condition @mach/source, which package.json passes to node, finds the packages.
import { existsSync } from "node:fs";

if (!existsSync(new URL("../node_modules/tsx", import.meta.url))) {
  process.stderr.write("mach: nothing is installed yet; run: npx --yes pnpm@12 install\n");
  process.exit(2);
}
// Its cache would stay behind in the temporary folder, and gains nothing here.
process.env.TSX_DISABLE_CACHE = "1";
const { register } = await import("tsx/esm/api");
register();
await import("../packages/node/src/cli.ts");
