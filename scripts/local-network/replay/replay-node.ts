import { parseArgs } from "node:util";
import { createCdkChain } from "./cdk-chain.ts";
import { createZkChain } from "./era-chain.ts";
import { createOrbitChain } from "./orbit-chain.ts";
import { startRpcServer } from "./rpc-server.ts";
import type { ReplayedChain } from "./script.ts";

/*
 * A node of a stack that no program here can run: it makes blocks, which are hashed by the rules of
 * its stack, and answers as recorded nodes do. Says where it listens in anvil's words.
 */

const CHAINS: Readonly<Record<string, (chainId: bigint) => ReplayedChain>> = {
  orbit: createOrbitChain,
  cdk: createCdkChain,
  zk: createZkChain,
};
const BLOCK_MS = 1_000;

const { values } = parseArgs({
  options: { stack: { type: "string" }, "chain-id": { type: "string" } },
});
const create = CHAINS[values.stack ?? ""];
if (create === undefined) throw new Error("--stack is orbit, cdk or zk");
const chain = create(BigInt(values["chain-id"] ?? 0));
const server = await startRpcServer(chain.script);
setInterval(() => {
  server.announce(chain.advance(BigInt(Math.floor(Date.now() / 1_000))));
}, BLOCK_MS);
process.stdout.write(`Listening on 127.0.0.1:${server.port}\n`);
