/** Numbers that look random and depend only on a name, a day and a purpose. @module */

/** A 32-bit seed of a text (FNV-1a over its UTF-16 units). */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return mix(hash);
}

/** A 32-bit number for a seed, a number and a purpose. */
export function drawBits(seed: number, number: number, purpose: number): number {
  return mix(mix(seed ^ Math.imul(number, 0x9e3779b1)) ^ Math.imul(purpose + 1, 0x85ebca6b));
}

/** A number in [0, 1) for a seed, a number and a purpose. */
export function draw(seed: number, number: number, purpose: number): number {
  return drawBits(seed, number, purpose) / 0x1_0000_0000;
}

/** One of the four words of a 1m ZIP's ETag: eight digits of it, the lower four first. */
export function etagWord(seed: number, number: number, version: number, word: number): number {
  return drawBits(seed, number, version * 8 + 1000 + word);
}

/** The ETag of a 1m ZIP, an MD5 lookalike: 32 hexadecimal digits. */
export function drawEtag(seed: number, number: number, version: number): string {
  let hex = "";
  for (let i = 0; i < 4; i++) {
    const bits = etagWord(seed, number, version, i);
    hex += HEX[bits & 0xffff]! + HEX[bits >>> 16]!;
  }
  return hex;
}

/** All numbers of four hexadecimal digits: a page needs thousands of ETags. */
const HEX = Array.from({ length: 0x1_0000 }, (_, i) => i.toString(16).padStart(4, "0"));

/** The last steps of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
