import "./polyfill.ts";
import { createNativeBls, type NativeBls } from "@mach/bls";
import { type Logger, pino } from "pino";
import type { ApiConfig, NodeConfig } from "./config.ts";
import { createTransactionSources, type TransactionSources } from "./engine/transaction-sources.ts";
import { closeInOrder } from "./foundation.ts";
import { serverOptions } from "./http/configured-server.ts";
import type { NodeView } from "./http/node-view.ts";
import { createHttpServer } from "./http/server.ts";
import { connectLifeline } from "./lifeline.ts";
import type { NodeOptions, RunningNode } from "./main.ts";
import { NodeError } from "./node-error.ts";
import { guardFreshness } from "./replica/fresh-view.ts";
import { createFreshness } from "./replica/freshness.ts";
import { checkDatabase } from "./replica/node-mirror.ts";
import { createReplica, type Replica } from "./replica/replica.ts";
import { createPostgresDatabase } from "./store/postgres-database.ts";
import { createPostgresStore } from "./store/postgres-store.ts";
import { type Store, storeOptions } from "./store/store.ts";
import { createEngineView } from "./view/engine-view.ts";
import { createEventHub, type EventHub } from "./view/events.ts";

/** An API process that runs. */
export interface RunningApi extends RunningNode {
  /** Where it listens. */
  readonly url: string;
}

/** How often is looked for news without being told of any, milliseconds. */
const POLL_MS = 250;
const MAX_CONNECTIONS = 8;

/**
 * Serves the HTTP API from the database that nodes write to, and keeps nothing of its own. Throws
 * a NodeError that says what to do where it cannot; a database that is out of reach it waits for,
 * and answers `stale` meanwhile.
 */
export async function startApi(config: NodeConfig, options: NodeOptions): Promise<RunningApi> {
  const logger = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const closers: (() => Promise<void>)[] = [];
  const stop = (): Promise<void> => closeInOrder(closers.splice(0));
  try {
    const onOpened = (close: () => Promise<void>): void => void closers.unshift(close);
    return { url: await openApi(config, { ...options, logger, onOpened }), stop };
  } catch (error) {
    await stop().catch((err: unknown) => logger.error({ err }, "not all could be closed"));
    throw error;
  }
}

async function openApi(
  config: NodeConfig,
  context: NodeOptions & {
    readonly logger: Logger;
    readonly onOpened: (close: () => Promise<void>) => void;
  },
): Promise<string> {
  const { logger, onOpened, onStop } = context;
  if (config.lifelinePort !== undefined) {
    const lifeline = connectLifeline(config.lifelinePort, onStop);
    onOpened(async () => lifeline.close());
  }
  const { url, api } = required(config);
  const { chainId, registry } = config.network;
  const store = storeOptions({ chainId, verifyingContract: registry }, config.retention);
  await checkDatabase(url, { domain: store.domain, logger });
  context.signal.throwIfAborted();
  const database = createPostgresDatabase(url, { maxConnections: MAX_CONNECTIONS });
  onOpened(() => database.stop());
  const clock = (): number => performance.now();
  const freshness = createFreshness({ maxAgeMs: api.maxStaleMs, clock });
  const events = createEventHub();
  const bls = createNativeBls();
  const onUnusable = (error: NodeError): void => {
    onOpened(() => Promise.reject(error));
    onStop();
  };
  const replica = createReplica(
    { bls, freshness, events, logger, onUnusable, clock },
    { url, store, pollMs: POLL_MS },
  );
  const transactions = createTransactionSources(config.rollups);
  onOpened(() => transactions.close());
  const view = createReplicaView(replica, {
    store: createPostgresStore(database, store),
    bls,
    events,
    transactions,
  });
  const server = createHttpServer(
    { view: guardFreshness(view, freshness), logger, now: () => Date.now() },
    serverOptions(api, config.rollups),
  );
  const listening = await server.start();
  if (!listening.ok) throw new NodeError("api-unusable", listening.message);
  onOpened(() => server.stop());
  // Its readers are there before the first event is told.
  replica.start();
  onOpened(() => replica.stop());
  logger.info({ api: listening.url }, "API started");
  return listening.url;
}

function createReplicaView(
  replica: Replica,
  parts: {
    readonly store: Store;
    readonly bls: NativeBls;
    readonly events: EventHub;
    readonly transactions: TransactionSources;
  },
): NodeView {
  return createEngineView({
    ...parts,
    state: () => replica.state(),
    abstention: (rollupId) =>
      replica.view().rollups.find((each) => each.rollupId === rollupId)?.abstention ?? null,
    sources: (rollupId) => {
      const found = replica.view().followed.find((each) => each.rollupId === rollupId);
      if (found === undefined) throw new NodeError("view-stale", "The rollup is not known yet.");
      return found;
    },
    health: () => replica.view().health,
    now: () => replica.now(),
  });
}

function required(config: NodeConfig): { readonly url: string; readonly api: ApiConfig } {
  const { database: url, api } = config;
  if (url === undefined) {
    throw new NodeError("database-unusable", "The configuration names no database to serve from.");
  }
  if (api === undefined) {
    throw new NodeError("api-unusable", "The configuration has no section `api`.");
  }
  return { url, api };
}
