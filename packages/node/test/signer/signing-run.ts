import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { lockedFolder, recordIn, temporaryPath } from "./test-folders.ts";

/** What `signing-child.ts` tells of itself. */
export type Message =
  | { readonly type: "last"; readonly height: string }
  | { readonly type: "refused"; readonly height: string; readonly code: string | null }
  | {
      readonly type: "released";
      readonly height: string;
      readonly blockHash: string;
      readonly signature: string;
    };

export interface Run {
  readonly child: ChildProcess;
  readonly messages: Message[];
  /** Resolves with the first message: the record is open. */
  readonly started: Promise<void>;
  /** The signal that ended it, or its exit code. */
  readonly ended: Promise<string | number | null>;
}

const CHILD = new URL("./signing-child.ts", import.meta.url).pathname;
const FLAGS = ["--conditions=@mach/source", "--import", "tsx"];

/** The command line of a process that signs in this folder, and dies where it is told to. */
export function signingCommand(path: string, ...death: readonly string[]): readonly string[] {
  return [process.execPath, ...FLAGS, CHILD, path, ...death];
}

export function runCommand([command = "", ...parameters]: readonly string[]): Run {
  const child = spawn(command, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const messages: Message[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => messages.push(JSON.parse(line) as Message));
  const started = once(lines, "line").then(() => undefined);
  const ended = Promise.all([once(child, "exit"), once(lines, "close")]).then(
    ([[code, signal]]) => (signal ?? code) as string | number | null,
  );
  return { child, messages, started, ended };
}

/** A folder with a record that no process holds. */
export async function initialisedPath(path?: string): Promise<string> {
  const made = path ?? (await temporaryPath());
  const folder = await lockedFolder(made);
  await (await recordIn(folder)).close();
  await folder.release();
  return made;
}

/** What a run released, by height, and what the record holds there when it is opened again. */
export async function releasedAndRecorded(path: string, { messages }: Run) {
  const released = messages.filter((message) => message.type === "released");
  const folder = await lockedFolder(path);
  const protection = await recordIn(folder);
  const recorded = released.map(({ height }) =>
    protection.at({ rollupId: 901n, blockNumber: BigInt(height) }),
  );
  await protection.close();
  await folder.release();
  return {
    released: released.map(({ blockHash }) => blockHash),
    recorded: recorded.map((record) => record?.claim.blockHash),
  };
}
