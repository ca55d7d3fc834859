/**
 * Judges signals: measures each, and tells which are too much.
 *
 * @module
 */

import { grown, quantile, type Sample, select, total } from "./metrics_text.ts";
import {
  type Alarm,
  LEAST_COUNTED,
  LEAST_SECONDS,
  type Measure,
  MONTH_SECONDS,
  type Signal,
} from "./signals.ts";

/** What is known of a place. */
export interface Facts {
  /** Its metrics now; none where it shows none. */
  readonly now?: readonly Sample[];
  /** What its counters counted in so many seconds. */
  readonly counted?: readonly Sample[];
  readonly seconds?: number;
  /** Bytes of all versions, and of the largest file, where they are known. */
  readonly stored?: number | undefined;
  readonly largest?: number | undefined;
}

/** One signal, measured. */
export interface Judged {
  readonly signal: Signal;
  /** `undefined` where nothing tells. */
  readonly value: number | undefined;
  /** What there is of what `value` is a part of: requests that were counted, a limit. */
  readonly whole?: number | undefined;
  readonly alarm: Alarm | undefined;
}

/**
 * What two looks at a service tell of the time between them.
 *
 * @param earlier None: since the service began.
 */
export function factsBetween(
  later: { readonly samples: readonly Sample[]; readonly seconds: number },
  earlier?: { readonly samples: readonly Sample[]; readonly seconds: number },
): Facts {
  const start = total(later.samples, ["process_start_time_seconds"]) ?? later.seconds;
  return {
    now: later.samples,
    counted: earlier ? grown(later.samples, earlier.samples) : later.samples,
    seconds: later.seconds - (earlier ? earlier.seconds : start),
  };
}

/** Measures signals; those of which nothing is known are left out. */
export function judge(signals: readonly Signal[], facts: Facts): Judged[] {
  return signals.map((signal) => judgeOne(signal, facts))
    .filter(({ value }) => value !== undefined);
}

function judgeOne(signal: Signal, facts: Facts): Judged {
  const { value, whole, enough } = measured(signal.measure, facts);
  const over = enough && value !== undefined && signal.limit !== undefined &&
    value > signal.limit.most;
  return { signal, value, whole, alarm: over ? signal.limit.alarm : undefined };
}

interface Measured {
  readonly value: number | undefined;
  readonly whole?: number | undefined;
  /** Whether it is enough to judge by. */
  readonly enough: boolean;
}

function measured(measure: Measure, facts: Facts): Measured {
  const { now = [], counted = [], seconds = 0, stored, largest } = facts;
  switch (measure.kind) {
    case "share": {
      const whole = total(counted, measure.among) ?? 0;
      const value = whole ? (total(counted, measure.of) ?? 0) / whole : undefined;
      return { value, whole, enough: whole >= LEAST_COUNTED };
    }
    case "level": {
      const whole = total(now, measure.among);
      const used = total(now, measure.of);
      return { value: whole && used !== undefined ? used / whole : undefined, whole, enough: true };
    }
    case "p95": {
      const buckets = select(counted, measure.of);
      const whole = total(buckets, [measure.of.replace("{", '{le="+Inf",')]) ?? 0;
      return { value: quantile(buckets, 0.95), whole, enough: whole >= LEAST_COUNTED };
    }
    case "rate": {
      const count = total(counted, measure.of);
      return { value: count === undefined || !seconds ? undefined : count / seconds, enough: true };
    }
    case "month": {
      const count = total(counted, measure.of);
      return {
        value: count === undefined || !seconds ? undefined : count / seconds * MONTH_SECONDS,
        enough: seconds >= LEAST_SECONDS,
      };
    }
    case "stored":
      return { value: stored, enough: true };
    case "largest":
      return { value: largest, enough: true };
  }
}
