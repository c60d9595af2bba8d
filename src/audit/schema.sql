-- step 1
-- No CHECK and two indexes: every order writes here. PostgreSQL parses the text
-- of each CHECK anew for each statement, which would double the price of an
-- entry; what they would say is asked by verify_audit().
--
-- Partitions (partition.sql) are made ahead by tick(); the index over the
-- chains is of each partition, unique there.
CREATE TABLE usom.audit_entry (
	org_id bigint NOT NULL,
	audit_entry_id bigint NOT NULL DEFAULT usom.next_id(),
	occurred_at timestamptz NOT NULL,
	transaction_id bigint NOT NULL,
	table_name text NOT NULL,
	operation text NOT NULL,
	row_count integer NOT NULL,
	sales_order_id bigint,
	entry_no integer,
	previous bytea,
	session_role text NOT NULL,
	active_role text NOT NULL,
	app_user text,
	client_addr text NOT NULL,
	application_name text NOT NULL,
	verb text,
	reason text,
	before bytea,
	after bytea,
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, audit_entry_id)
) PARTITION BY RANGE (audit_entry_id);
COMMENT ON TABLE usom.audit_entry IS 'Who changed what, when and why: one entry for what one statement did to the rows of one table. Rows are only added. Partitioned by key, which is by time. Read it as usom.audit. Who searches it by time often may add an index USING brin (occurred_at).';
COMMENT ON COLUMN usom.audit_entry.org_id IS 'Organisation of the rows.';
COMMENT ON COLUMN usom.audit_entry.audit_entry_id IS 'Key; rises within a database.';
COMMENT ON COLUMN usom.audit_entry.occurred_at IS 'Wall clock when the function of usom, or else the statement, ended.';
COMMENT ON COLUMN usom.audit_entry.transaction_id IS 'Transaction, without wraparound: pg_current_xact_id().';
COMMENT ON COLUMN usom.audit_entry.table_name IS 'Table in schema usom.';
COMMENT ON COLUMN usom.audit_entry.operation IS 'INSERT, UPDATE or DELETE.';
COMMENT ON COLUMN usom.audit_entry.row_count IS 'Rows in each image.';
COMMENT ON COLUMN usom.audit_entry.sales_order_id IS 'Order that the rows are of, or that they were changed for; null: none alone.';
COMMENT ON COLUMN usom.audit_entry.entry_no IS 'Number of the entry in the chain of its order, from 1; null without an order.';
COMMENT ON COLUMN usom.audit_entry.previous IS 'Digest of the entry before it in the chain; null for the first and without an order.';
COMMENT ON COLUMN usom.audit_entry.session_role IS 'Role that logged in.';
COMMENT ON COLUMN usom.audit_entry.active_role IS 'Role that SET ROLE chose; else the same.';
COMMENT ON COLUMN usom.audit_entry.app_user IS 'User that the application claimed in usom.app_user; null: none.';
COMMENT ON COLUMN usom.audit_entry.client_addr IS 'Address of the client, or local.';
COMMENT ON COLUMN usom.audit_entry.application_name IS 'What the client calls itself.';
COMMENT ON COLUMN usom.audit_entry.verb IS 'Function of usom that ran; null: plain SQL.';
COMMENT ON COLUMN usom.audit_entry.reason IS 'Why: argument of the function, else usom.reason; null: none given.';
COMMENT ON COLUMN usom.audit_entry.before IS 'The rows as they were, in canonical form: see usom._audit_rows(). Null for INSERT.';
COMMENT ON COLUMN usom.audit_entry.after IS 'The rows as they became, in the same order. Null for DELETE.';
COMMENT ON COLUMN usom.audit_entry.digest IS 'SHA-256 over all other columns: see usom._audit_digest().';
SELECT usom._guard_ledger('audit_entry', 'the function that changes the table it is about');
SELECT usom._make_audit_partition('_audit_entry_rest', 'DEFAULT');
SELECT usom._extend_audit();
COMMENT ON VIEW usom._audit_recent IS 'The ends of chains: entries in the last partitions. Made anew with each partition.';
COMMENT ON COLUMN usom._audit_recent.org_id IS 'Organisation of the rows.';
COMMENT ON COLUMN usom._audit_recent.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom._audit_recent.entry_no IS 'Number of the entry in the chain of its order.';
COMMENT ON COLUMN usom._audit_recent.digest IS 'Its digest.';

