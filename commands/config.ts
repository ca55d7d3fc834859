/**
 * `bfa config`.
 *
 * @module
 */

import { type Command, type Option, settingName } from "./command.ts";
import { COMMON_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted, print } from "./output.ts";
import { allCommands } from "./registry.ts";

/** A setting as it stands. */
interface SettingRow {
  readonly setting: string;
  readonly value: string | null;
  /** Where the value comes from: an environment variable, a file, or `default`. */
  readonly from: string;
  readonly env: string;
  readonly help: string;
}

/** Every setting, its value, and where that comes from. */
export const config: Command = {
  name: "config",
  summary: "Every setting, its value, and where that comes from",
  about:
    "A setting is looked for in the environment, in ./bfa.json, then in the user's file. An option on the command\nline beats them all.",
  args: [],
  options: OUTPUT_OPTIONS,
  examples: ["bfa config", "bfa config --json"],
  async run(inputs, { world }) {
    const options = new Map<string, Option>();
    for (const command of await allCommands()) {
      for (const [name, option] of Object.entries({ ...command.options, ...COMMON_OPTIONS })) {
        if (option.env) options.set(name, option);
      }
    }
    const rows = [...options].map(([name, option]): SettingRow => {
      const found = inputs.setting(name, option);
      return {
        setting: settingName(name),
        value: found ? shown(found.value) : null,
        from: found?.from ?? "default",
        env: option.env!,
        help: option.help,
      };
    });
    await print(
      {
        answer: { count: rows.length, settings: rows },
        rows,
        columns: [
          { name: "setting", type: "VARCHAR", cell: (row) => row.setting },
          { name: "value", type: "VARCHAR", cell: (row) => row.value },
          { name: "from", type: "VARCHAR", cell: (row) => row.from },
          { name: "env", type: "VARCHAR", cell: (row) => row.env },
        ],
        footer: counted(rows.length, "setting"),
      },
      inputs,
      world,
    );
  },
};

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}
