import type { Head } from "@mach/core";
import { type Adversary, createAdversary } from "./adversary.ts";
import { ancestorAt, type BlockTree, createBlockTree, type SimBlock } from "./block-tree.ts";
import type { Coverage } from "./coverage.ts";
import { createEventQueue } from "./event-queue.ts";
import type { Fault, FaultKind } from "./fault.ts";
import { createJudge, type Judge } from "./judge.ts";
import type { Message } from "./message.ts";
import { createRouter, isOn, type Router } from "./network.ts";
import { firstWanted } from "./node-intake.ts";
import { CALM_FINALITY_LAG, type Plan } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";
import { createSequencer, type Sequencer } from "./sequencer.ts";
import { createSetting, type Member, type Setting, START_MS } from "./setting.ts";
import { SimNode } from "./sim-node.ts";

export interface WorldPorts {
  readonly coverage: Coverage;
  readonly log: (line: () => string) => void;
}

const TICK_MS = 250;
const SYNC_MS = 2_500;
const L1_POLL_MS = 1_000;
/** How long a process that died stays down at least. */
const DOWN_MS = 20;
/** After the last block: what is under way comes to its end. */
const TAIL_MS = 6_000;

/** Everything of a run, in virtual time: nodes, network, sequencer, L1 and adversary. */
export class World {
  readonly plan: Plan;
  readonly setting: Setting;
  readonly tree: BlockTree;
  readonly sequencer: Sequencer;
  readonly judge: Judge;
  readonly nodes: ReadonlyMap<number, SimNode>;
  /** Milliseconds after the start. */
  atMs = 0;
  /** The newest block when the faults had stopped. */
  calmFrom: SimBlock | null = null;
  readonly #queue = createEventQueue();
  readonly #ports: WorldPorts;
  readonly #random: Random;
  readonly #route: Router;
  readonly #adversary: Adversary;
  readonly #shown = new Map<number, number>();
  #seen = 1;
  #version = 0;

