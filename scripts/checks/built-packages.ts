import { buildSite } from "./build-site.ts";
import { readCommand } from "./run-command.ts";

/**
 * For vitest: builds what has changed, in half a second where nothing has. What does not compile is
 * for the check `build` to fail on; a test of one file must not wait for all others.
 */
export async function setup(): Promise<void> {
  const { exitCode, stdout } = await readCommand(["node_modules/.bin/tsc", "--build"], {
    cwd: ".",
  });
  if (exitCode !== 0) console.error(`The packages do not build:\n${stdout}`);
  const why = await buildSite();
  if (why !== null) console.error(`The explorer does not build:\n${why}`);
}
