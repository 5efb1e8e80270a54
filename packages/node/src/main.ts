import "./polyfill.ts";
import { pino } from "pino";
import type { NodeConfig } from "./config.ts";
import { openFoundation, openPayer } from "./foundation.ts";
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

/** Starts a node; throws a NodeError that says what to do where it cannot. */
export async function startNode(config: NodeConfig, options: NodeOptions): Promise<RunningNode> {
  const logger = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const starting = new AbortController();
  const signal = AbortSignal.any([starting.signal, options.signal]);
  const { lifelinePort } = config;
  const lifeline =
    lifelinePort === undefined
      ? null
      : connectLifeline(lifelinePort, () => {
          starting.abort();
          options.onStop();
        });
  try {
    const foundation = await openFoundation(config, { logger, signal });
    const { folder, domain, bls } = foundation;
    const onFatal = (error: unknown): void => {
      // Going on without the signing record is what double signatures are made of.
      logger.fatal({ err: error }, "the signing record failed: the node ends at once");
      process.exit(1);
    };
    const dependencies = { folder, domain, bls, onFatal, now: () => Date.now() };
    const operator = config.operator ? await openOperator(config.operator, dependencies) : null;
    const payer = await openPayer(config, config.operator?.address ?? null);
    const resumes = await Promise.all(
      config.rollups.map(async ({ rollupId }) => ({
        rollupId,
        lastSigned: (await operator?.lastSigned(rollupId)) ?? null,
      })),
    );
    const node = new MachNode(config, { foundation, operator, payer, resumes, logger });
    await node.start();
    return {
      async stop() {
        await node.stop();
        await operator?.stop();
        await foundation.close();
        lifeline?.close();
      },
    };
  } catch (error) {
    lifeline?.close();
    throw error;
  }
}
