import { parseArgs } from "node:util";
import { createNativeBls, type NativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import {
  type Exit,
  effectAt,
  type L1Connection,
  listExits,
  listKeys,
  type OperatorState,
  type RegisteredKey,
  readOperatorState,
  type VaultState,
} from "@mach/settlement";
import { formatUnits } from "ethers";
import { parseAddress } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import {
  PLACE_OPTIONS,
  PLACE_USAGE,
  type RegistryPlace,
  readRegistryPlace,
} from "./operator-place.ts";
import { withL1 } from "./operator-run.ts";
import { refusedAction, timeOf } from "./operator-words.ts";

/** `mach operator status`: what the L1 says of an operator. */
export const command: Command = {
  usage: `mach operator status [OPERATOR]
            (--config FILE | --network FILE | --l1 URL --registry 0x...)
            [--account 0x...] [--json]

Says what the newest block of the L1 knows of an operator: its keys and from which epoch each one
signs, its weight in this epoch and the next, what it weighs after that as things stand, and the
stake behind it.

  OPERATOR                         its address; the configuration's where it is left out
  --account 0x...                  whose stake and exits are listed; the operator's own where it
                                   is left out
${PLACE_USAGE}
  --json                           one JSON object instead of lines

  mach operator status --config node.yaml

Exit code: 0 registered, 1 not registered or not known (with a code), 2 wrong usage.`,
  run: status,
};

async function status(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...PLACE_OPTIONS, account: { type: "string" }, json: { type: "boolean" } },
  });
  if (positionals.length > 1) throw new UsageError("one OPERATOR is expected");
  const place = readRegistryPlace(values, context);
  const [named] = positionals;
  const operator = named === undefined ? place.operator : parseAddress(named, "OPERATOR");
  if (operator === null) throw new UsageError("OPERATOR is missing");
  const account =
    values.account === undefined ? operator : parseAddress(values.account, "--account");
  return await withL1(place, (l1) => look({ place, l1, operator, account }));
}

interface Found {
  readonly state: OperatorState;
  readonly keys: readonly RegisteredKey[] | null;
  readonly exits: readonly (readonly Exit[] | null)[];
}

async function look(question: {
  readonly place: RegistryPlace;
  readonly l1: L1Connection;
  readonly operator: Hex;
  readonly account: Hex;
}): Promise<Answer> {
  const { place, l1, operator, account } = question;
  const { provider, chainId } = l1;
  const { registry } = place;
  const read = await readOperatorState({ provider, chainId, registry, operator, account });
  if (!read.ok) return refusedAction(read);
  const { state } = read;
  const keys = await listKeys(provider, registry, operator);
  const exits = await Promise.all(
    state.vaults.map(({ vault }) => listExits(provider, vault, account)),
  );
  return describe({ state, keys, exits }, createNativeBls());
}

function describe({ state, keys, exits }: Found, bls: NativeBls): Answer {
  const compress = (point: Hex): Hex => bls.publicKeyFromPoint(point) ?? point;
  const isRegistered = state.keyCount > 0n;
  const next = effectAt(state.schedule, state.time + 1n);
  const named = keys?.map(({ publicKeyPoint, registeredAt }) => ({
    publicKey: compress(publicKeyPoint),
    fromEpoch: effectAt(state.schedule, registeredAt).epoch,
  }));
  const lines = [
    `${state.operator} is ${isRegistered ? "" : "not "}registered on chain ${state.domain.chainId}`,
    `  epoch ${state.epoch ?? "0 is to come"} by the L1's time, ${timeOf(state.time)}`,
    ...state.memberships.map(({ epoch, member }) =>
      member === null
        ? `  epoch ${epoch}: not in the set`
        : `  epoch ${epoch}: weight ${member.weight}, key ${compress(member.publicKeyPoint)}`,
    ),
    `  epoch ${next.epoch}, from ${timeOf(next.beginsAt)}: ${outlookOf(state)} as things stand`,
    ...(named ?? []).map(
      ({ publicKey, fromEpoch }) => `  key ${publicKey} from epoch ${fromEpoch}`,
    ),
    ...state.vaults.flatMap((vault, index) => describeVault(vault, exits[index] ?? null)),
    ...state.pokeable.map((source) => `  source ${source}: EigenLayer, counts once it is poked`),
    ...state.otherSources.map((source) => `  source ${source}: stake is put there by other means`),
  ];
  const json = {
    ...{ registered: isRegistered, operator: state.operator, account: state.account },
    ...{ chainId: state.domain.chainId.toString(), registry: state.domain.verifyingContract },
    ...{ time: state.time.toString(), epoch: state.epoch?.toString() ?? null },
    ...{ weight: state.weight?.toString() ?? null, keyCount: state.keyCount.toString() },
    minimumWeight: state.minimumWeight.toString(),
    next: { epoch: next.epoch.toString(), beginsAt: next.beginsAt.toString() },
    memberships: state.memberships.map(({ epoch, member }) => ({
      epoch: epoch.toString(),
      weight: member?.weight.toString() ?? null,
      publicKey: member && compress(member.publicKeyPoint),
    })),
    keys: named?.map((key) => ({ ...key, fromEpoch: key.fromEpoch.toString() })) ?? null,
    vaults: state.vaults.map((vault, index) => encodeVault(vault, exits[index] ?? null)),
    ...{ pokeable: state.pokeable, otherSources: state.otherSources },
  };
  return { exitCode: isRegistered ? 0 : 1, json, sentence: lines.join("\n") };
}

function outlookOf({ weight, keyCount }: OperatorState): string {
  if (keyCount === 0n) return "not in the set";
  return weight === null ? "a weight that its source does not know" : `weight ${weight}`;
}

function describeVault(vault: VaultState, exits: readonly Exit[] | null): readonly string[] {
  const amount = (assets: bigint): string =>
    `${formatUnits(assets, vault.decimals)} ${vault.symbol}`;
  return [
    `  vault ${vault.vault}: ${amount(vault.stake)} of the account's own stake, ` +
      `${amount(vault.slashable)} that a slash could take`,
    ...(exits === null ? ["    its exits are not told by this endpoint"] : []),
    ...(exits ?? []).map(
      ({ exitId, assets, releaseTime }) =>
        `    exit ${exitId}: ${amount(assets)}, locked until ${timeOf(releaseTime)}`,
    ),
  ];
}

function encodeVault(
  vault: VaultState,
  exits: readonly Exit[] | null,
): Readonly<Record<string, unknown>> {
  const { asset, symbol, decimals, stake, slashable, balance, withdrawalDelay } = vault;
  return {
    ...{ vault: vault.vault, asset, symbol, decimals, stake: stake.toString() },
    ...{ slashable: slashable.toString(), balance: balance.toString() },
    withdrawalDelay: withdrawalDelay.toString(),
    exits:
      exits?.map(({ exitId, operator, assets, releaseTime }) => ({
        ...{ exitId: exitId.toString(), operator, assets: assets.toString() },
        releaseTime: releaseTime.toString(),
      })) ?? null,
  };
}
