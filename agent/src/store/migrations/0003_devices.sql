-- Each device has a route of its own at every relay, made of the agent's route key and this salt.
ALTER TABLE devices ADD COLUMN salt BLOB;
ALTER TABLE devices ADD COLUMN seen_at INTEGER;
CREATE UNIQUE INDEX devices_by_salt ON devices (salt);
