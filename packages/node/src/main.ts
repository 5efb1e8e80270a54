import "./polyfill.ts";
import { type Logger, pino } from "pino";
import type { NodeConfig } from "./config.ts";
import { closeInOrder, openFoundation, openPayer } from "./foundation.ts";
import { connectLifeline } from "./lifeline.ts";
import { MachNode } from "./mach-node.ts";
import { openOperator } from "./operator.ts";

export interface NodeOptions {
  /** The node is told to stop by another way than a signal. */
  readonly onStop: () => void;
  /** Ends a start that is still waiting, for the L1 for instance. */
  readonly signal: AbortSignal;
}

/** A node that runs. */
export interface RunningNode {
  /** Ends everything in order; what was signed or certified is on disk when it resolves. */
  stop(): Promise<void>;
}

/** Starts a node; throws a NodeError that says what to do where it cannot, and leaves nothing. */
export async function startNode(config: NodeConfig, options: NodeOptions): Promise<RunningNode> {
  const logger = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const closers: (() => Promise<void>)[] = [];
  const stop = (): Promise<void> => closeInOrder(closers.splice(0));
  try {
    await openNode(config, { ...options, logger, onOpened: (close) => closers.unshift(close) });
    return { stop };
  } catch (error) {
    await stop().catch((err: unknown) => logger.error({ err }, "not all could be closed"));
    throw error;
  }
}

interface OpenContext extends NodeOptions {
  readonly logger: Logger;
  /** Told how to close each part, as soon as it stands. */
  readonly onOpened: (close: () => Promise<void>) => void;
}

async function openNode(config: NodeConfig, context: OpenContext): Promise<void> {
  const { logger, onOpened } = context;
  const signal = holdLifeline(config, context);
  const foundation = await openFoundation(config, { logger, signal });
  onOpened(() => foundation.close());
  const { folder, domain, bls, verifier } = foundation;
  const onFatal = (error: unknown): void => {
    // Going on without what must be on disk is what double signatures and wrong answers are made of.
    const fatal = { err: error, next: adviceOnFatal(error) };
    logger.fatal(fatal, "the node cannot go on and ends at once");
    process.exit(1);
  };
  // Without it nothing is checked, counted or certified here any more, and nobody would know.
  void verifier.failed.then(onFatal);
  const onKeyFault = (err: unknown): void => {
    logger.error({ err }, "the operator's next key cannot be used");
  };
  const dependencies = { folder, domain, bls, onFatal, onKeyFault, now: () => Date.now() };
  const operator = config.operator ? await openOperator(config.operator, dependencies) : null;
  if (operator !== null) onOpened(() => operator.stop());
  const payer = await openPayer(config, config.operator?.address ?? null);
  const resumes = await Promise.all(
    config.rollups.map(async ({ rollupId }) => ({
      rollupId,
      lastSigned: (await operator?.claims.lastSigned(rollupId)) ?? null,
    })),
  );
  const node = new MachNode(config, { foundation, operator, payer, resumes, logger, onFatal });
  onOpened(() => node.stop());
  await node.start();
}

/** What a person does next: the process has ended before anybody could ask it. */
function adviceOnFatal(error: unknown): string {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  const isFull = /^(?:ENOSPC|EDQUOT|EFBIG)$/.test(code ?? "") || /No space left/.test(message);
  return isFull
    ? "make room on the disk of the data folder, and start the node again"
    : "start the node again; where it ends again, `mach doctor` looks at its disk and its record";
}

/** Connects to the launcher where there is one; the signal ends a start that is under way. */
function holdLifeline(config: NodeConfig, context: OpenContext): AbortSignal {
  const { lifelinePort } = config;
  if (lifelinePort === undefined) return context.signal;
  const starting = new AbortController();
  const lifeline = connectLifeline(lifelinePort, () => {
    starting.abort();
    context.onStop();
  });
  context.onOpened(async () => lifeline.close());
  return AbortSignal.any([starting.signal, context.signal]);
}
