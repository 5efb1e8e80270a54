import type { Hex } from "@mach/core";
import {
  connectL1,
  type L1Connection,
  type OperatorIntent,
  type OperatorPlan,
  type OperatorState,
  performOperatorPlan,
  planOperatorAction,
  readOperatorState,
} from "@mach/settlement";
import type { Answer, CommandContext } from "./command.ts";
import type { Step } from "./keys-secrets.ts";
import {
  ACCOUNT_OPTIONS,
  ACCOUNT_USAGE,
  type AccountValues,
  readSender,
  type Sender,
} from "./operator-account.ts";
import {
  PLACE_OPTIONS,
  PLACE_USAGE,
  type PlaceValues,
  type RegistryPlace,
  readRegistryPlace,
} from "./operator-place.ts";
import { confirmState } from "./operator-sources.ts";
import { describeDone, describeOperatorPlan, nameOf, refusedAction } from "./operator-words.ts";

/** The options that every command with a transaction takes. */
export const ACTION_OPTIONS: typeof PLACE_OPTIONS &
  typeof ACCOUNT_OPTIONS & {
    readonly "dry-run": { readonly type: "boolean" };
    readonly json: { readonly type: "boolean" };
  } = {
  ...PLACE_OPTIONS,
  ...ACCOUNT_OPTIONS,
  "dry-run": { type: "boolean" },
  json: { type: "boolean" },
};

/** How they are told in a command's usage. */
export const ACTION_USAGE: string = `${PLACE_USAGE}
${ACCOUNT_USAGE}
  --dry-run                        sends nothing: says what would be done, its gas, and from when
                                   on it counts
  --json                           one JSON object instead of sentences

What the L1 would refuse is refused here, with a code, before anything is sent.`;

/** The last line of such a command's usage. */
export const ACTION_EXIT_CODES =
  "Exit code: 0 done (or, with --dry-run, can be done), 1 refused (with a code), 2 wrong usage.";

/** What `parseArgs` makes of them. */
export interface ActionValues extends PlaceValues, AccountValues {
  readonly "dry-run"?: boolean | undefined;
}

/** What one command does besides what all of them do. */
export interface Action {
  /** Whose stake or key it is about, of the account that sends and the configuration's operator. */
  operatorOf(sender: Hex, place: RegistryPlace): Step<Hex>;
  intentOf(state: OperatorState, place: RegistryPlace): Promise<Step<OperatorIntent>>;
}

const CALL_TIMEOUT_MS = 20_000;
const CONFIRM_TIMEOUT_MS = 180_000;

/** Plans one action, and sends it where this is no dry run. */
export async function runAction(
  action: Action,
  values: ActionValues,
  context: CommandContext,
): Promise<Answer> {
  const place = readRegistryPlace(values, context);
  return await withL1(place, async (l1) => {
    const found = await readSender(values, { l1, context });
    if (!found.ok) return found.answer;
    try {
      return await runAs(action, { values, context, place, l1, sender: found.value });
    } finally {
      await found.value.close();
    }
  });
}

async function runAs(
  action: Action,
  about: {
    readonly values: ActionValues;
    readonly context: CommandContext;
    readonly place: RegistryPlace;
    readonly l1: L1Connection;
    readonly sender: Sender;
  },
): Promise<Answer> {
  const { values, context, place, l1, sender } = about;
  const operator = action.operatorOf(sender.address, place);
  if (!operator.ok) return operator.answer;
  const { provider, chainId } = l1;
  const read = await readOperatorState({
    ...{ provider, chainId, registry: place.registry },
    ...{ operator: operator.value, account: sender.address },
  });
  if (!read.ok) return refusedAction(read);
  const { state } = read;
  const confirmed = await confirmState(state, place);
  if (!confirmed.ok) return refusedAction(confirmed);
  const intent = await action.intentOf(state, place);
  if (!intent.ok) return intent.answer;
  const plan = await planOperatorAction(intent.value, { state, provider });
  if (!plan.ok) return refusedAction(plan);
  if (values["dry-run"] === true) return describeOperatorPlan(plan, state);
  return await perform(plan, { state, l1, sender, context });
}

/** The operator where it has to be the account that sends, and is. */
export function onlyTheOperator(account: Hex, { operator }: RegistryPlace): Step<Hex> {
  if (operator === null || operator === account) return { ok: true, value: account };
  return { ok: false, answer: refusedAction({ code: "wrong-account", account: operator }) };
}

/** Connects to the L1 of a place, and refuses another one. */
export async function withL1(
  place: RegistryPlace,
  use: (l1: L1Connection) => Promise<Answer>,
): Promise<Answer> {
  const l1 = await connectL1({ rpcUrl: place.rpcUrl, timeoutMs: CALL_TIMEOUT_MS });
  if (l1 === null)
    return refusedAction({ code: "l1-unavailable", url: new URL(place.rpcUrl).host });
  try {
    if (place.chainId !== null && place.chainId !== l1.chainId) {
      return refusedAction({ code: "wrong-chain", have: l1.chainId, need: place.chainId });
    }
    return await use(l1);
  } finally {
    l1.close();
  }
}

async function perform(
  plan: OperatorPlan,
  about: {
    readonly state: OperatorState;
    readonly l1: L1Connection;
    readonly sender: Sender;
    readonly context: CommandContext;
  },
): Promise<Answer> {
  const { state, l1, sender, context } = about;
  const opened = await sender.open();
  if (!opened.ok) return opened.answer;
  const { signer } = opened.value;
  const sent: { method: string; to: Hex; transactionHash: Hex }[] = [];
  const result = await performOperatorPlan(plan, {
    ...{ provider: l1.provider, signer, schedule: state.schedule },
    timeoutMs: CONFIRM_TIMEOUT_MS,
    onStep(step, transactionHash) {
      const { method, to } = step.call;
      sent.push({ method, to, transactionHash });
      const line = `${sent.length} of ${plan.steps.length}: ${nameOf(step)} in ${transactionHash}`;
      context.output.stderr(`${line}\n`);
    },
  });
  if (!result.ok) return refusedAction({ ...result, during: nameOf(result.step) }, { sent });
  return describeDone(plan, state, { effect: result.effect, sent });
}
