export { describeRule, formatSpan, type RuleFacts } from "./shared/format.ts";
export {
  type ShownStatus,
  STATUS_WORDS,
  type StatusWords,
  type Tone,
} from "./shared/status.ts";
