/**
 * The check of the types and values that a syntax tree names.
 *
 * @module
 */

import { TYPES } from "./sql_functions.ts";
import {
  any,
  type Check,
  each,
  flag,
  kinds,
  type Members,
  nothing,
  number,
  object,
  record,
  rejected,
  shown,
  some,
  text,
} from "./sql_tree_checks.ts";

/** A type, as a cast names it. */
export const type: Check = (value, place) => {
  const { id, type_info: info } = record(value);
  const name = id === "UNBOUND" ? unboundName(info) : id;
  if (!TYPES.has(name as string)) throw rejected(`the type ${shown(String(name))} is not known`);
  object({ id: text, type_info: some(typeInfo) })(value, place);
};
const typeInfo = kinds("the type", "type", () => TYPE_INFOS);
/** A value, and its type. */
export const constant: Check = object({ type, is_null: flag, value: any });
const child = object({ first: text, second: type });

const info = (members: Members): Check =>
  object({ type: text, alias: text, extension_info: nothing, ...members });
const TYPE_INFOS: Readonly<Record<string, Check>> = {
  DECIMAL_TYPE_INFO: info({ width: number, scale: number }),
  LIST_TYPE_INFO: info({ child_type: type }),
  ARRAY_TYPE_INFO: info({ child_type: type, size: number }),
  STRUCT_TYPE_INFO: info({ child_types: each(child) }),
  UNBOUND_TYPE_INFO: info({
    name: text,
    catalog: nothing,
    schema: nothing,
    user_type_modifiers: nothing,
  }),
};

function unboundName(info: unknown): unknown {
  const { name } = record(info);
  return typeof name === "string" ? name.toUpperCase() : undefined;
}
