import { setTimeout as sleep } from "node:timers/promises";
import type { EngineState, RollupResume } from "@mach/core";
import type { L1View, RegistryEpoch } from "@mach/settlement";
import type { Logger } from "pino";
import { type Alerts, createAlerts } from "./alerts.ts";
import type { NodeConfig } from "./config.ts";
import { type Announcer, createAnnouncer } from "./engine/announcer.ts";
import { createDuties, type Duties } from "./engine/duties.ts";
import { createEpochWatcher, type EpochPayer, type EpochWatcher } from "./engine/epoch-watcher.ts";
import { followRollups, type RollupFollowing } from "./engine/follow-rollups.ts";
import { createGossipHandlers } from "./engine/gossip-handlers.ts";
import { createParticipation, type ParticipationKeeper } from "./engine/participation.ts";
import { createPeerSync, type PeerSync, peerSyncOptions } from "./engine/peer-sync.ts";
import { createReExecution, type ReExecution } from "./engine/re-execution.ts";
import { epochsAround, keepEpoch, restoreEngine } from "./engine/restore.ts";
import { resumeHeight } from "./engine/resume-height.ts";
import { createSettledClaims, type SettledClaims } from "./engine/settled-claims.ts";
import { createEngineShell, type EngineShell } from "./engine/shell.ts";
import { closeInOrder, type Foundation, openL1View } from "./foundation.ts";
import { gossipOptions } from "./gossip/configured-gossip.ts";
import { createGossip, type Gossip } from "./gossip/gossip.ts";
import { type HealthFacts, healthOf } from "./health.ts";
import { serverOptions } from "./http/configured-server.ts";
import type { NodeView } from "./http/node-view.ts";
import { createHttpServer, type HttpServer } from "./http/server.ts";
import {
  createNodeMetrics,
  type NodeMetrics,
  type NodeMetricsFacts,
} from "./metrics/node-metrics.ts";
import { NodeError } from "./node-error.ts";
import type { OperatorSigner } from "./operator.ts";
import type { Mirror } from "./replica/mirror.ts";
import { mirrorNode } from "./replica/node-mirror.ts";
import { pruneStore } from "./store/configured-pruner.ts";
import { forecastOf } from "./store/forecast.ts";
import type { Pruner } from "./store/pruner.ts";
import type { EpochRecord } from "./store/store.ts";
import { createEngineView } from "./view/engine-view.ts";
import { createEventHub, type EventHub } from "./view/events.ts";
import { rollupSources } from "./view/rollup-sources.ts";

export interface NodeDependencies {
  readonly foundation: Foundation;
  /** Null for an observer. */
  readonly operator: OperatorSigner | null;
  readonly payer: EpochPayer | null;
  readonly resumes: readonly RollupResume[];
  readonly logger: Logger;
  /** Ends the process. */
  readonly onFatal: (error: unknown) => void;
}

/** How long a height may lack its certificate before readers are given a reason. */
const GRACE_MS = 1_500;
/** Blocks that are kept with their headers, for each height that is open. */
const CHAIN_DEPTH_FACTOR = 4;
/** Epochs before the current one whose sets are read: with it and the next, all 16 in memory. */
const EPOCH_LOOKBACK = 14;

/** The parts of a node, each handed what it may use: chains in, gossip both ways, readers out. */
export class MachNode {
  readonly #config: NodeConfig;
  readonly #dependencies: NodeDependencies;
  readonly #startedAtMs: number;
  readonly #events: EventHub = createEventHub();
  readonly #metrics: NodeMetrics;
  readonly #alerts: Alerts;
  readonly #execution: ReExecution;
  /** Null for an observer. */
  readonly #duties: Duties | null;
  readonly #participation: ParticipationKeeper;
  readonly #announcer: Announcer;
  readonly #engine: EngineShell;
  readonly #gossip: Gossip;
  readonly #sync: PeerSync;
  readonly #l1: L1View;
  readonly #settled: SettledClaims;
  readonly #following: RollupFollowing;
  readonly #http: HttpServer | null;
  readonly #mirror: Mirror | null;
  readonly #pruner: Pruner;
  #watcher: EpochWatcher | null = null;
  #tick: NodeJS.Timeout | undefined;

