-- step 2
CREATE TABLE usom.audit_archive (
	org_id bigint NOT NULL,
	relation text NOT NULL,
	node smallint NOT NULL,
	first_key bigint NOT NULL,
	end_key bigint NOT NULL,
	entries bigint NOT NULL CONSTRAINT audit_archive_entries_positive CHECK (entries > 0),
	orders bigint NOT NULL CONSTRAINT audit_archive_orders_not_negative CHECK (orders >= 0),
	first_at timestamptz NOT NULL,
	last_at timestamptz NOT NULL,
	root bytea NOT NULL,
	archived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (org_id, relation),
	CONSTRAINT audit_archive_range_not_empty CHECK (end_key > first_key)
);
COMMENT ON TABLE usom.audit_archive IS 'Partitions of the audit that were detached: what is in them, and what proves it. Who did it and why is in the audit. A row goes when the table is attached again.';
COMMENT ON COLUMN usom.audit_archive.org_id IS 'Organisation of the entries.';
COMMENT ON COLUMN usom.audit_archive.relation IS 'Table in schema usom, as it was called.';
COMMENT ON COLUMN usom.audit_archive.node IS 'Database whose keys are in it: usom.node.';
COMMENT ON COLUMN usom.audit_archive.first_key IS 'No key in it is lower.';
COMMENT ON COLUMN usom.audit_archive.end_key IS 'All keys in it are lower.';
COMMENT ON COLUMN usom.audit_archive.entries IS 'Entries of the organisation in it.';
COMMENT ON COLUMN usom.audit_archive.orders IS 'Orders of the organisation that have entries in it.';
COMMENT ON COLUMN usom.audit_archive.first_at IS 'Time of the earliest of these entries.';
COMMENT ON COLUMN usom.audit_archive.last_at IS 'Time of the latest.';
COMMENT ON COLUMN usom.audit_archive.root IS 'Root of the Merkle tree (RFC 6962) over the digests of the blocks that seal them, by number.';
COMMENT ON COLUMN usom.audit_archive.archived_at IS 'When it was detached.';
SELECT usom._guard_kept('audit_archive', 'usom.archive_audit()');
SELECT usom._audit_table('audit_archive');

CREATE TABLE usom.audit_opening (
	org_id bigint NOT NULL,
	relation text NOT NULL,
	table_name text NOT NULL,
	total bytea NOT NULL CONSTRAINT audit_opening_total_whole CHECK (octet_length(total) = 272),
	PRIMARY KEY (org_id, relation, table_name),
	FOREIGN KEY (org_id, relation) REFERENCES usom.audit_archive
);
COMMENT ON TABLE usom.audit_opening IS 'What the entries of an archive did to the rows of each table, as a total: with those of the entries that are here it must be the total of the rows.';
COMMENT ON COLUMN usom.audit_opening.org_id IS 'Organisation of the rows.';
COMMENT ON COLUMN usom.audit_opening.relation IS 'Archive: see usom.audit_archive.';
COMMENT ON COLUMN usom.audit_opening.table_name IS 'Table in schema usom that the entries are about.';
COMMENT ON COLUMN usom.audit_opening.total IS 'Rows after less rows before, added up: see usom._audit_total().';
SELECT usom._guard_kept('audit_opening', 'usom.archive_audit()');
SELECT usom._audit_table('audit_opening');

-- Not audited: the entry that follows has the digest, and it would be another large image.
CREATE TABLE usom.audit_head (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	entry_no integer NOT NULL CONSTRAINT audit_head_no_from_one CHECK (entry_no >= 1),
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, sales_order_id)
);
COMMENT ON TABLE usom.audit_head IS 'Of each order that has entries in an archive the last of them: a later entry goes on behind it.';
COMMENT ON COLUMN usom.audit_head.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.audit_head.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.audit_head.entry_no IS 'Number of its last entry in an archive.';
COMMENT ON COLUMN usom.audit_head.digest IS 'Digest of that entry.';
SELECT usom._guard_kept('audit_head', 'usom.archive_audit()');
