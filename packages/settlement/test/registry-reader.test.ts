import { createPortableBls } from "@mach/bls/portable";
import { type Hex, isConsistentOperatorSet, ZERO_HASH } from "@mach/core";
import { Contract, Interface } from "ethers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRegistryReader, REGISTRY_ABI, type RegistryReader } from "../src/index.ts";
import { CHAIN_ID, finalize, finalizeAt, mined } from "./anvil.ts";
import { EPOCH_SECONDS, join, startNetwork, type TestNetwork } from "./network.ts";
import { type RpcExchange, type RpcProxy, startProxy } from "./proxy.ts";

const bls = createPortableBls();
const registryInterface = new Interface(REGISTRY_ABI);
const SILENT = "http://127.0.0.1:9";

let network: TestNetwork;
let proxies: RpcProxy[] = [];
let readers: RegistryReader[] = [];

beforeAll(async () => {
  network = await startNetwork();
  await finalizeAt(network.anvil, network.genesisTime);
  await fixEpoch(1n);
  await finalize(network.anvil);
}, 60_000);

afterEach(async () => {
  await Promise.all(readers.map((each) => each.close()));
  readers = [];
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  proxies = [];
});

afterAll(() => network?.anvil.stop());

test("a fixed epoch is read as a set that rebuilds to the registry's hash", async () => {
  const read = await reader().readOperatorSet(1n);
  if (!read.ok) throw new Error(read.code);
  expect(await contract().getFunction("operatorSetHash")(1n)).toBe(
    read.operatorSet.operatorSetHash,
  );
  expect(read.operatorSet.operators.map(({ operator, weight }) => ({ operator, weight }))).toEqual(
    network.operators,
  );
  expect(read.operatorSet.totalWeight).toBe(100n);
  expect(isConsistentOperatorSet(bls, read.operatorSet)).toBe(true);
});

test("rollups are those of the epoch, with unknown stacks reported apart", async () => {
  const read = await reader().readOperatorSet(1n);
  if (!read.ok) throw new Error(read.code);
  const parameters = { attestationInterval: 1n, thresholdBps: 6667, verification: 1 };
  expect(read.rollups).toEqual([
    { rollupId: 901n, stack: "op", ...parameters },
    { rollupId: 902n, stack: "evm", ...parameters },
  ]);
  expect(read.unsupportedRollups).toEqual([{ rollupId: 903n, stack: "unheard-of" }]);
});

test("the network is the chain, the registry and its schedule", async () => {
  const read = await reader().readNetwork();
  if (!read.ok) throw new Error(read.code);
  expect(read.network).toEqual({
    domain: { chainId: CHAIN_ID, verifyingContract: network.registry },
    schedule: { genesisTime: network.genesisTime, epochSeconds: EPOCH_SECONDS },
  });
});

test("an epoch that nobody fixed has no set", async () => {
  expect(await reader().readOperatorSet(7n)).toMatchObject({ ok: false, code: "not-fixed" });
});

test("an epoch counts as fixed only when the block that fixed it is final", async () => {
  await fixEpoch(0n);
  expect(await reader().readOperatorSet(0n)).toMatchObject({ code: "not-fixed" });
  await finalize(network.anvil);
  expect(await reader().readOperatorSet(0n)).toMatchObject({ ok: true });
});

test("who joined after the snapshot is not in the set, and is in a later one", async () => {
  await join(network, 5, 1n);
  await finalizeAt(network.anvil, network.genesisTime + EPOCH_SECONDS);
  await fixEpoch(2n);
  await finalize(network.anvil);
  const [first, second] = [await reader().readOperatorSet(1n), await reader().readOperatorSet(2n)];
  if (!first.ok || !second.ok) throw new Error("not read");
  expect([first, second].map((each) => each.operatorSet.operators.length)).toEqual([4, 5]);
  expect(second.operatorSet.totalWeight).toBe(101n);
});

test("a list that does not make the registry's hash is refused", async () => {
  const liar = await proxy(inOperators((weights) => weights.map((weight) => weight + 1n)));
  expect(await reader({ rpcUrls: [liar] }).readOperatorSet(1n)).toMatchObject({
    ok: false,
    code: "hash-mismatch",
  });
});

test("a list without operators, out of order or without weight is refused", async () => {
  const empty = await proxy(inOperators(() => []));
  expect(await reader({ rpcUrls: [empty] }).readOperatorSet(1n)).toMatchObject({
    code: "empty-set",
  });
  const weightless = await proxy(inOperators((weights) => weights.map(() => 0n)));
  expect(await reader({ rpcUrls: [weightless] }).readOperatorSet(1n)).toMatchObject({
    code: "malformed-set",
  });
});

test("a key that is no point is refused", async () => {
  const liar = await proxy(
    inOperators(
      (weights) => weights,
      (key) => [...key.slice(0, 3), ZERO_HASH],
    ),
  );
  expect(await reader({ rpcUrls: [liar] }).readOperatorSet(1n)).toEqual({
    ok: false,
    code: "bad-public-key",
  });
});

test("two sources that contradict each other make no answer", async () => {
  const liar = await proxy(inOperators((weights) => weights.toReversed()));
  const forked = await proxy(({ method, result }) =>
    method === "eth_getBlockByNumber" ? { ...(result as object), hash: ZERO_HASH } : result,
  );
  for (const other of [liar, forked]) {
    for (const requiredAgreement of [1, 2]) {
      const rpcUrls = [network.anvil.url, other];
      expect(await reader({ rpcUrls, requiredAgreement }).readOperatorSet(1n)).toEqual({
        ok: false,
        code: "sources-disagree",
      });
    }
  }
});

