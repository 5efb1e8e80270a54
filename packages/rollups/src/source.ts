import type { Hex } from "@mach/core";
import {
  backoffMs,
  createHttpClient,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailureCode,
  type RpcResult,
  WebSocketClient,
} from "@mach/rpc";
import type { BlockSelector, BlockSource, SourceAnswer, SourceFailureCode } from "./agreement.ts";
import { type AnnouncedBlocks, createAnnouncedBlocks } from "./announced-blocks.ts";
import { createNodeCalls, explainFailure } from "./node-calls.ts";
import { parseQuantity } from "./rpc-values.ts";
import type { SourceDescription } from "./source-description.ts";
import type { CheckedBlock, HeadName, StackAdapter } from "./stack.ts";

export interface SourceOptions extends RpcClientOptions {
  readonly rollupId: bigint;
  readonly adapter: StackAdapter;
  /** The op-node that tells this source's safe and finalized heads, over HTTP. */
  readonly opNodeUrl?: string | undefined;
  readonly pollMs: number;
  /** How often its chain id is asked for again. */
  readonly chainMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Wall clock. */
  readonly now: () => number;
}

export interface SourceEvents {
  /** The source says that this is its newest block, which it may have said before. */
  onHead(block: CheckedBlock, isNew: boolean): void;
  onState(source: RollupSource): void;
}

type Status = SourceDescription["status"];

const MAX_ANNOUNCED = 16;
/** A word of the node or the client, not a sign that the connection is of no use. */
const HARMLESS: ReadonlySet<RpcFailureCode> = new Set(["rpc-error", "busy", "stopped"]);

/**
 * One RPC endpoint of a rollup: its chain id is checked before it is used and after each loss, its
 * head is polled and, over WebSocket, subscribed to. It counts for nothing alone.
 */
export class RollupSource implements BlockSource {
  readonly host: string;
  readonly #options: SourceOptions;
  readonly #events: SourceEvents;
  readonly #announced: AnnouncedBlocks = createAnnouncedBlocks(MAX_ANNOUNCED);
  readonly #complete: ((block: CheckedBlock) => Promise<SourceAnswer>) | null;
  #client: RpcClient | null = null;
  #opNode: RpcClient | null = null;
  #webSocket: WebSocketClient | null = null;
  #status: Status = "starting";
  #code: SourceFailureCode | null = null;
  #sinceMs: number;
  #acceptedBlockNumber: bigint | null = null;
  #faultyPolls = 0;
  #isHeadFaulty = false;
  #head: CheckedBlock | null = null;
  #finalized: SourceAnswer | null = null;
  #poll: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #verifying: Promise<boolean> | null = null;
  #verifiedAtMs = 0;
  #attempts = 0;
  #agreed = 0;
  #failed = 0;
  #stopped = false;

  constructor(options: SourceOptions, events: SourceEvents) {
    this.host = new URL(options.url).host;
    this.#options = options;
    this.#events = events;
    this.#sinceMs = options.now();
    this.#complete = this.#completer();
  }

