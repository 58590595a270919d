-- Where devices are reached by pushes, and what was pushed to each.
CREATE TABLE push_targets (
  device            INTEGER PRIMARY KEY REFERENCES devices (id),
  target            TEXT NOT NULL CHECK (json_valid(target)),
  quiet             TEXT CHECK (quiet IS NULL OR json_valid(quiet)),
  since             INTEGER NOT NULL,
  reached_at        INTEGER,
  not_reached_since INTEGER,
  trouble           TEXT,
  is_gone           INTEGER NOT NULL DEFAULT 0 CHECK (is_gone IN (0,1))
) STRICT;
-- `several`: of an item, the push that told of it with others; of a settled one, the push of
-- several that it takes back.
CREATE TABLE pushes (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  device     INTEGER NOT NULL REFERENCES devices (id),
  kind       TEXT NOT NULL CHECK (kind IN ('need','several','settled','test')),
  need       INTEGER REFERENCES needs (id),
  several    INTEGER REFERENCES pushes (id),
  state      TEXT NOT NULL CHECK (state IN ('due','sending','sent','dropped','failed')),
  due_at     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX pushes_once ON pushes (device, kind, need) WHERE need IS NOT NULL;
CREATE UNIQUE INDEX pushes_taken_back_once ON pushes (several) WHERE kind = 'settled';
CREATE INDEX pushes_waiting ON pushes (device, id) WHERE state IN ('due','sending');