CREATE TABLE usom.audit_block (
	org_id bigint NOT NULL,
	node smallint NOT NULL,
	block_no integer NOT NULL CONSTRAINT audit_block_no_from_one CHECK (block_no >= 1),
	sealed_at timestamptz NOT NULL,
	entry_ids bigint[] NOT NULL,
	last_id bigint NOT NULL,
	entries_total bigint NOT NULL,
	previous bytea,
	system_id bigint NOT NULL,
	sequence_at bigint NOT NULL,
	next_xid bigint NOT NULL,
	settled_to bigint NOT NULL,
	root bytea NOT NULL,
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, node, block_no),
	CONSTRAINT audit_block_previous_iff_not_first CHECK ((block_no = 1) = (previous IS NULL)),
	CONSTRAINT audit_block_seals_something CHECK (entry_ids <> '{}' AND last_id = entry_ids[cardinality(entry_ids)])
);
CREATE INDEX audit_block_by_last_id ON usom.audit_block (org_id, node, last_id);
COMMENT ON TABLE usom.audit_block IS 'Seals over the audit: a block lists entries that had committed, has the root of the Merkle tree over their digests, and the digest of the block before it. Rows are only added.';
COMMENT ON COLUMN usom.audit_block.org_id IS 'Organisation of the entries.';
COMMENT ON COLUMN usom.audit_block.node IS 'Database that sealed them: usom.node. Each seals what it wrote itself.';
COMMENT ON COLUMN usom.audit_block.block_no IS 'Number of the block with the organisation and node, from 1 without gaps.';
COMMENT ON COLUMN usom.audit_block.sealed_at IS 'Wall clock of the sealing.';
COMMENT ON COLUMN usom.audit_block.entry_ids IS 'Keys of the entries, ascending: the leaves of the tree.';
COMMENT ON COLUMN usom.audit_block.last_id IS 'The last of these keys.';
COMMENT ON COLUMN usom.audit_block.entries_total IS 'Entries in this and all blocks before it.';
COMMENT ON COLUMN usom.audit_block.previous IS 'Digest of the block before; null for the first.';
COMMENT ON COLUMN usom.audit_block.system_id IS 'Cluster that sealed: its system identifier. Transaction numbers of another one mean nothing here.';
COMMENT ON COLUMN usom.audit_block.sequence_at IS 'Last key that had been drawn when sealing began.';
COMMENT ON COLUMN usom.audit_block.next_xid IS 'First transaction that had not begun then: whoever drew such a key is older.';
COMMENT ON COLUMN usom.audit_block.settled_to IS 'No entry with this key or a lower one could still appear when the block was sealed: all of them are in blocks.';
COMMENT ON COLUMN usom.audit_block.root IS 'Root of the Merkle tree (RFC 6962) over the digests of the entries.';
COMMENT ON COLUMN usom.audit_block.digest IS 'SHA-256 over the root and all other columns: what is kept outside of the database.';
SELECT usom._guard_ledger('audit_block', 'usom.seal_audit()');
SELECT usom._audit_table('document_counter');

CREATE VIEW usom.audit WITH (security_invoker = true) AS
SELECT e.audit_entry_id, r.row_no, e.occurred_at, e.table_name, e.operation, e.sales_order_id,
	CASE WHEN e.app_user IS NULL THEN e.active_role ELSE e.app_user || ' (' || e.active_role || ')' END AS who,
	e.session_role, e.client_addr, e.application_name, e.verb, e.reason, e.transaction_id, r.before, r.after
FROM usom.audit_entry e
	CROSS JOIN LATERAL ROWS FROM (usom._audit_rows(e.before), usom._audit_rows(e.after)) WITH ORDINALITY AS r (before, after, row_no)
WHERE e.org_id = usom.current_org();
COMMENT ON VIEW usom.audit IS 'Every row that was inserted, changed or deleted, with who did it and why. Example: SELECT occurred_at, operation, who, after FROM usom.audit WHERE table_name = ''product'' AND occurred_at > now() - interval ''1 day'';';
COMMENT ON COLUMN usom.audit.audit_entry_id IS 'Entry: all rows that one statement touched.';
COMMENT ON COLUMN usom.audit.row_no IS 'Number of the row within the entry.';
COMMENT ON COLUMN usom.audit.occurred_at IS 'Wall clock when the function of usom, or else the statement, ended.';
COMMENT ON COLUMN usom.audit.table_name IS 'Table in schema usom.';
COMMENT ON COLUMN usom.audit.operation IS 'INSERT, UPDATE or DELETE.';
COMMENT ON COLUMN usom.audit.sales_order_id IS 'Order that the rows are of, or that they were changed for; null: none alone.';
COMMENT ON COLUMN usom.audit.who IS 'User that the application claimed and the role it worked as, or the role alone.';
COMMENT ON COLUMN usom.audit.session_role IS 'Role that logged in.';
COMMENT ON COLUMN usom.audit.client_addr IS 'Address of the client, or local.';
COMMENT ON COLUMN usom.audit.application_name IS 'What the client calls itself.';
COMMENT ON COLUMN usom.audit.verb IS 'Function of usom that ran; null: plain SQL.';
COMMENT ON COLUMN usom.audit.reason IS 'Why; null: no reason given.';
COMMENT ON COLUMN usom.audit.transaction_id IS 'Transaction, without wraparound.';
COMMENT ON COLUMN usom.audit.before IS 'The row as it was; null for INSERT.';
COMMENT ON COLUMN usom.audit.after IS 'The row as it became; null for DELETE.';
