import { type BlockAnswer, createMachClient } from "@mach/sdk";

/** What a consumer knows of its network, as JSON has it. */
export interface Settings {
  readonly endpoints: readonly string[];
  readonly chainId: number;
  readonly registry: `0x${string}`;
  readonly genesisTime: number;
  readonly epochSeconds: number;
  readonly trustedEpoch: number;
  readonly trustedHash: `0x${string}`;
  readonly nowMs: number;
}

/** A program of somebody who has the published packages alone: it is compiled and run with them. */
export async function askForBlock(settings: Settings, height: number): Promise<string> {
  const mach = createMachClient({
    endpoints: settings.endpoints,
    network: {
      chainId: BigInt(settings.chainId),
      registry: settings.registry,
      genesisTime: BigInt(settings.genesisTime),
      epochSeconds: BigInt(settings.epochSeconds),
    },
    trust: { epoch: BigInt(settings.trustedEpoch), operatorSetHash: settings.trustedHash },
    now: () => settings.nowMs,
  });
  const answer: BlockAnswer = await mach.getBlock({ rollupId: 901n, block: BigInt(height) });
  return answer.status === "fast-final" ? `${answer.status} ${answer.blockHash}` : answer.code;
}
