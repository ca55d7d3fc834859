/**
 * Values that JSON has no form for, as texts: instants in ISO 8601, the others as DuckDB writes them.
 *
 * @module
 */

/** Thousandths to the power of this make a second: Arrow's units, from seconds to nanoseconds. */
type Unit = number;

/** An instant as ISO 8601 with as many digits as it needs, in groups of three. */
export function instantText(count: bigint, unit: Unit): string {
  const { seconds, fraction } = split(count, unit);
  const digits = fraction.replace(/(?:000)+$/, "");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${digits && `.${digits}`}Z`;
}

/** A time of day: `08:30:00.5`. */
export function timeText(count: bigint, unit: Unit): string {
  const { seconds, fraction } = split(count, unit);
  const digits = fraction.replace(/0+$/, "");
  return `${clock(seconds)}${digits && `.${digits}`}`;
}

/** `1 month 2 days 03:00:00`, from months, days and nanoseconds. */
export function intervalText(parts: ArrayLike<number>): string {
  const [months = 0, days = 0, nanos = 0] = Array.from(parts);
  const words = ([
    [Math.trunc(months / 12), "year"],
    [months % 12, "month"],
    [days, "day"],
  ] as const).filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count} ${unit}${Math.abs(count) === 1 ? "" : "s"}`);
  const micros = BigInt(Math.trunc(nanos / 1000));
  const time = timeText(micros < 0n ? -micros : micros, 2);
  if (micros !== 0n || words.length === 0) words.push(`${micros < 0n ? "-" : ""}${time}`);
  return words.join(" ");
}

/** Bytes: `ab\\xFF`. */
export function blobText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x27 && byte !== 0x5c;
    return plain
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function split(count: bigint, unit: Unit): { seconds: bigint; fraction: string } {
  const perSecond = 1000n ** BigInt(unit);
  const rest = (count % perSecond + perSecond) % perSecond;
  return {
    seconds: (count - rest) / perSecond,
    fraction: unit === 0 ? "" : String(rest).padStart(unit * 3, "0"),
  };
}

/** Hours may be more than 24. */
function clock(seconds: bigint): string {
  const two = (count: bigint) => String(count).padStart(2, "0");
  return `${two(seconds / 3600n)}:${two(seconds / 60n % 60n)}:${two(seconds % 60n)}`;
}