  constructor(config: NodeConfig, dependencies: NodeDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#startedAtMs = now();
    this.#metrics = this.#createMetrics();
    this.#alerts = this.#createAlerts();
    this.#execution = createReExecution(
      {
        state: () => this.#engine.state(),
        alerts: this.#alerts,
        onFault: (err) => dependencies.logger.error({ err }, "an invalid block was not kept"),
        delay: (milliseconds) => sleep(milliseconds),
      },
      config,
    );
    this.#duties = this.#createDuties();
    this.#participation = createParticipation({
      ...{ store: dependencies.foundation.store, onFatal: dependencies.onFatal, now },
      state: () => this.#engine.state(),
    });
    this.#announcer = createAnnouncer({
      participation: this.#participation,
      state: () => this.#engine.state(),
      events: this.#events,
      alerts: this.#alerts,
      logger: dependencies.logger,
      abstention: (rollupId) => this.#following.abstention(rollupId),
      now,
    });
    this.#engine = this.#createEngine();
    this.#gossip = this.#createGossip();
    this.#sync = createPeerSync(
      {
        gossip: this.#gossip,
        engine: this.#engine,
        onFault: (err) => dependencies.logger.error({ err }, "a turn with a peer failed"),
        now,
      },
      peerSyncOptions(config.gossip),
    );
    this.#l1 = openL1View(config);
    this.#settled = this.#followSettlement();
    const parts = { engine: this.#engine, settled: this.#settled };
    this.#pruner = pruneStore(config, { ...dependencies, ...parts, now });
    this.#following = this.#followRollups();
    const view = this.#createView();
    this.#http = this.#createHttp(view);
    this.#mirror = this.#createMirror(view);
  }

  async start(): Promise<void> {
    const { logger, foundation } = this.#dependencies;
    this.#alerts.clearEarlier(await foundation.store.listAlerts());
    // Before anybody is answered: what was contradicted before must not be served for a moment.
    const known = await this.#restore();
    const listening = await this.#http?.start();
    if (listening?.ok === false) throw new NodeError("api-unusable", listening.message);
    this.#mirror?.start();
    await this.#gossip.start();
    const newest = known.at(-1);
    if (newest !== undefined) this.#onParameters(newest.operatorSet.epoch, newest.rollups);
    this.#sync.start();
    this.#watcher = this.#watchEpochs(known);
    this.#watcher.start();
    this.#pruner.start();
    const { tickMs } = this.#config.engine;
    this.#tick = setInterval(() => {
      this.#engine.input({ type: "tick" });
      this.#alerts.expire();
      this.#duties?.onTick();
      this.#announcer.onTick();
    }, tickMs);
    const [api, metrics] = [listening?.url ?? null, await this.#metrics.start()];
    const addresses = this.#gossip.addresses();
    logger.info({ api, metrics, peerId: this.#gossip.peerId(), addresses }, "node started");
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick);
    this.#sync.stop();
    await closeInOrder([
      () => this.#pruner.stop(),
      async () => await this.#watcher?.stop(),
      () => this.#following.stop(),
      () => this.#l1.close(),
      () => this.#settled.stop(),
      async () => await this.#http?.stop(),
      () => this.#metrics.stop(),
      () => this.#gossip.stop(),
      () => this.#execution.stop(),
      () => this.#engine.settle(),
      () => this.#participation.flush(),
      async () => await this.#mirror?.stop(),
    ]);
    this.#dependencies.logger.info("node stopped");
  }

  #createAlerts(): Alerts {
    const { foundation, onFatal } = this.#dependencies;
    return createAlerts({
      now,
      publish: (alert) => {
        foundation.store.putAlert(alert).catch(onFatal);
        this.#metrics.onAlert(alert);
        const { rollupId } = alert;
        this.#events.publish({ topic: "alert", rollupId, answer: { data: alert } });
      },
    });
  }

  #createEngine(): EngineShell {
    const { foundation, resumes, onFatal } = this.#dependencies;
    const { bls, verifier, store, domain, schedule } = foundation;
    const { improvementWindowMs, openHeights, earlyAttestations } = this.#config.engine;
    return createEngineShell(
      {
        ...{ domain, schedule, improvementWindowMs, openHeights, earlyAttestations },
        operator: this.#config.operator?.address ?? null,
        rollups: resumes,
        chainDepth: openHeights * CHAIN_DEPTH_FACTOR,
        graceMs: GRACE_MS,
      },
      {
        bls,
        verifier,
        signer: this.#duties && this.#execution.guard(this.#metrics.timed(this.#duties.claims)),
        store,
        gossip: {
          publishAttestation: (attestation) => this.#gossip.publishAttestation(attestation),
          publishCertificate: (certificate) => this.#gossip.publishCertificate(certificate),
          publishEvidence: (evidence) => this.#gossip.publishEvidence(evidence),
          publishSetUpdate: (update) => this.#gossip.publishSetUpdate(update),
        },
        announce: (announcement) => {
          this.#metrics.announce(announcement);
          this.#announcer.announce(announcement);
        },
        onFatal,
        now,
      },
    );
  }

  #createDuties(): Duties | null {
    const { operator } = this.#dependencies;
    const hasAskedPeers = (): boolean => this.#sync.hasAsked();
    const state = (): EngineState => this.#engine.state();
    return operator && createDuties(operator, { state, hasAskedPeers, alerts: this.#alerts, now });
  }

  #createGossip(): Gossip {
    const { foundation, logger } = this.#dependencies;
    const { domain } = foundation;
    const signer = this.#duties && { bindingSigner: this.#duties.bindings };
    return createGossip(
      gossipOptions(this.#config, { domain, now, logger, ...signer }),
      createGossipHandlers({
        engine: this.#engine,
        ...foundation,
        onPeerReady: (peer) => this.#sync.onPeerReady(peer),
      }),
    );
  }

  #followSettlement(): SettledClaims {
    const { foundation, logger, onFatal } = this.#dependencies;
    const { rollups, network, settlement } = this.#config;
    return createSettledClaims(
      {
        ...{ l1: this.#l1, engine: this.#engine, alerts: this.#alerts, onFatal },
        store: foundation.store,
        log: (fields, message) => logger.info(fields, message),
      },
      { registry: network.registry, rollups, ...settlement },
    );
  }

  #followRollups(): RollupFollowing {
    const { logger } = this.#dependencies;
    return followRollups(
      {
        engine: this.#engine,
        alerts: this.#alerts,
        onBlock: (rollupId) => {
          this.#announcer.onBlock(rollupId);
          this.#execution.onBlock(rollupId);
        },
        trustsFinalized: (rollupId) => this.#settled.trustsFinalized(rollupId),
        log: (fields, message) => logger.info(fields, message),
      },
      {
        rollups: this.#config.rollups,
        engine: this.#config.engine,
        resumeFrom: (rollupId) => resumeHeight(this.#engine.state(), rollupId),
      },
    );
  }

  /** Gives the engine what the store kept of earlier runs. */
  async #restore(): Promise<readonly EpochRecord[]> {
    const { store, bls, schedule } = this.#dependencies.foundation;
    const epochs = epochsAround(schedule, { nowMs: now(), lookback: EPOCH_LOOKBACK });
    const { openHeights, catchUpBlocks } = this.#config.engine;
    const certificates = Math.max(openHeights, catchUpBlocks);
    const known = await restoreEngine(this.#engine, store, { bls, epochs, certificates });
    await this.#engine.restoreEvidence();
    await this.#participation.restore();
    this.#announcer.onRestored();
    return known;
  }

  #watchEpochs(known: readonly EpochRecord[]): EpochWatcher {
    const { foundation, payer, logger, onFatal } = this.#dependencies;
    const { schedule, reader } = foundation;
    return createEpochWatcher(
      {
        reader,
        payer,
        alerts: this.#alerts,
        onEpoch: (epoch) => this.#onEpoch(epoch),
        onAbsent: (epoch) => {
          logger.warn({ epoch }, "epoch has no operator set");
          this.#engine.input({ type: "set-absent", epoch });
        },
        onFailure: (failure) => logger.debug(failure, "operator set not read"),
        onFatal,
        now,
      },
      {
        schedule,
        pollMs: this.#config.l1.pollMs,
        lookback: EPOCH_LOOKBACK,
        known: known.map((record) => record.operatorSet),
      },
    );
  }

  async #onEpoch({ operatorSet, rollups, unsupportedRollups }: RegistryEpoch): Promise<void> {
    const { foundation, logger } = this.#dependencies;
    const { epoch, operatorSetHash } = operatorSet;
    await keepEpoch(foundation.store, { operatorSet, rollups });
    logger.info({ epoch, operatorSetHash, unsupportedRollups }, "operator set known");
    this.#engine.input({ type: "set-known", operatorSet, rollups });
    // Read from L1's finalised state just now: the store's word alone would not do to sign it.
    this.#engine.input({ type: "set-final", epoch, operatorSetHash });
    this.#gossip.recheckBindings();
    this.#onParameters(epoch, rollups);
  }

  #onParameters(epoch: bigint, rollups: EpochRecord["rollups"]): void {
    this.#settled.onParameters(epoch, rollups);
    this.#following.onParameters(rollups);
  }

  #createView(): NodeView {
    const { foundation } = this.#dependencies;
    return createEngineView({
      state: () => this.#engine.state(),
      store: foundation.store,
      bls: foundation.bls,
      events: this.#events,
      transactions: this.#following.transactions,
      abstention: (rollupId) => this.#following.abstention(rollupId),
      sources: rollupSources(this.#config.rollups, this.#following, this.#settled),
      health: () => healthOf(this.#facts()),
      now,
    });
  }

  #facts(): HealthFacts {
    return {
      state: this.#engine.state(),
      operator: this.#config.operator?.address ?? null,
      startedAtMs: this.#startedAtMs,
      peers: this.#gossip.peers().length,
      l1AnsweredAtMs: this.#watcher?.l1AnsweredAtMs() ?? null,
      sources: (rollupId) => this.#following.sources(rollupId),
      abstention: (rollupId) => this.#following.abstention(rollupId),
      now: now(),
    };
  }

  #createMetrics(): NodeMetrics {
    const facts = (): NodeMetricsFacts => ({
      ...this.#facts(),
      peers: this.#gossip.peers(),
      gossip: this.#gossip.stats(),
      settlement: (rollupId) => this.#settled.status(rollupId),
      queues: [...this.#gossip.queues(), ...(this.#http?.queues() ?? [])],
    });
    const state = (): EngineState => this.#engine.state();
    const forecast = (): number | null => forecastOf(state(), this.#config.retention);
    const ports = { ...this.#dependencies, now, state, facts, forecast };
    return createNodeMetrics(ports, this.#config.metrics);
  }

  #createHttp(view: NodeView): HttpServer | null {
    const { api, rollups } = this.#config;
    if (api === undefined) return null;
    const { logger } = this.#dependencies;
    const { onAnswered } = this.#metrics;
    return createHttpServer({ view, logger, now, onAnswered }, serverOptions(api, rollups));
  }

  #createMirror(view: NodeView): Mirror | null {
    const { foundation, logger } = this.#dependencies;
    return mirrorNode(this.#config, {
      ...{ foundation, events: this.#events, view, alerts: this.#alerts, logger, now },
      state: () => this.#engine.state(),
      abstention: (rollupId) => this.#following.abstention(rollupId),
    });
  }
}

const now = (): number => Date.now();