  start(): void {
    if (isWebSocketUrl(this.#options.url)) {
      this.#webSocket = new WebSocketClient(this.#options, {
        onOpen: () => void this.#verify(),
        onLost: (code) => this.#fail(code),
      });
      this.#client = this.#webSocket;
    } else {
      this.#client = createHttpClient(this.#options);
      void this.#verify();
    }
    const { opNodeUrl } = this.#options;
    if (opNodeUrl !== undefined) {
      this.#opNode = createHttpClient({ ...this.#options, url: opNodeUrl });
    }
    this.#schedulePoll();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#poll);
    clearTimeout(this.#retry);
    await Promise.all([this.#client?.close(), this.#opNode?.close()]);
  }

  get head(): CheckedBlock | null {
    return this.#head;
  }

  get isUsable(): boolean {
    return this.#status === "ready" || this.#status === "faulty";
  }

  /** Whether it is connected and its newest head was sound. */
  get isSound(): boolean {
    return this.isUsable && !this.#isHeadFaulty;
  }

  /** Whether nothing is held against it. */
  get isReady(): boolean {
    return this.#status === "ready";
  }

  /** Whether it has told of a block at this height by itself, so that `ask` needs no call. */
  hasAnnounced(blockNumber: bigint): boolean {
    return this.#announced.has(blockNumber);
  }

  async ask(selector: BlockSelector): Promise<SourceAnswer> {
    if (selector.by === "hash") {
      const { blockHash } = selector;
      return this.#ask("eth_getBlockByHash", blockHash, (block) => block.blockHash === blockHash);
    }
    const { blockNumber, fresh } = selector;
    const announced = fresh ? undefined : this.#announced.take(blockNumber);
    if (announced !== undefined) return { ok: true, block: announced };
    const quantity = `0x${blockNumber.toString(16)}`;
    return this.#ask("eth_getBlockByNumber", quantity, (each) => each.blockNumber === blockNumber);
  }

  /** The block at one of the node's heads; a node without that head is not at fault. */
  async askTag(tag: HeadName): Promise<SourceAnswer> {
    const answer = await this.#askHead(tag);
    if (tag === "finalized") this.#finalized = answer;
    return answer;
  }

  async #askHead(tag: HeadName): Promise<SourceAnswer> {
    const { readHead } = this.#options.adapter;
    if (readHead === null) return this.#ask("eth_getBlockByNumber", tag, () => true);
    if (!this.isUsable) return { ok: false, code: this.#code ?? "unreachable" };
    const own = createNodeCalls((method, params) => this.#call(method, params));
    const opNode = this.#opNode;
    const beside = opNode && createNodeCalls((method, params) => opNode.call(method, params));
    const answer = await readHead(tag, { call: own.call, opNode: beside?.call });
    if (!answer.ok) {
      const failure = own.lastFailure() ?? beside?.lastFailure() ?? null;
      return { ok: false, code: explainFailure(answer, failure) };
    }
    const { blockHash } = answer;
    return this.#check(
      answer.value,
      (each) => blockHash === undefined || each.blockHash === blockHash,
    );
  }

  /** The block with the roots that its header alone does not give, as this source has them. */
  complete(block: CheckedBlock): Promise<SourceAnswer> {
    if (!this.isUsable) return Promise.resolve({ ok: false, code: this.#code ?? "unreachable" });
    return this.#complete?.(block) ?? Promise.resolve({ ok: true, block });
  }

  /** Asks for its chain id again: what is behind a connection may change without breaking it. */
  async verifyChain(): Promise<void> {
    if (this.isUsable) await this.#verify();
  }

  settle(outcome: "agrees" | "disagrees"): void {
    if (outcome === "disagrees") {
      this.#blame("disagrees");
      return;
    }
    this.#agreed++;
    this.#attempts = 0;
    this.#webSocket?.resetBackoff();
    if (this.isSound) this.#setState("ready", null);
  }

  /** Compares its head with an accepted height. */
  noteLag(blockNumber: bigint, toleratedBlocks: bigint): void {
    this.#acceptedBlockNumber = blockNumber;
    if (!this.isUsable || this.#head === null || !this.#options.adapter.followsBlocks) return;
    const isLagging = this.#head.blockNumber + toleratedBlocks < blockNumber;
    if (isLagging && this.#code === null) this.#setState("faulty", "lagging");
    if (!isLagging && this.#code === "lagging") this.#setState("ready", null);
  }

  describe(): SourceDescription {
    return {
      host: this.host,
      transport: isWebSocketUrl(this.#options.url) ? "websocket" : "http",
      status: this.#status,
      code: this.#code,
      sinceMs: this.#sinceMs,
      headBlockNumber: this.#head?.blockNumber ?? null,
      finalizedBlockNumber: this.#finalized?.ok ? this.#finalized.block.blockNumber : null,
      finalizedCode: this.#finalized?.ok === false ? this.#finalized.code : null,
      lagBlocks: this.#lagBlocks(),
      agreed: this.#agreed,
      failed: this.#failed,
    };
  }

  #lagBlocks(): bigint | null {
    if (this.#head === null || this.#acceptedBlockNumber === null) return null;
    const behind = this.#acceptedBlockNumber - this.#head.blockNumber;
    return behind > 0n ? behind : 0n;
  }

  async #ask(
    method: string,
    selector: Hex | string,
    isAsked: (block: CheckedBlock) => boolean,
  ): Promise<SourceAnswer> {
    if (!this.isUsable) return { ok: false, code: this.#code ?? "unreachable" };
    const result = await this.#call(method, [selector, false]);
    return result.ok ? this.#check(result.value, isAsked) : { ok: false, code: result.code };
  }

  #check(value: unknown, isAsked: (block: CheckedBlock) => boolean): SourceAnswer {
    if (value === null) return { ok: false, code: "missing" };
    const checked = this.#options.adapter.checkBlock(value);
    if (!checked.ok) {
      this.#blame(checked.code);
      return { ok: false, code: checked.code };
    }
    if (isAsked(checked.block)) return checked;
    this.#blame("wrong-block");
    return { ok: false, code: "wrong-block" };
  }

  #completer(): ((block: CheckedBlock) => Promise<SourceAnswer>) | null {
    const { completion } = this.#options.adapter;
    if (completion === null) return null;
    const calls = createNodeCalls((method, params) => this.#call(method, params));
    const ask = completion.connect(calls.call);
    return async (block) => {
      const answer = await ask(block);
      if (answer.ok) return answer;
      const code = explainFailure(answer, calls.lastFailure());
      if (answer.code === "malformed" || answer.code === "invalid-proof") this.#blame(code);
      return { ok: false, code };
    };
  }

  async #call(method: string, params: readonly unknown[]): Promise<RpcResult> {
    const client = this.#client;
    if (client === null) return { ok: false, code: "unreachable" };
    const result = await client.call(method, params);
    if (result.ok) {
      // Another node may stand behind a new connection, so its chain is checked first.
      if (!result.newConnection || (await this.#verify())) return result;
      return { ok: false, code: "unreachable" };
    }
    if (HARMLESS.has(result.code)) return result;
    if (result.staleConnection && (await this.#verify())) return client.call(method, params);
    // Calls that the loss of a connection ends late say nothing new.
    if (this.isUsable) this.#fail(result.code);
    return result;
  }

  /** Checks the chain id, then begins to listen. One check at a time. */
  #verify(): Promise<boolean> {
    this.#verifying ??= this.#checkChain().finally(() => {
      this.#verifying = null;
    });
    return this.#verifying;
  }

  async #checkChain(): Promise<boolean> {
    const { rollupId } = this.#options;
    const result = await this.#client?.call("eth_chainId", []);
    if (this.#stopped || result === undefined) return false;
    if (!result.ok) {
      // That it does not say so once more is not held against it.
      return (this.isUsable && HARMLESS.has(result.code)) || this.#fail(result.code);
    }
    const chainId = parseQuantity(result.value);
    if (chainId === null) return this.#fail("malformed");
    if (chainId !== rollupId) return this.#fail("wrong-chain");
    this.#verifiedAtMs = this.#options.now();
    if (this.isUsable) return true;
    this.#setState("ready", null);
    // Without a subscription the polls still find the heads.
    void this.#webSocket?.subscribe(["newHeads"], (event) => this.#onPush(event));
    void this.#pollHead();
    return true;
  }

  #onPush(event: unknown): void {
    if (!this.isUsable) return;
    const { adapter } = this.#options;
    const checked = adapter.checkBlock(event);
    if (checked.ok && adapter.followsBlocks) this.#announce(checked.block);
    // Some nodes push fewer fields than they hash: the block itself decides.
    else void this.#pollHead();
  }

  async #pollHead(): Promise<void> {
    const before = this.#head;
    const answer = await this.askTag("latest");
    if (this.#stopped || !this.isUsable) return;
    const pushed = this.#head === before ? null : this.#head;
    if (answer.ok) {
      // The answer may be older than a head that was pushed meanwhile.
      if (pushed !== null && answer.block.blockNumber < pushed.blockNumber) return;
      if (this.#isHeadFaulty) this.#setState("ready", null);
      this.#isHeadFaulty = false;
      this.#announce(answer.block);
    } else if (answer.code !== "busy") {
      this.#isHeadFaulty = true;
      this.#blame(answer.code);
    }
  }

  #schedulePoll(): void {
    const poll = async (): Promise<void> => {
      const { chainMs, now } = this.#options;
      if (now() - this.#verifiedAtMs >= chainMs) await this.verifyChain();
      if (this.isUsable) await this.#pollHead();
      if (!this.#stopped) this.#schedulePoll();
    };
    // One whose heads are wrong is asked more and more rarely.
    this.#faultyPolls = this.#isHeadFaulty ? this.#faultyPolls + 1 : 0;
    const { pollMs } = this.#options;
    const backoff = this.#isHeadFaulty ? backoffMs(this.#faultyPolls, this.#options) : 0;
    this.#poll = setTimeout(() => void poll(), Math.max(pollMs, backoff));
  }

  #announce(block: CheckedBlock): void {
    if (!this.isUsable) return;
    const isNew = this.#head?.blockHash !== block.blockHash;
    if (isNew) this.#announced.add(block);
    this.#head = block;
    this.#events.onHead(block, isNew);
  }

  #blame(code: SourceFailureCode): void {
    this.#failed++;
    if (this.isUsable) this.#setState("faulty", code);
  }

  #fail(code: SourceFailureCode): false {
    if (this.#stopped) return false;
    this.#head = null;
    this.#isHeadFaulty = false;
    this.#announced.clear();
    if (this.#status === "down" && this.#retry !== undefined) return false;
    this.#failed++;
    this.#setState("down", code);
    if (this.#webSocket !== null) {
      this.#webSocket.reconnect();
    } else {
      const retry = (): void => {
        this.#retry = undefined;
        void this.#verify();
      };
      this.#retry = setTimeout(retry, backoffMs(this.#attempts++, this.#options));
    }
    return false;
  }

  #setState(status: Status, code: SourceFailureCode | null): void {
    if (this.#stopped || (this.#status === status && this.#code === code)) return;
    this.#status = status;
    this.#code = code;
    this.#sinceMs = this.#options.now();
    this.#events.onState(this);
  }
}

/** Whether a source is reached over WebSocket. */
export function isWebSocketUrl(url: string): boolean {
  return /^wss?:/i.test(url);
}
