import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, createClient } from "@mach/api";
import type { Hex } from "@mach/core";
import { parseAddress, parseUrl, required } from "./arguments.ts";
import {
  type Answer,
  type Command,
  type CommandContext,
  type ExitCode,
  UsageError,
} from "./command.ts";
import { readStatus } from "./status-reading.ts";
import { describeFailure, describeStatus, type StatusWords } from "./status-words.ts";

/** `mach status`: what a node does, on one screen. */
export const command: Command = {
  usage: `mach status --api URL [--operator 0x...] [--interval SECONDS] [--once] [--json]

Shows what a node's API tells, and shows it again: per rollup its head, what is attested and what is
fast-final, the weight that is present, and what became of the operator's own attestations, with
the reason of each that was late or missed. Nothing of it is verified here; what is old, unknown or out of
reach is never shown as final. In a terminal the screen is drawn anew; elsewhere lines are added.

  --api URL            where the API is, such as http://127.0.0.1:4500
  --operator 0x...     whose attestations are told; the node's own operator where it is left out
  --interval SECONDS   from 1 to 3600; 2 where it is left out
  --once               shows it one time
  --json               one JSON object, one time

  mach status --api http://127.0.0.1:4500

Exit code with --once or --json: 0 all is known and well, 1 something is not; 2 wrong usage. Without
them 0, when it is stopped.`,
  run: status,
};

const DEFAULT_SECONDS = 2;
const MAX_SECONDS = 3_600;
const TIMEOUT_MS = 5_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function status(
  args: readonly string[],
  context: CommandContext,
): Promise<Answer | ExitCode> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      api: { type: "string" },
      operator: { type: "string" },
      interval: { type: "string" },
      once: { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const apiUrl = parseUrl(required(values.api, "api"), "--api");
  const intervalMs = parseSeconds(values.interval) * 1_000;
  const operator =
    values.operator === undefined ? null : parseAddress(values.operator, "--operator");
  const look = createLook(createClient({ baseUrl: apiUrl, timeoutMs: TIMEOUT_MS }), {
    apiUrl,
    operator,
  });
  if (values.once === true || values.json === true) {
    const { isFine, lines, json } = await look();
    return { exitCode: isFine ? 0 : 1, json, sentence: lines.join("\n").trimEnd() };
  }
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const name of SIGNALS) process.once(name, stop);
  // Whoever read the lines has left.
  process.stdout.once("error", stop);
  const { isTTY, columns, rows } = process.stdout;
  const size = (): ScreenSize => ({
    columns: process.stdout.columns ?? columns,
    rows: process.stdout.rows ?? rows,
  });
  const draw = isTTY ? drawScreen(size) : (words: StatusWords) => `${words.lines.join("\n")}\n`;
  try {
    await repeat({ look, intervalMs, signal: controller.signal }, (words) =>
      context.output.stdout(draw(words)),
    );
    return 0;
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
    process.stdout.off("error", stop);
  }
}

/** Reads and describes, and remembers when there was an answer last. */
function createLook(
  client: Client,
  asked: { readonly apiUrl: string; readonly operator: Hex | null },
): () => Promise<StatusWords> {
  let answeredAt: number | null = null;
  return async () => {
    const reading = await readStatus(client, asked);
    if (reading.ok) {
      answeredAt = performance.now();
      return describeStatus(asked.apiUrl, reading);
    }
    const lastAnswerMs = answeredAt === null ? null : performance.now() - answeredAt;
    return describeFailure(asked.apiUrl, reading, lastAnswerMs);
  };
}

/** Looks and shows until the signal; exported to be tried without a terminal. */
export async function repeat(
  turn: {
    readonly look: () => Promise<StatusWords>;
    readonly intervalMs: number;
    readonly signal: AbortSignal;
  },
  show: (words: StatusWords) => void,
): Promise<void> {
  const { look, intervalMs, signal } = turn;
  while (!signal.aborted) {
    const words = await look();
    if (signal.aborted) return;
    show(words);
    // Told to stop, it only stops.
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Draws each screen over the one before, cut to the terminal: a longer line would scroll it. */
export function drawScreen(size: () => ScreenSize): (words: StatusWords) => string {
  return ({ lines }) => {
    const { columns, rows } = size();
    const room = Math.max(1, rows - 1);
    const shown = lines.length > room ? [...lines.slice(0, room - 1), "..."] : lines;
    const cut = shown.map((line) => `${line.slice(0, columns)}${CLEAR_LINE}`);
    return `${HOME}${cut.join("\n")}\n${CLEAR_BELOW}`;
  };
}

function parseSeconds(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SECONDS;
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= MAX_SECONDS) return seconds;
  throw new UsageError(`--interval is a whole number of seconds from 1 to ${MAX_SECONDS}`);
}
