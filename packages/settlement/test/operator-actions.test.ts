import { Contract } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addRollup,
  createL1Signer,
  depositStake,
  readKeyCount,
  registerOperator,
  rotateKey,
} from "../src/index.ts";
import { CHAIN_ID, DEPLOYER_KEY } from "./anvil.ts";
import {
  lowerAddress,
  possessionOf,
  signerFor,
  startNetwork,
  type TestNetwork,
  UNIT,
} from "./network.ts";

const FIRST_OPERATOR = `0x${"1".padStart(64, "0")}` as const;

let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
}, 60_000);

afterAll(() => network?.anvil.stop());

test("an operator registers once", async () => {
  const signer = signerFor(network.anvil, FIRST_OPERATOR);
  const operator = signer.address.toLowerCase() as `0x${string}`;
  const { registry } = network;
  const possession = possessionOf({
    operator,
    registry,
    secret: `0x${"02".repeat(32)}`,
    nonce: 1n,
  });
  expect(await registerOperator({ signer, registry, ...possession })).toEqual({
    ok: false,
    code: "reverted",
    error: "OperatorAlreadyRegistered",
  });
});

test("without stake there is no registration, and without a valid proof neither", async () => {
  const { anvil, asset, registry, vault } = network;
  const signer = signerFor(anvil, `0x${"05".repeat(32)}`);
  const operator = signer.address.toLowerCase() as `0x${string}`;
  await anvil.rpc("anvil_setBalance", [operator, "0x56bc75e2d63100000"]);
  const secret = `0x${"06".repeat(32)}` as const;
  const possession = possessionOf({ operator, registry, secret, nonce: 0n });
  expect(await registerOperator({ signer, registry, ...possession })).toMatchObject({
    error: "WeightTooLow",
  });
  const deployer = signerFor(anvil, DEPLOYER_KEY);
  await new Contract(asset, ["function mint(address,uint256)"], deployer).getFunction("mint")(
    deployer.address,
    UNIT,
  );
  const deposit = { signer: deployer, vault, asset, operator, assets: UNIT };
  expect(await depositStake(deposit)).toMatchObject({ ok: true });
  const stale = possessionOf({ operator, registry, secret, nonce: 1n });
  expect(await registerOperator({ signer, registry, ...stale })).toMatchObject({
    error: "InvalidProof",
  });
  expect(await registerOperator({ signer, registry, ...possession })).toMatchObject({ ok: true });
});

test("only the owner lists rollups, each id once", async () => {
  const { anvil, registry, signer } = network;
  const rollup = {
    rollupId: 901n,
    stack: "op",
    attestationInterval: 1n,
    thresholdBps: 6667,
    verification: 1,
  } as const;
  expect(await addRollup({ signer, registry, rollup })).toMatchObject({
    error: "RollupAlreadyAdded",
  });
  const stranger = signerFor(anvil, FIRST_OPERATOR);
  expect(await addRollup({ signer: stranger, registry, rollup })).toMatchObject({
    error: "OwnableUnauthorizedAccount",
  });
});

test("a stake that the account does not have is refused", async () => {
  const { asset, signer, vault } = network;
  const operator = `0x${"09".repeat(20)}` as const;
  const refused = await depositStake({ signer, vault, asset, operator, assets: 10n ** 30n });
  expect(refused).toMatchObject({ ok: false, code: "reverted" });
});

test("accounts without a balance and RPCs that are down have their own codes", async () => {
  const { anvil, asset, vault } = network;
  const deposit = { vault, asset, operator: `0x${"09".repeat(20)}`, assets: 1n } as const;
  const broke = signerFor(anvil, `0x${"08".repeat(32)}`);
  expect(await depositStake({ ...deposit, signer: broke })).toMatchObject({
    code: "insufficient-funds",
  });
  const away = signerFor({ ...anvil, url: "http://127.0.0.1:9" }, DEPLOYER_KEY);
  expect(await depositStake({ ...deposit, signer: away })).toMatchObject({
    code: "l1-unavailable",
  });
});

test("a key is rotated with a proof that counts the keys before it", async () => {
  const { anvil, registry } = network;
  const signer = signerFor(anvil, FIRST_OPERATOR);
  const operator = lowerAddress(signer);
  const { provider } = signer;
  if (provider === null) throw new Error("no provider");
  const nonce = await readKeyCount({ provider, registry, operator });
  expect(nonce).toBe(1n);
  const secret = `0x${"07".repeat(32)}` as const;
  const rotate = (of: bigint): ReturnType<typeof rotateKey> =>
    rotateKey({ signer, registry, ...possessionOf({ operator, registry, secret, nonce: of }) });
  expect(await rotate(0n)).toMatchObject({ ok: false, error: "InvalidProof" });
  expect(await rotate(1n)).toMatchObject({ ok: true });
  expect(await readKeyCount({ provider, registry, operator })).toBe(2n);
  expect(await rotate(2n)).toMatchObject({ ok: false, error: "KeyAlreadyRegistered" });
});

test("a key count that L1 does not tell is unknown, not zero", async () => {
  const { registry } = network;
  const silent = createL1Signer({
    ...{ rpcUrl: "http://127.0.0.1:9", chainId: CHAIN_ID, timeoutMs: 500 },
    privateKey: FIRST_OPERATOR,
  });
  const { provider } = silent;
  if (provider === null) throw new Error("no provider");
  expect(await readKeyCount({ provider, registry, operator: registry })).toBeNull();
});
