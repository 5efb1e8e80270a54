import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** One block of commands in a document, and what the document says that it prints. */
export interface ShownBlock {
  readonly heading: string;
  readonly commands: string;
  /** Null where the document does not say. */
  readonly prints: string | null;
}

/** The blocks of a document below the headings from one to another, in their order. */
export function shownBlocks(
  document: string,
  { from, to }: { readonly from: string; readonly to: string },
): readonly ShownBlock[] {
  const sections = readFileSync(document, "utf8").split(/^## /m);
  const at = (heading: string): number => {
    const index = sections.findIndex((section) => section.startsWith(`${heading}\n`));
    if (index === -1) throw new Error(`the document has no section ${heading}`);
    return index;
  };
  return sections.slice(at(from), at(to) + 1).flatMap((section) => {
    const [heading = ""] = section.split("\n", 1);
    const blocks = section.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms);
    return [...blocks].map(([, commands = "", prints]) => {
      return { heading, commands, prints: prints ?? null };
    });
  });
}

/** The same commands with other values in their lines `export NAME=VALUE ...`. */
export function withValues(
  commands: string,
  values: Readonly<Record<string, string>>,
): { readonly commands: string; readonly names: readonly string[] } {
  const names: string[] = [];
  const changed = commands.replace(/^export .*$/gm, (line) =>
    line.replace(/\b([A-Z][A-Z0-9_]*)=(\S+)/g, (_, name: string) => {
      names.push(name);
      return `${name}='${values[name] ?? ""}'`;
    }),
  );
  return { commands: changed, names };
}

/** Whether a text is what a document shows, in which `...` stands for whatever differs. */
export function isAsShown(text: string, shown: string): boolean {
  const pattern = shown
    .trimEnd()
    .split("\n")
    .map((line) => (line === "..." ? "(?:.*\\n)*?" : `${lineOf(line)}\\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${text.trimEnd()}\n`);
}

/** Columns are as wide as what stands in them. */
function lineOf(line: string): string {
  const parts = line.split("...").map((part) => {
    return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/ {2,}/g, " {2,}");
  });
  return parts.join(".*");
}

export interface ShellRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A shell that goes on from one block to the next, as a terminal does. */
export interface Shell {
  run(commands: string): Promise<ShellRun>;
  stop(): Promise<void>;
}

const MARK = "--- the block is over:";
const MARKED = new RegExp(`^(.*?)${MARK} (\\d+)\\n$`, "s");

/** Starts one; a command that fails ends its block with its exit code. */
export function startShell(options: {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}): Shell {
  const { folder: cwd, env } = options;
  const child: ChildProcess = spawn("/bin/sh", [], { cwd, env, detached: true });
  const ended = once(child, "exit");
  const texts = { stdout: "", stderr: "" };
  let onText = (): void => undefined;
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (data: Buffer) => {
      texts[name] += data.toString();
      onText();
    });
  }
  return {
    async run(commands) {
      [texts.stdout, texts.stderr] = ["", ""];
      const done = new Promise<ShellRun>((resolve) => {
        onText = () => {
          const [out, err] = [MARKED.exec(texts.stdout), MARKED.exec(texts.stderr)];
          if (out === null || err === null) return;
          const [, stdout = "", exitCode = ""] = out;
          resolve({ exitCode: Number(exitCode), stdout, stderr: err[1] ?? "" });
        };
      });
      const mark = `printf '%s %s\\n' '${MARK}' "$code"`;
      child.stdin?.write(`${chained(commands)}\ncode=$?; ${mark}; ${mark} >&2\n`);
      const run = await Promise.race([done, ended.then(() => null)]);
      if (run === null) throw new Error(`the shell has ended: ${texts.stderr}`);
      return run;
    },
    async stop() {
      if (child.pid !== undefined && child.exitCode === null) {
        // With what it has started: a node that a test which failed has left.
        process.kill(-child.pid, "SIGKILL");
        await ended;
      }
    },
  };
}

/** The commands of a block in this very shell, one after another as long as none fails. */
function chained(commands: string): string {
  const lines = commands.trimEnd().replaceAll("\\\n", " ").split("\n");
  const together = lines
    .map((line) => line.replace(/ +# .*$/, ""))
    .map((line) => (line.endsWith("&") ? `{ ${line} }` : line))
    .join(" &&\n");
  return `{ ${together}\n} < /dev/null`;
}
