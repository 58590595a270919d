-- The first schema. Times are milliseconds since the Unix epoch, money is micro-USD.
-- Ids shown to people are these keys with a letter in front (a3, r17, i42, n4, o9, c2, p5).

CREATE TABLE settings (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

-- Who may control the agent. The command line on the local socket is the device `cli`.
CREATE TABLE devices (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL,
  public_key BLOB UNIQUE,
  rights     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;

-- Commands already applied, so that one sent twice is applied once.
CREATE TABLE commands (
  id         TEXT PRIMARY KEY,
  applied_at INTEGER NOT NULL,
  reply      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_by_age ON commands (applied_at);

-- What the user delegated ------------------------------------------------------------------

CREATE TABLE automations (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  name             TEXT NOT NULL,
  purpose          TEXT NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('draft','active','paused','archived')),
  paused_because   TEXT,
  timezone         TEXT NOT NULL,
  contract_version INTEGER NOT NULL DEFAULT 0,
  script_version   INTEGER NOT NULL DEFAULT 0,
  state_version    INTEGER NOT NULL DEFAULT 0,
  last_run         INTEGER,
  cost_micros      INTEGER NOT NULL DEFAULT 0,
  created_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX automations_by_state ON automations (state);

CREATE TABLE contract_versions (
  automation INTEGER NOT NULL REFERENCES automations (id),
  version    INTEGER NOT NULL,
  contract   TEXT NOT NULL CHECK (json_valid(contract)),
  digest     TEXT NOT NULL,
  reason     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (automation, version)
) STRICT;

CREATE TABLE script_versions (
  automation INTEGER NOT NULL REFERENCES automations (id),
  version    INTEGER NOT NULL,
  script     TEXT NOT NULL,
  fixtures   TEXT NOT NULL CHECK (json_valid(fixtures)),
  digest     TEXT NOT NULL,
  reason     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (automation, version)
) STRICT;

-- What `ctx.state` holds, one whole version a change, so that a run can be replayed with its own.
CREATE TABLE state_versions (
  automation INTEGER NOT NULL REFERENCES automations (id),
  version    INTEGER NOT NULL,
  state      TEXT NOT NULL CHECK (json_valid(state)),
  PRIMARY KEY (automation, version)
) STRICT;

-- The active contract's triggers; replaced whole with each contract version.
CREATE TABLE triggers (
  automation   INTEGER NOT NULL REFERENCES automations (id),
  position     INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  spec         TEXT NOT NULL CHECK (json_valid(spec)),
  anchor_at    INTEGER NOT NULL,
  last_handled INTEGER,
  next_due_at  INTEGER,
  token        TEXT,
  PRIMARY KEY (automation, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX triggers_by_due ON triggers (next_due_at) WHERE next_due_at IS NOT NULL;

-- What was proposed and not yet accepted.
CREATE TABLE proposals (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  automation INTEGER NOT NULL REFERENCES automations (id),
  state      TEXT NOT NULL CHECK (state IN ('proposed','accepted','declined','superseded')),
  bundle     TEXT NOT NULL CHECK (json_valid(bundle)),
  preview    TEXT NOT NULL CHECK (json_valid(preview)),
  doubts     TEXT NOT NULL CHECK (json_valid(doubts)),
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX proposals_by_automation ON proposals (automation, state);

-- Work: what came in, what ran, what went out ----------------------------------------------

CREATE TABLE inbox (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  source       TEXT NOT NULL,
  source_id    TEXT NOT NULL,
  target       TEXT NOT NULL CHECK (target IN ('automation','task')),
  target_id    INTEGER NOT NULL,
  topic        TEXT,
  dedupe       TEXT NOT NULL,
  title        TEXT NOT NULL,
  payload      TEXT NOT NULL CHECK (json_valid(payload)),
  state        TEXT NOT NULL CHECK (state IN ('pending','claimed','done','failed','skipped')),
  due_at       INTEGER NOT NULL,
  available_at INTEGER NOT NULL,
  lease_until  INTEGER,
  run          INTEGER,
  caused_by    INTEGER REFERENCES inbox (id),
  reason       TEXT,
  epoch        INTEGER NOT NULL DEFAULT 0,
  UNIQUE (target, target_id, dedupe)
) STRICT;
CREATE INDEX inbox_pending ON inbox (target_id, id) WHERE state = 'pending';
CREATE INDEX inbox_by_available ON inbox (available_at) WHERE state = 'pending';
CREATE INDEX inbox_by_target ON inbox (target_id, id);
CREATE INDEX inbox_by_cause ON inbox (caused_by) WHERE caused_by IS NOT NULL;
CREATE INDEX inbox_by_lease ON inbox (lease_until) WHERE state = 'pending' AND lease_until IS NOT NULL;

CREATE TABLE runs (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  automation       INTEGER NOT NULL REFERENCES automations (id),
  input            INTEGER NOT NULL REFERENCES inbox (id),
  state            TEXT NOT NULL CHECK (state IN ('queued','running','waiting','succeeded','failed','cancelled')),
  waiting_for      TEXT,
  waiting_until    INTEGER,
  failure_class    TEXT,
  failure          TEXT CHECK (failure IS NULL OR json_valid(failure)),
  script_version   INTEGER NOT NULL,
  contract_version INTEGER NOT NULL,
  state_version    INTEGER NOT NULL,
  attempt          INTEGER NOT NULL DEFAULT 0,
  retries          INTEGER NOT NULL DEFAULT 0,
  crashes          INTEGER NOT NULL DEFAULT 0,
  crashed_at_step  INTEGER,
  epoch            INTEGER NOT NULL DEFAULT 0,
  seed             BLOB NOT NULL,
  due_at           INTEGER NOT NULL,
  logical_start    INTEGER,
  started_at       INTEGER,
  ended_at         INTEGER,
  busy_us          INTEGER NOT NULL DEFAULT 0,
  steps            INTEGER NOT NULL DEFAULT 0,
  cost_micros      INTEGER NOT NULL DEFAULT 0,
  result           TEXT CHECK (result IS NULL OR json_valid(result))
) STRICT;
CREATE INDEX runs_by_automation ON runs (automation, id);
CREATE INDEX runs_live ON runs (state, automation) WHERE state IN ('queued','running','waiting');
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_wake ON runs (waiting_until) WHERE waiting_until IS NOT NULL;
CREATE INDEX runs_by_input ON runs (input);

-- The journal. `id` is run << 20 | seq: one tree, in order, nothing to look up twice.
CREATE TABLE steps (
  id           INTEGER PRIMARY KEY,
  tool         TEXT NOT NULL,
  effect_class TEXT NOT NULL,
  effect_key   TEXT,
  args_digest  TEXT NOT NULL,
  args         TEXT NOT NULL,
  prepared     TEXT,
  state        TEXT NOT NULL,
  outcome      TEXT,
  settled      INTEGER,
  again        INTEGER NOT NULL DEFAULT 0,
  approved     INTEGER NOT NULL DEFAULT 0,
  reused       INTEGER NOT NULL DEFAULT 0,
  logical_at   INTEGER,
  wake_at      INTEGER,
  started_at   INTEGER NOT NULL,
  duration_us  INTEGER,
  attempt      INTEGER NOT NULL
) STRICT;

-- The ledger: every side effect ever intended. A key is an effect of a tool of an automation. Rows
-- are never deleted, so their ids are never given twice.
CREATE TABLE ledger (
  id          INTEGER PRIMARY KEY,
  automation  INTEGER NOT NULL REFERENCES automations (id),
  tool        TEXT NOT NULL,
  effect_key  TEXT NOT NULL,
  args_digest TEXT NOT NULL,
  run         INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  state       TEXT NOT NULL,
  title       TEXT NOT NULL,
  outcome     TEXT,
  caused_by   INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  UNIQUE (automation, tool, effect_key)
) STRICT;
-- No index more than these: each is a page to be written and synced with every effect.
CREATE INDEX ledger_by_time ON ledger (automation, at);
CREATE INDEX ledger_by_run ON ledger (run);

-- The one sequence of what happened; clients rebuild their view from any point of it.
CREATE TABLE events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  automation INTEGER,
  run        INTEGER,
  data       TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL;

CREATE TABLE costs (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  at          INTEGER NOT NULL,
  automation  INTEGER,
  run         INTEGER,
  task        INTEGER,
  tool        TEXT,
  connection  TEXT,
  model       TEXT,
  purpose     TEXT NOT NULL,
  units       TEXT NOT NULL DEFAULT '{}',
  cost_micros INTEGER NOT NULL
) STRICT;
CREATE INDEX costs_by_time ON costs (at);
CREATE INDEX costs_by_automation ON costs (automation, at);

-- People ------------------------------------------------------------------------------------

CREATE TABLE needs (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL,
  dedupe      TEXT NOT NULL,
  title       TEXT NOT NULL,
  automation  INTEGER,
  run         INTEGER,
  seq         INTEGER,
  state       TEXT NOT NULL CHECK (state IN ('open','answered','withdrawn')),
  choices     TEXT NOT NULL CHECK (json_valid(choices)),
  detail      TEXT NOT NULL CHECK (json_valid(detail)),
  answer      TEXT,
  note        TEXT,
  answered_by TEXT,
  created_at  INTEGER NOT NULL,
  answered_at INTEGER
) STRICT;
CREATE UNIQUE INDEX needs_open_once ON needs (dedupe) WHERE state = 'open';
CREATE INDEX needs_by_automation ON needs (automation, state);
CREATE INDEX needs_by_run ON needs (run) WHERE run IS NOT NULL;

-- What the user sees in chats: append-only, rendered by kind.
CREATE TABLE chats (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  automation INTEGER UNIQUE REFERENCES automations (id),
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE chat_events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  chat       INTEGER NOT NULL REFERENCES chats (id),
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  author     TEXT NOT NULL CHECK (author IN ('user','deputy')),
  data       TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX chat_events_by_chat ON chat_events (chat, seq);

-- The planner's and maintainer's own work: never part of a run, never shown as a chat.
CREATE TABLE threads (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  automation INTEGER REFERENCES automations (id),
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE messages (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  thread     INTEGER NOT NULL REFERENCES threads (id),
  role       TEXT NOT NULL,
  content    TEXT NOT NULL CHECK (json_valid(content)),
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_thread ON messages (thread, id);
CREATE TABLE tasks (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL CHECK (kind IN ('plan','repair','question')),
  automation INTEGER REFERENCES automations (id),
  thread     INTEGER REFERENCES threads (id),
  state      TEXT NOT NULL,
  detail     TEXT NOT NULL CHECK (json_valid(detail)),
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE task_runs (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  task        INTEGER NOT NULL REFERENCES tasks (id),
  state       TEXT NOT NULL,
  detail      TEXT NOT NULL CHECK (json_valid(detail)),
  cost_micros INTEGER NOT NULL DEFAULT 0,
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER
) STRICT;
CREATE INDEX task_runs_by_task ON task_runs (task, id);

-- The outside -------------------------------------------------------------------------------

CREATE TABLE connections (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,
  name       TEXT NOT NULL UNIQUE,
  config     TEXT NOT NULL CHECK (json_valid(config)),
  secret     TEXT,
  state      TEXT NOT NULL,
  message    TEXT,
  checked_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

-- Sealed secrets (XChaCha20-Poly1305); see the vault.
CREATE TABLE secrets (
  id          TEXT PRIMARY KEY,
  key_version INTEGER NOT NULL,
  nonce       BLOB NOT NULL,
  ciphertext  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_keys (
  version INTEGER PRIMARY KEY,
  record  TEXT NOT NULL CHECK (json_valid(record))
) STRICT;

-- Notes that scripts and the user keep.
CREATE TABLE notes (
  name       TEXT PRIMARY KEY,
  text       TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
