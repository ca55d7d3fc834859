/** The std modules in use, typed: the npm package that carries them here ships no types. */

declare module "@std/path" {
  export function join(...paths: string[]): string;
  export function dirname(path: string): string;
  export function basename(path: string, suffix?: string): string;
  export function resolve(...paths: string[]): string;
  export function fromFileUrl(url: string | URL): string;
}

declare module "@std/csv/parse" {
  export function parse(
    text: string,
    options: { skipFirstRow: true; lazyQuotes?: boolean },
  ): Record<string, string>[];
}

declare module "@std/csv/stringify" {
  export function stringify(
    rows: readonly (readonly unknown[])[],
    options: { headers: false },
  ): string;
}

declare module "@std/http/negotiation" {
  export function accepts(request: Request, ...types: string[]): string | undefined;
  export function acceptsEncodings(request: Request, ...encodings: string[]): string | undefined;
}

declare module "@std/async/delay" {
  export function delay(
    ms: number,
    options?: { signal?: AbortSignal; persistent?: boolean },
  ): Promise<void>;
}

declare module "@std/assert" {
  export function assert(expr: unknown, msg?: string): asserts expr;
  export function assertEquals<T>(actual: T, expected: T, msg?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): void;
  export function assertStringIncludes(actual: string, expected: string, msg?: string): void;
  export function assertMatch(actual: string, expected: RegExp, msg?: string): void;
  export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T>;
  export function assertInstanceOf<T>(
    actual: unknown,
    expected: abstract new (...args: never[]) => T,
    msg?: string,
  ): asserts actual is T;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    errorClass?: abstract new (...args: never[]) => E,
    msgIncludes?: string,
  ): E;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass?: abstract new (...args: never[]) => E,
    msgIncludes?: string,
  ): Promise<E>;
}

declare module "saxen" {
  export class Parser {
    on(
      event: "openTag",
      use: (name: string, readAttributes: () => Record<string, string>) => void,
    ): this;
    on(event: "closeTag" | "text" | "cdata" | "attention", use: (text: string) => void): this;
    on(event: "error" | "warn", use: (error: Error) => void): this;
    write(xml: string): this;
    end(): Error | undefined;
  }
}
