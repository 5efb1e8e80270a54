import { parseArgs } from "node:util";
import { createNativeBls, type NativeBls } from "@mach/bls";
import { type Hex, isHex } from "@mach/core";
import {
  countOpenConvictions,
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
import { readKeystoreFile } from "../keys/keystore-file.ts";
import { parseAddress } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import {
  PLACE_OPTIONS,
  PLACE_USAGE,
  type RegistryPlace,
  readRegistryPlace,
} from "./operator-place.ts";
import { withL1 } from "./operator-run.ts";
import { amountOf, convictionsOf, refusedAction } from "./operator-words.ts";
import { timeOf } from "./times.ts";

/** `mach operator status`: what the L1 says of an operator. */
export const command: Command = {
  usage: `mach operator status [OPERATOR]
            (--config FILE | --network NAME | --l1 URL --registry 0x...)
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

const UNTOLD = { exits: null, openConvictions: null };

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
  /** In the order of the state's vaults. */
  readonly stakes: readonly {
    readonly exits: readonly Exit[] | null;
    readonly openConvictions: number | null;
  }[];
  /** The key in the configuration's keystore, where it names one that can be read. */
  readonly ownKey: Hex | null;
  readonly nextKey: Hex | null;
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
  const stakes = await Promise.all(
    state.vaults.map(async ({ vault }) => ({
      exits: await listExits(provider, vault, account),
      openConvictions: await countOpenConvictions(provider, vault, operator),
    })),
  );
  const ownKey = await readOwnKey(place.keystoreFile);
  const nextKey = await readOwnKey(place.nextKeystoreFile);
  return describe({ state, keys, stakes, ownKey, nextKey }, createNativeBls());
}

/** What a keystore says in plain text of its key: enough for a status, which signs nothing. */
async function readOwnKey(keystoreFile: string | null): Promise<Hex | null> {
  if (keystoreFile === null) return null;
  const read = await readKeystoreFile(keystoreFile);
  const publicKey = read.ok ? `0x${read.keystore.pubkey?.toLowerCase()}` : "";
  return isHex(publicKey, 48) ? publicKey : null;
}

function describe({ state, keys, stakes, ownKey, nextKey }: Found, bls: NativeBls): Answer {
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
      ({ publicKey, fromEpoch }) =>
        `  key ${publicKey} from epoch ${fromEpoch}` +
        (publicKey === ownKey ? ", the configuration's" : "") +
        (publicKey === nextKey ? ", the configuration's nextKey" : ""),
    ),
    ...state.vaults.flatMap((vault, index) => describeVault(vault, stakes[index] ?? UNTOLD)),
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
    configuredKey: ownKey,
    nextKey,
    keys: named?.map((key) => ({ ...key, fromEpoch: key.fromEpoch.toString() })) ?? null,
    vaults: state.vaults.map((vault, index) => encodeVault(vault, stakes[index] ?? UNTOLD)),
    ...{ pokeable: state.pokeable, otherSources: state.otherSources },
  };
  return { exitCode: isRegistered ? 0 : 1, json, sentence: lines.join("\n") };
}

function outlookOf({ weight, keyCount }: OperatorState): string {
  if (keyCount === 0n) return "not in the set";
  return weight === null ? "a weight that its source does not know" : `weight ${weight}`;
}

function describeVault(
  vault: VaultState,
  { exits, openConvictions }: Found["stakes"][number],
): readonly string[] {
  const amount = (assets: bigint): string => amountOf({ vault, assets });
  return [
    `  vault ${vault.vault}: ${amount(vault.stake)} of the account's own stake, ` +
      `${amount(vault.slashable)} that a slash could take`,
    ...convictionsOf(openConvictions).map((line) => `    ${line}`),
    ...(exits === null ? ["    its exits are not told by this endpoint"] : []),
    ...(exits ?? []).map(
      ({ exitId, assets, releaseTime }) =>
        `    exit ${exitId}: ${amount(assets)}, locked until ${timeOf(releaseTime)}`,
    ),
  ];
}

function encodeVault(
  vault: VaultState,
  { exits, openConvictions }: Found["stakes"][number],
): Readonly<Record<string, unknown>> {
  const { asset, symbol, decimals, stake, slashable, balance, withdrawalDelay } = vault;
  return {
    ...{ vault: vault.vault, asset, symbol, decimals, stake: stake.toString() },
    ...{ slashable: slashable.toString(), balance: balance.toString() },
    ...{ withdrawalDelay: withdrawalDelay.toString(), openConvictions },
    exits:
      exits?.map(({ exitId, operator, assets, releaseTime }) => ({
        ...{ exitId: exitId.toString(), operator, assets: assets.toString() },
        releaseTime: releaseTime.toString(),
      })) ?? null,
  };
}
