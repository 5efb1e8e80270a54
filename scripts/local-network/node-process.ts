import { isAbsolute, relative } from "node:path";
import { type Child, startChild } from "./child.ts";
import type { HeldNode } from "./lifeline-server.ts";
import type { NodeEntry } from "./network-file.ts";
import type { NodeFiles } from "./node-files.ts";

/** One node: the process that the launcher started, or one started again by hand in its place. */
export interface NodeProcess {
  readonly name: string;
  readonly apiUrl: string;
  entry(): NodeEntry;
  /** Starts it; it must not be running. */
  start(): Child;
  /** Takes note of a process that came by itself, where it is this node. */
  adopt(node: HeldNode): boolean;
  release(pid: number): void;
}

export interface NodeProcessOptions {
  readonly name: string;
  readonly root: string;
  readonly files: NodeFiles;
  readonly apiPort: number;
  readonly onChange: () => void;
}

/**
 * As in `packages/node/deploy`: without a bound the collector lets a node that is flooded grow by a
 * hundred megabytes of garbage before it comes.
 */
const NODE_OPTIONS = "--max-old-space-size=1024 --max-semi-space-size=4";

/** The command line of a node, from the root of the repository; MACH_* is not for it. */
function argumentsFor(root: string, configFile: string): readonly string[] {
  const path = relative(root, configFile);
  const config = path.startsWith("..") || isAbsolute(path) ? configFile : path;
  return ["packages/node/dist/cli.js", "run", "--no-env", "--config", config];
}

/** A node that is not started yet. */
export function createNodeProcess(options: NodeProcessOptions): NodeProcess {
  const { name, root, files, apiPort, onChange } = options;
  const args = argumentsFor(root, files.configFile);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  let pid = 0;
  let running = false;

  function release(ended: number): void {
    if (ended !== pid || !running) return;
    running = false;
    onChange();
  }

  return {
    name,
    apiUrl,
    entry: () => ({
      pid,
      running,
      command: ["node", ...args].map(quote).join(" "),
      apiUrl,
      logFile: files.logFile,
    }),
    start() {
      const child = startChild({
        name,
        command: [process.execPath, ...args],
        cwd: root,
        environment: { NODE_OPTIONS },
        logFile: files.logFile,
        readsStdout: false,
      });
      pid = child.pid;
      running = true;
      void child.ended.then(() => release(child.pid));
      onChange();
      return child;
    },
    adopt(node) {
      const paths = [files.configFile, args.at(-1) ?? files.configFile];
      if (!paths.some((path) => node.command.includes(path))) return false;
      if (node.pid !== pid || !running) {
        pid = node.pid;
        running = true;
        onChange();
      }
      return true;
    },
    release,
  };
}

/** A word as a POSIX shell takes it. */
function quote(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
