/**
 * A table as an SQLite file. Days and instants are texts, as SQLite's own functions expect them; booleans are 0 and 1.
 *
 * @module
 */

import type { Column } from "../core/schema.ts";
import type { Cell } from "../core/table.ts";

/** A table to write. */
export interface SqliteTable {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Columns that name a row. */
  readonly key: readonly string[];
  /** Another order that rows are looked up in. */
  readonly index?: readonly string[];
  /** The rows, some at a time. */
  readonly rows: AsyncIterable<Cell[][]>;
}

const TYPES: Readonly<Record<Column["type"], string>> = {
  DATE: "TEXT",
  VARCHAR: "TEXT",
  BOOLEAN: "INTEGER",
  BIGINT: "INTEGER",
  DOUBLE: "REAL",
  TIMESTAMP: "TEXT",
};

/** Writes tables to a new file, and returns how many rows each has. */
export async function writeSqlite(path: string, tables: readonly SqliteTable[]): Promise<number[]> {
  const { DatabaseSync } = await import("node:sqlite");
  const file = new DatabaseSync(path);
  try {
    // Nobody sees the file before it is whole: it needs no journal on the disk. (OFF is ignored here: the database is
    // opened in SQLite's defensive mode.)
    file.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    const counts: number[] = [];
    for (const { name, columns, key, index, rows } of tables) {
      const lines = columns.map((c) =>
        `${c.name} ${TYPES[c.type]}${c.required ? " NOT NULL" : ""}`
      );
      const table = `CREATE TABLE ${name} (${lines.join(", ")}, PRIMARY KEY (${key.join(", ")}))`;
      file.exec(`${table} WITHOUT ROWID`);
      const places = columns.map(() => "?").join(", ");
      const insert = file.prepare(`INSERT INTO ${name} VALUES (${places})`);
      let count = 0;
      file.exec("BEGIN");
      for await (const some of rows) {
        for (const row of some) insert.run(...row.map(sqliteCell));
        count += some.length;
      }
      file.exec("COMMIT");
      if (index) file.exec(`CREATE INDEX ${name}_by_${index[0]} ON ${name} (${index.join(", ")})`);
      counts.push(count);
    }
    return counts;
  } finally {
    file.close();
  }
}

function sqliteCell(cell: Cell): string | number | bigint | null {
  return typeof cell === "boolean" ? Number(cell) : cell;
}
