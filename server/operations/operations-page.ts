/** The tables of docs/operations.md, which stand between marks there. */
import { settingsPage } from './config.ts';
import { limitsPage } from './limit-table.ts';

const tables: Readonly<Record<string, () => string>> = { settings: settingsPage, limits: () => limitsPage() };

/** The page with its tables as the sources have them; one that differs in blanks alone stays as it is formatted. */
export function withTables(page: string): string {
  return page.replace(
    /(<!-- table: (\w+) -->\n)([\s\S]*?)(<!-- end -->)/g,
    (whole, start: string, name: string, there: string, end: string) => {
      const table = tables[name]?.();
      if (table === undefined || plain(table) === plain(there)) return whole;
      return `${start}\n${table}\n\n${end}`;
    },
  );
}

function plain(table: string): string {
  return table.replace(/[ -]+/g, ' ').trim();
}
