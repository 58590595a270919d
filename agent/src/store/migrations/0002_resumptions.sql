-- A run that goes on under another script, or by the content of its journal rather than by its
-- order: for each time, the entry after which it began anew, and up to which its reads count.
ALTER TABLE runs ADD COLUMN resumptions TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(resumptions));
CREATE INDEX tasks_by_automation ON tasks (automation, kind, id);