test("silent sources are tolerated down to the agreement that is required", async () => {
  const rpcUrls = [SILENT, network.anvil.url];
  expect(await reader({ rpcUrls, requiredAgreement: 1 }).readOperatorSet(1n)).toMatchObject({
    ok: true,
  });
  expect(await reader({ rpcUrls, requiredAgreement: 2 }).readOperatorSet(1n)).toEqual({
    ok: false,
    code: "l1-unavailable",
    answered: 1,
    required: 2,
  });
});

test("a source without the state of the block does not count towards the agreement", async () => {
  const pruned = await proxy(({ method, result }) =>
    method === "eth_call" ? "raw:state is not available" : result,
  );
  const rpcUrls = [network.anvil.url, pruned];
  expect(await reader({ rpcUrls, requiredAgreement: 1 }).readOperatorSet(1n)).toMatchObject({
    ok: true,
  });
  expect(await reader({ rpcUrls, requiredAgreement: 2 }).readOperatorSet(1n)).toEqual({
    ok: false,
    code: "l1-unavailable",
    answered: 1,
    required: 2,
  });
});

test("a source that runs ahead alone does not move the block that is read", async () => {
  const ahead = await proxy(({ method, params, result }) =>
    method === "eth_getBlockByNumber" && params[0] === "finalized"
      ? { ...(result as object), number: "0xffffff" }
      : result,
  );
  const rpcUrls = [network.anvil.url, ahead];
  expect(await reader({ rpcUrls, requiredAgreement: 2 }).readOperatorSet(1n)).toMatchObject({
    ok: true,
  });
});

test("a source counts once, however often it is listed", () => {
  const rpcUrls = [network.anvil.url, network.anvil.url];
  expect(() => reader({ rpcUrls, requiredAgreement: 2 })).toThrow(RangeError);
  expect(() => reader({ requiredAgreement: 0 })).toThrow(RangeError);
});

test("a source of another chain is named", async () => {
  expect(await reader({ chainId: 1n }).readNetwork()).toEqual({
    ok: false,
    code: "wrong-chain",
    chainId: CHAIN_ID,
  });
});

test("an address without a contract is no registry, and another contract none either", async () => {
  const nowhere = `0x${"12".repeat(20)}` as const;
  expect(await reader({ registry: nowhere }).readNetwork()).toEqual({
    ok: false,
    code: "registry-not-found",
  });
  expect(await reader({ registry: network.asset }).readOperatorSet(1n)).toMatchObject({
    ok: false,
  });
});

test("a reader that was closed reads nothing", async () => {
  const closed = reader();
  expect(await closed.readNetwork()).toMatchObject({ ok: true });
  await closed.close();
  expect(await closed.readNetwork()).toEqual({
    ok: false,
    code: "l1-unavailable",
    answered: 0,
    required: 1,
  });
});

test("garbage, huge and cut answers are no answers", async () => {
  for (const garbage of ["raw:<html>", "raw:[]", "raw:", 'raw:{"id":1}', null]) {
    const broken = await proxy(() => garbage);
    const read = await reader({ rpcUrls: [broken] }).readOperatorSet(1n);
    expect(read).toMatchObject({ ok: false, code: "l1-unavailable" });
  }
  const bounded = reader({ maxResponseBytes: 512 });
  expect(await bounded.readNetwork()).toMatchObject({ ok: false, code: "l1-unavailable" });
  const short = await proxy((exchange) =>
    exchange.method === "eth_call" ? String(exchange.result).slice(0, -2) : exchange.result,
  );
  expect(await reader({ rpcUrls: [short] }).readNetwork()).toEqual({
    ok: false,
    code: "malformed-answer",
  });
});

function reader(
  changes: {
    readonly rpcUrls?: readonly string[];
    readonly requiredAgreement?: number;
    readonly chainId?: bigint;
    readonly registry?: Hex;
    readonly maxResponseBytes?: number;
  } = {},
): RegistryReader {
  const created = createRegistryReader(
    { bls },
    {
      rpcUrls: [network.anvil.url],
      requiredAgreement: 1,
      chainId: CHAIN_ID,
      registry: network.registry,
      timeoutMs: 5_000,
      ...changes,
    },
  );
  readers.push(created);
  return created;
}

async function proxy(answer: (exchange: RpcExchange) => unknown): Promise<string> {
  const started = await startProxy(network.anvil.url, answer);
  proxies.push(started);
  return started.url;
}

/** Changes the weights and keys of the registry's list, cut to as many operators as weights. */
function inOperators(
  change: (weights: bigint[]) => bigint[],
  changeKey: (key: string[]) => string[] = (key) => key,
): (exchange: RpcExchange) => unknown {
  return (exchange) => {
    if (!isCall(exchange, "operatorsAt")) return exchange.result;
    const data = String(exchange.result);
    const [operators, keys, weights] = registryInterface.decodeFunctionResult("operatorsAt", data);
    const changed = change([...weights]);
    return registryInterface.encodeFunctionResult("operatorsAt", [
      [...operators].slice(0, changed.length),
      [...keys].map((key) => changeKey([...key])).slice(0, changed.length),
      changed,
    ]);
  };
}

function isCall({ method, params }: RpcExchange, view: string): boolean {
  const selector = registryInterface.getFunction(view)?.selector ?? "none";
  return method === "eth_call" && (params[0] as { data: string }).data.startsWith(selector);
}

function contract(): Contract {
  return new Contract(network.registry, REGISTRY_ABI, network.signer);
}

async function fixEpoch(epoch: bigint): Promise<void> {
  await mined(await contract().getFunction("fixEpoch").send(epoch));
}
