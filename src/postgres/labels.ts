/**
 * Labels in a database. They are in the records alone; an index holds what `functa.label_of` reads there: the kind of a label and its
 * bytes, as the record has them. It takes about 10 bytes a function, since equal keys are kept once ("Deduplication", in the manual).
 */
import { type Label, labelForms } from '../core/label.ts';
import { labelBytes } from '../functaset/record.ts';

/** What an index of labels is on, and for which rows: those that have one. */
const labelOf = 'functa.label_of(record)';
const hasLabel = '(get_byte(record, 0) & 12) <> 0';

/** Null where the record is too short for what it says: nobody finds it by its label, as a store of this machine would not. */
export const labelFunction = `
  CREATE FUNCTION functa.label_of(record bytea) RETURNS bytea
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
  DECLARE
    bytes int := length(record);
    kind int;
    axes int;
    at int := 2;
    size int := 0;
  BEGIN
    IF bytes < 2 THEN RETURN NULL; END IF;
    kind := (get_byte(record, 0) >> 2) & 3;
    IF kind = 0 THEN RETURN NULL; END IF;
    axes := get_byte(record, 1);
    WHILE axes > 0 LOOP
      IF at >= bytes THEN RETURN NULL; END IF;
      IF get_byte(record, at) < 128 THEN axes := axes - 1; END IF;
      at := at + 1;
    END LOOP;
    -- two numbers of eight bytes
    at := at + 16;
    IF at + 1 >= bytes THEN RETURN NULL; END IF;
    CASE kind
    WHEN 1 THEN
      -- a length of one byte, or of two, and the text
      size := get_byte(record, at) + 1;
      IF size > 128 THEN size := size - 128 + get_byte(record, at + 1) * 128 + 1; END IF;
    WHEN 2 THEN size := 8;
    ELSE
      WHILE at + size < bytes AND get_byte(record, at + size) > 127 LOOP size := size + 1; END LOOP;
      size := size + 1;
    END CASE;
    RETURN set_byte('\\x00'::bytea, 0, kind) || substr(record, at + 1, size);
  END $$;
  `;

export function labelIndex(table: string): string {
  return `CREATE INDEX ON ${table} (${labelOf}) WHERE ${hasLabel};`;
}

/** A step of the migrations: tables that are there get the index. */
export const labelStep = `${labelFunction}
  DO $$ DECLARE own int; BEGIN
    FOR own IN SELECT id FROM functa.functasets LOOP
      EXECUTE format('${labelIndex('functa.functions_%s')}', own);
    END LOOP;
  END $$;
  `;

/** Ids after $2 of functions whose label is one of the keys $1, in order, at most $3. */
export function idsByLabel(table: string): string {
  return `SELECT id FROM ${table} WHERE ${labelOf} = ANY($1::bytea[]) AND ${hasLabel} AND id > $2 ORDER BY id LIMIT $3`;
}

/** As `functa.label_of` gives them, of all labels that print as this one. */
export function keysOfLabel(label: Label): Buffer[] {
  return labelForms(label).map((form) => Buffer.from(labelBytes(form)));
}
