export type { BadgeState, FinalityDetail } from "./badge/finding.ts";
export {
  defineMachFinality,
  type FinalityChangeEvent,
  MachFinalityElement,
} from "./badge/mach-finality.ts";
export type { Subject } from "./badge/question.ts";
export type { BlockName, CertificateName, Rule } from "./badge/said.ts";
export type { BadgeWords, WordKey } from "./badge/words.ts";
export { describeRule, formatSpan, type RuleFacts } from "./shared/format.ts";
export {
  type ShownStatus,
  STATUS_WORDS,
  type StatusWords,
  type Tone,
} from "./shared/status.ts";
