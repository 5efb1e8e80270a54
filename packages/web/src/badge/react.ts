import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { FinalityChangeEvent, MachFinalityElement } from "./mach-finality.ts";
import type { QuestionAttribute } from "./question.ts";

/** The badge's attributes in JSX, and its event, as React 19 hands them to a custom element. */
export type MachFinalityProps = DetailedHTMLProps<
  HTMLAttributes<MachFinalityElement>,
  MachFinalityElement
> & {
  readonly [Name in Exclude<QuestionAttribute, "height">]?: string | number | bigint;
} & {
  readonly height?: string | number;
  readonly "onmach-finality-change"?: (event: FinalityChangeEvent) => void;
};

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "mach-finality": MachFinalityProps;
    }
  }
}
