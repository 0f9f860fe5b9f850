-- An entry's key holds foreign ids; with the longest of them it is more than an index row can take.
ALTER TABLE entry DROP CONSTRAINT entry_once;
CREATE UNIQUE INDEX entry_once ON entry (member_id, md5(entry_key), turn);
