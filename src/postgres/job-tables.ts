/** The tables of jobs that many machines share, and of the files that go with them: a step of the migrations. */
export const jobTables = `
  -- uploads, results and models, in parts
  CREATE TABLE functa.files (
    id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    bytes bigint NOT NULL DEFAULT 0,
    -- null: it has not come whole
    sha256 text,
    made_at timestamptz NOT NULL DEFAULT now(),
    -- nobody asks for it by its id any more; a job may still need it
    forgotten boolean NOT NULL DEFAULT false
  );
  CREATE INDEX ON functa.files (id) WHERE forgotten;
  CREATE INDEX ON functa.files (namespace, made_at) WHERE kind = 'upload';
  CREATE TABLE functa.file_parts (
    file text COLLATE "C" NOT NULL REFERENCES functa.files ON DELETE CASCADE,
    part int NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (file, part)
  );
  ALTER TABLE functa.file_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
  CREATE TABLE functa.jobs (
    id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    -- what was asked for, and what its words stood for
    asked json NOT NULL,
    idempotency_key text COLLATE "C",
    idempotency_digest text,
    made_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    progress json,
    result json,
    fault json,
    upload text COLLATE "C" REFERENCES functa.files,
    result_file text COLLATE "C" REFERENCES functa.files,
    -- the number of the last one
    events int NOT NULL DEFAULT 0,
    -- in the queue
    ticket uuid NOT NULL,
    -- of one worker's turn: whoever works on it, or did last
    holder uuid,
    held_until timestamptz,
    -- turns that ended without a word since it last got on
    deaths int NOT NULL DEFAULT 0,
    UNIQUE (namespace, idempotency_key)
  );
  CREATE INDEX ON functa.jobs (namespace, id);
  CREATE INDEX ON functa.jobs (held_until) WHERE state = 'running';
  CREATE INDEX ON functa.jobs (upload);
  CREATE TABLE functa.job_events (
    job text COLLATE "C" NOT NULL REFERENCES functa.jobs ON DELETE CASCADE,
    id int NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, id)
  );
  CREATE TABLE functa.models (
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- SHA-256 of the model's file
    digest text NOT NULL,
    -- ids of files: of the model under 'model', of what stands beside it under its kind
    files json NOT NULL,
    -- it was removed: whoever has this one removes it too
    gone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (namespace, name)
  );
  `;
