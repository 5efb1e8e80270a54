import { z } from "zod";
import { integer, text } from "./fields.ts";

export interface MetricsConfig {
  readonly host: string;
  readonly port: number;
}

/** Where Prometheus scrapes the node. */
export const metrics: z.ZodType<MetricsConfig, unknown> = z
  .strictObject({
    host: text("The address on which metrics are served; they are nobody else's business.").default(
      "127.0.0.1",
    ),
    port: integer("The port of the metrics; 0 takes a free one.", { min: 0, max: 65_535 }).default(
      4560,
    ),
  })
  .describe("Metrics for Prometheus, under /metrics. Without it this node serves none.");