  constructor(plan: Plan, ports: WorldPorts) {
    const { coverage } = ports;
    this.plan = plan;
    this.#ports = ports;
    this.setting = createSetting(plan);
    this.tree = createBlockTree(this.setting.schedule.genesisTime);
    this.sequencer = createSequencer(plan, this.tree, coverage);
    this.#random = createRandom(plan.seed, "world");
    this.#route = createRouter(plan, createRandom(plan.seed, "network"), coverage);
    const { setting, tree, sequencer } = this;
    this.judge = createJudge({ setting, tree, finalized: () => sequencer.finalized() });
    this.#adversary = createAdversary({
      setting,
      random: createRandom(plan.seed, "adversary"),
      coverage,
      judge: this.judge,
      tree,
      send: (from, to, delayMs, message) => {
        this.#after(delayMs, () => this.#deliver(from.index, to, message));
      },
      isShown: (node, block) =>
        ancestorAt(sequencer.tipFor(node, this.atMs), block.blockNumber) === block,
    });
    this.nodes = new Map(
      this.#places()
        .filter((index) => !plan.byzantine.includes(index))
        .map((index) => [index, this.#createNode(index)]),
    );
  }

  get stormMs(): number {
    return this.plan.stormBlocks * this.plan.blockMs;
  }

  get endMs(): number {
    return this.stormMs + this.plan.calmBlocks * this.plan.blockMs + TAIL_MS;
  }

  /** Runs to the end; throws a Violation where a promise is broken. */
  run(): void {
    this.#planBlocks();
    this.#planFaults();
    this.#planSets();
    this.#repeat(TICK_MS, () => {
      for (const node of this.nodes.values()) node.tick();
    });
    this.#repeat(L1_POLL_MS, () => this.#pollL1());
    for (const node of this.nodes.values()) this.#repeat(SYNC_MS, () => this.#sync(node));
    for (let next = this.#queue.pop(); next; next = this.#queue.pop()) {
      if (next.atMs > this.endMs) return;
      this.atMs = next.atMs;
      next.run();
    }
  }

  steps(): number {
    let steps = 0;
    for (const node of this.nodes.values()) steps += node.steps;
    return steps;
  }

  #places(): readonly number[] {
    return Array.from({ length: this.plan.operators + this.plan.observers }, (_, index) => index);
  }

  #createNode(index: number): SimNode {
    const { setting, judge, plan } = this;
    const member: Member | null = setting.members[index] ?? null;
    const ofClock = this.#faultsOf("clock-skew", "clock-jump").filter(({ nodes }) =>
      nodes.includes(index),
    );
    const slow = this.#faultsOf("slow-signer").filter(({ nodes }) => nodes.includes(index));
    const { coverage, log } = this.#ports;
    return new SimNode(
      { index, member },
      {
        setting,
        judge,
        coverage,
        random: createRandom(plan.seed, `node ${index}`),
        log: (line) => log(() => `${this.atMs} ms: ${line()}`),
        after: (delayMs, run) => this.#after(delayMs, run),
        send: (to, message) => this.#send(index, to, message),
        broadcast: (message) => this.#broadcast(index, message),
        now: () => START_MS + this.atMs + clockOffsetMs(ofClock, this.atMs, coverage),
        signerDelayMs: () => delayOf(slow, this.atMs, coverage),
        onCrash: (node, moment) => this.#onCrash(node, moment),
      },
    );
  }

  #faultsOf(...kinds: readonly FaultKind[]): readonly Fault[] {
    return this.plan.faults.filter(({ kind }) => kinds.includes(kind));
  }

  #after(delayMs: number, run: () => void): void {
    this.#queue.push(this.atMs + delayMs, run);
  }

  #repeat(everyMs: number, run: () => void): void {
    const again = (): void => {
      run();
      if (this.atMs + everyMs <= this.endMs) this.#after(everyMs, again);
    };
    this.#after(this.#random.between(1, everyMs), again);
  }

  #planBlocks(): void {
    const { stormBlocks, calmBlocks, blockMs } = this.plan;
    for (let i = 1; i <= stormBlocks + calmBlocks; i++) {
      this.#queue.push(i * blockMs, () => {
        this.sequencer.produce(this.atMs);
        this.#onBlocks();
      });
    }
    this.#queue.push(stormBlocks * blockMs + 1, () => {
      this.sequencer.join(this.#random.chance(0.5));
      this.sequencer.catchUp(this.atMs);
      this.#ports.log(() => `${this.atMs} ms: the faults have stopped`);
      this.calmFrom = this.sequencer.canonical();
      for (const node of this.nodes.values()) if (!node.isUp) this.#restart(node);
      this.#onBlocks();
    });
  }

  #planFaults(): void {
    for (const fault of this.plan.faults) this.#planFault(fault);
  }

  #planFault(fault: Fault): void {
    const { kind, fromMs, untilMs, size, nodes } = fault;
    // All others are looked up while they are on.
    const starts: Partial<Record<FaultKind, () => void>> = {
      crash: () => {
        const node = this.nodes.get(nodes[0] ?? -1);
        if (node?.isUp) node.crashAfter(size);
      },
      "reorg-before-attest": () => this.#reorgBeforeAttest(size),
      "reorg-after-attest": () => this.#reorgAfterAttest(size),
      "epoch-absent": () => this.#ports.coverage.count(kind),
      "third-or-more": () => this.#ports.coverage.count(kind),
    };
    const start = starts[kind];
    if (start !== undefined) this.#queue.push(fromMs, start);
    if (kind !== "split-view") return;
    this.#queue.push(Math.min(untilMs, this.stormMs), () => {
      this.sequencer.join(this.#random.chance(0.5));
      this.#onBlocks();
    });
  }

  #reorgAfterAttest(depth: number): void {
    const isLong = this.#random.chance(0.5);
    if (!this.sequencer.reorg(depth, { isLong, atMs: this.atMs })) return;
    this.#ports.coverage.count("reorg-after-attest");
    this.#ports.coverage.count(`reorg-after-attest-depth-${bucket(depth)}`);
    this.#onBlocks();
  }

  /** Blocks that are gone before anyone can sign them: what was under way has to be called off. */
  #reorgBeforeAttest(depth: number): void {
    const { sequencer, atMs } = this;
    if (this.#faultsOf("split-view").some((fault) => isOn(fault, atMs))) return;
    const base = sequencer.canonical();
    for (let i = 0; i < depth; i++) sequencer.produce(atMs);
    this.#showAll(sequencer.canonical());
    if (!sequencer.reorg(depth, { isLong: this.#random.chance(0.5), atMs })) return;
    this.#ports.coverage.count("reorg-before-attest");
    this.#ports.coverage.count(`reorg-before-attest-depth-${bucket(depth)}`);
    this.#ports.log(() => `${atMs} ms: ${depth} blocks above ${base.blockNumber} come and go`);
    this.#showAll(sequencer.canonical());
    this.#onBlocks();
  }

  #showAll(block: SimBlock): void {
    this.#version += 1;
    for (const node of this.nodes.values()) {
      this.#shown.set(node.index, this.#version);
      node.follow(block);
    }
  }

  #planSets(): void {
    const { plan, setting } = this;
    const epochMs = plan.epochSeconds * 1_000;
    const late = this.#faultsOf("set-late");
    for (let epoch = 0; epoch < plan.weights.length; epoch++) {
      const operatorSet = setting.operatorSet(BigInt(epoch));
      const rollups = [setting.parameters(BigInt(epoch))];
      for (const node of this.nodes.values()) {
        const usualMs = Math.max(0, (epoch - 0.5) * epochMs) + this.#random.between(0, 50);
        const lateMs = late
          .filter((fault) => fault.nodes.includes(node.index) && isOn(fault, usualMs))
          .reduce((sum, { size }) => sum + size, 0);
        if (lateMs > 0) this.#ports.coverage.count("set-late");
        const dueMs = operatorSet === null ? (epoch + 1) * epochMs + 1_000 : usualMs + lateMs;
        this.#queue.push(Math.floor(dueMs), () => {
          if (operatorSet === null) node.learnSet({ type: "set-absent", epoch: BigInt(epoch) });
          else node.learnSet({ type: "set-known", operatorSet, rollups });
        });
        if (operatorSet === null) continue;
        const { operatorSetHash } = operatorSet;
        this.#queue.push(Math.floor(dueMs) + this.#random.between(1, 2_000), () => {
          node.learnSet({ type: "set-final", epoch: BigInt(epoch), operatorSetHash });
        });
      }
    }
    const isMoving = plan.weights.some(
      (each, i) => i > 0 && each.some((weight, j) => weight !== plan.weights[0]?.[j]),
    );
    if (isMoving) this.#ports.coverage.count("weight-move");
  }

  /** Tells everyone of the blocks that have been made since. */
  #onBlocks(): void {
    const { tree, sequencer } = this;
    for (; this.#seen < tree.blocks.length; this.#seen++) {
      const block = tree.blocks[this.#seen];
      if (block !== undefined) this.#adversary.onBlock(block, this.atMs);
    }
    this.#version += 1;
    const version = this.#version;
    for (const node of this.nodes.values()) {
      const tip = sequencer.tipFor(node.index, this.atMs);
      this.#after(this.#random.between(1, 150), () => {
        // A source that is behind is not followed back.
        if ((this.#shown.get(node.index) ?? 0) > version) return;
        this.#shown.set(node.index, version);
        node.follow(tip);
      });
    }
  }

  #pollL1(): void {
    const { sequencer, plan } = this;
    const isCalm = this.calmFrom !== null;
    sequencer.finalize(isCalm ? CALM_FINALITY_LAG : plan.finalityLag);
    const finalized = headOf(sequencer.finalized());
    const tip = sequencer.canonical();
    const lag = BigInt(Math.floor(plan.finalityLag / 2));
    const fault = this.#faultsOf("l1-reorg").find((each) => isOn(each, this.atMs));
    const back = BigInt(fault?.size ?? 0);
    if (fault !== undefined) this.#ports.coverage.count("l1-reorg");
    const safe = headOf(ancestorAt(tip, tip.blockNumber - lag - back));
    for (const node of this.nodes.values()) {
      const isLost = fault !== undefined && this.#random.chance(0.5);
      this.#after(this.#random.between(1, 800), () => {
        const known = node.agreed?.blockNumber ?? -1n;
        // Sources that agree on a finalised head never agree on an older one later.
        const isOlder = finalized.blockNumber < known;
        node.learnHeads({ safe, finalized: isLost || isOlder ? null : finalized });
      });
    }
  }

  #sync(node: SimNode): void {
    const to = this.#random.pick(this.#places());
    if (to === node.index || !node.isUp) return;
    this.#send(node.index, to, { type: "sync-request", from: firstWanted(node) });
  }

  #broadcast(from: number, message: Message): void {
    this.#adversary.onMessage(message, this.atMs);
    for (const to of this.nodes.keys()) if (to !== from) this.#send(from, to, message);
  }

  #send(from: number, to: number, message: Message): void {
    for (const delayMs of this.#route({ from, to, atMs: this.atMs })) {
      this.#after(delayMs, () => this.#deliver(from, to, message));
    }
  }

  #deliver(from: number, to: number, message: Message): void {
    this.nodes.get(to)?.receive(from, message);
  }

  #onCrash(node: SimNode, moment: string): void {
    const { coverage } = this.#ports;
    coverage.count("crash");
    coverage.count(`crash-${moment}`);
    const fault = this.#faultsOf("crash").find(
      ({ nodes, fromMs, untilMs }) =>
        nodes[0] === node.index && fromMs <= this.atMs && untilMs > this.atMs,
    );
    const untilMs = Math.max(fault?.untilMs ?? 0, this.atMs + DOWN_MS);
    this.#queue.push(untilMs, () => {
      if (!node.isUp) this.#restart(node);
    });
  }

  #restart(node: SimNode): void {
    this.#version += 1;
    this.#shown.set(node.index, this.#version);
    node.restart(this.sequencer.tipFor(node.index, this.atMs));
  }
}

function clockOffsetMs(faults: readonly Fault[], atMs: number, coverage: Coverage): number {
  let offset = 0;
  for (const fault of faults) {
    if (!isOn(fault, atMs)) continue;
    coverage.count(fault.kind);
    const isBack = fault.kind === "clock-jump" && Math.floor(atMs / 1_000) % 2 === 0;
    offset += isBack ? 0 : fault.size;
  }
  return offset;
}

function delayOf(faults: readonly Fault[], atMs: number, coverage: Coverage): number {
  let delay = 0;
  for (const fault of faults) {
    if (!isOn(fault, atMs)) continue;
    coverage.count(fault.kind);
    delay += fault.size;
  }
  return delay;
}

function headOf({ blockNumber, blockHash, timestamp }: SimBlock): Head {
  return { blockNumber, blockHash, timestamp };
}

function bucket(depth: number): string {
  if (depth === 1) return "1";
  return depth <= 8 ? "2-to-8" : "9-to-64";
}
