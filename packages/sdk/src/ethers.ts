import {
  type JsonRpcApiProviderOptions,
  JsonRpcProvider,
  type Networkish,
  type Subscriber,
  type Subscription,
} from "ethers";
import type { MachClient } from "./client.ts";
import { createFinalizedTag, type FinalizedTagOptions, type SendRequest } from "./finalized-tag.ts";
import type { Policy } from "./policy.ts";

export interface MachProviderOptions extends FinalizedTagOptions, JsonRpcApiProviderOptions {
  readonly mach: Pick<MachClient, "getFinality" | "watch">;
  readonly network?: Networkish;
}

/**
 * A JsonRpcProvider of ethers v6 whose tag `finalized`, in `getBlock`, `on("finalized")`, calls and
 * filters, is the verified fast-final block. A `send` rejects with an `SdkError` where there is none.
 */
export class MachProvider extends JsonRpcProvider {
  readonly #send: SendRequest;
  readonly #watch: (signal: AbortSignal) => ReturnType<MachClient["watch"]>;

  constructor(url: string, options: MachProviderOptions) {
    const { mach, rollupId, policy, headMs, network, ...own } = options;
    super(url, network, own);
    const asked: { readonly policy?: Policy } = policy === undefined ? {} : { policy };
    const tag = { mach, rollupId, ...asked, ...(headMs === undefined ? {} : { headMs }) };
    this.#send = createFinalizedTag(
      ({ method, params }) => super.send(method, (params ?? []) as unknown[]),
      tag,
    );
    this.#watch = (signal) =>
      mach.watch({ rollupId, signal, pollMs: this.pollingInterval, ...asked });
  }

  override async send(
    method: string,
    params: unknown[] | Record<string, unknown>,
  ): Promise<unknown> {
    return await this.#send({ method, params });
  }

  override _getSubscriber(subscription: Subscription): Subscriber {
    if (subscription.type !== "finalized") return super._getSubscriber(subscription);
    return createSubscriber(this.#watch, (height) => this.emit("finalized", height));
  }
}

/** Tells of each head that rises, by its height; ethers' own would reject unheard without a head. */
function createSubscriber(
  watch: (signal: AbortSignal) => ReturnType<MachClient["watch"]>,
  tell: (height: number) => Promise<boolean>,
): Subscriber {
  let running: AbortController | null = null;

  async function run(signal: AbortSignal): Promise<void> {
    for await (const answer of watch(signal)) {
      if (answer.status === "fast-final") await tell(Number(answer.block.blockNumber));
    }
  }

  function start(): void {
    if (running !== null) return;
    running = new AbortController();
    void run(running.signal);
  }

  function stop(): void {
    running?.abort();
    running = null;
  }

  return { start, stop, pause: stop, resume: start };
}
