import type { Health } from "@mach/api";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { createAlerts } from "../../src/alerts.ts";
import type { NodeConfig } from "../../src/config.ts";
import { createAnnouncer } from "../../src/engine/announcer.ts";
import { createParticipation } from "../../src/engine/participation.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import { UNREAD_STATUS } from "../../src/engine/settled-claims-follower.ts";
import type { NodeView } from "../../src/http/node-view.ts";
import { type Journal, openJournal } from "../../src/replica/journal.ts";
import { journalStore } from "../../src/replica/journaled-store.ts";
import { mirrorNode } from "../../src/replica/node-mirror.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { type Store, storeOptions } from "../../src/store/store.ts";
import { createEngineView } from "../../src/view/engine-view.ts";
import { createEventHub, type EventHub } from "../../src/view/events.ts";
import {
  bls,
  certify,
  claimAt,
  createEngineNode,
  DOMAIN,
  type EngineNode,
  operatorSetOf,
  PARAMETERS,
  ROLLUP_ID,
  SCHEDULE,
} from "../engine/engine-node.ts";
import { lockedFolder } from "../signer/test-folders.ts";

/** The parts of a node that write to a database, with real signatures and no network. */
export interface PublishingNode {
  readonly node: EngineNode;
  readonly view: NodeView;
  readonly store: Store;
  readonly journal: Journal;
  readonly events: EventHub;
  /** A certificate of all four operators, or of these, for a block that it has. */
  certify(blockNumber: bigint, indices?: readonly number[]): Promise<void>;
  start(): void;
  /** Ends its connection to the database, and starts no other. */
  stop(): Promise<void>;
}

const HEALTH: Health = {
  ...{ status: "ok", role: "observer", operator: null, software: "0.1.0", uptimeMs: 5, peers: 3 },
  checks: [],
};
const SILENT = pino({ level: "silent" });

/** A node that has seen blocks 1 to 10, with a store on disk; its clock stands still. */
export async function createPublishingNode(
  database: string,
  verifier: EnginePorts["verifier"],
  maxWaiting?: number,
): Promise<PublishingNode> {
  const folder = await lockedFolder();
  const opened = await openLmdbStore(folder, storeOptions(DOMAIN));
  if (!opened.ok) throw new Error(opened.code);
  const journal = await openJournal(
    folder.journalPath,
    maxWaiting === undefined ? undefined : { maxEntries: maxWaiting },
  );
  const store = journalStore(opened.store, journal);
  const events = createEventHub();
  const now = (): number => node.clock.now;
  const alerts = createAlerts({
    now,
    publish: (alert) => {
      void store.putAlert(alert);
      events.publish({ topic: "alert", rollupId: alert.rollupId, answer: { data: alert } });
    },
  });
  const node: EngineNode = createEngineNode({
    ...{ verifier, store, engine: { chainDepth: 20 } },
    announce: (announcement) => announcer.announce(announcement),
  });
  const state = (): ReturnType<EngineNode["shell"]["state"]> => node.shell.state();
  const abstention = (): null => null;
  const onFatal = (error: unknown): void => {
    node.fatal.push(error);
  };
  const participation = createParticipation({ state, store, onFatal, now });
  const announcer = createAnnouncer({
    ...{ state, events, alerts, logger: SILENT, abstention, participation, now },
  });
  const view = createEngineView({
    ...{ state, store, bls, events, abstention, now },
    transactions: {
      blockOf: async () => null,
      block: async () => null,
      headersBetween: async () => null,
      prove: async () => ({ ok: false, code: "unavailable" }),
    },
    sources: () => ({ agree: 1, sources: [], settlement: UNREAD_STATUS }),
    health: () => HEALTH,
  });
  const mirror = mirrorNode(
    { database, api: undefined, rollups: [{ rollupId: ROLLUP_ID }] } as unknown as NodeConfig,
    {
      ...{ events, view, state, abstention, alerts, logger: SILENT, now },
      foundation: { store, journal, domain: DOMAIN, schedule: SCHEDULE },
    },
  );
  for (const epoch of [0n, 1n]) {
    const operatorSet = operatorSetOf(epoch);
    await store.putEpoch({ operatorSet, rollups: [PARAMETERS] });
    node.shell.input({ type: "set-known", operatorSet, rollups: [PARAMETERS] });
  }
  for (let number = 1n; number <= 10n; number += 1n) node.block(number);
  node.clock.now = Number(SCHEDULE.genesisTime + 11n) * 1_000;
  const stop = async (): Promise<void> => await mirror?.stop();
  onTestFinished(async () => {
    await stop();
    await opened.store.stop();
    await journal.stop();
  });
  return {
    ...{ node, view, store, journal, events, stop },
    async certify(blockNumber, indices = [0, 1, 2, 3]) {
      await node.shell.receiveCertificate(certify(claimAt(blockNumber), indices));
      await node.shell.settle();
    },
    start: () => mirror?.start(),
  };
}
