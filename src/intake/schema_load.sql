-- step 60
CREATE TABLE usom.load_row (
	org_id bigint NOT NULL,
	load_row_id bigint NOT NULL,
	batch text NOT NULL CONSTRAINT load_row_batch_given CHECK (batch <> ''),
	document text CONSTRAINT load_row_document_sealed CHECK (usom._is_sealed(document)),
	outcome text CONSTRAINT load_row_outcome_known CHECK (outcome IN ('placed', 'repeated', 'migrated', 'rejected')),
	external_id text,
	sales_order_id bigint,
	sqlstate text,
	message text,
	brought_at timestamptz NOT NULL DEFAULT now(),
	brought_by text NOT NULL DEFAULT session_user,
	loaded_at timestamptz,
	PRIMARY KEY (org_id, load_row_id),
	CONSTRAINT load_row_order_iff_loaded CHECK ((outcome IS NOT NULL AND outcome <> 'rejected') = (sales_order_id IS NOT NULL)),
	CONSTRAINT load_row_rejected_says_why CHECK ((outcome IS NOT NULL AND outcome = 'rejected') = (sqlstate IS NOT NULL AND message IS NOT NULL)),
	CONSTRAINT load_row_document_until_loaded CHECK (CASE WHEN outcome IS NULL THEN document IS NOT NULL ELSE outcome = 'rejected' OR document IS NULL END)
) WITH (fillfactor = 70);
CREATE INDEX load_row_due ON usom.load_row (org_id, batch, load_row_id) WHERE outcome IS NULL;
CREATE INDEX load_row_of_batch ON usom.load_row (org_id, batch, load_row_id);
CREATE INDEX load_row_rejected ON usom.load_row (org_id, brought_at) WHERE outcome = 'rejected';
COMMENT ON TABLE usom.load_row IS 'Documents that were brought to be loaded, and what became of them. Kept by usom; write to usom.load_document.';
COMMENT ON COLUMN usom.load_row.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.load_row.load_row_id IS 'Key; also that of its key in the vault. In the order in which documents came.';
COMMENT ON COLUMN usom.load_row.batch IS 'Name of the batch.';
COMMENT ON COLUMN usom.load_row.document IS 'JSON, sealed; null: it became an order, or was not kept because it held a card number.';
COMMENT ON COLUMN usom.load_row.outcome IS 'placed, repeated (the order was there), migrated (as history) or rejected; null: it is due.';
COMMENT ON COLUMN usom.load_row.external_id IS 'What the document says that its channel calls the order; null: nothing, or it was not looked at.';
COMMENT ON COLUMN usom.load_row.sales_order_id IS 'Its order.';
COMMENT ON COLUMN usom.load_row.sqlstate IS 'Of one that was rejected: the code of the error.';
COMMENT ON COLUMN usom.load_row.message IS 'Of one that was rejected: why.';
COMMENT ON COLUMN usom.load_row.brought_at IS 'When it was brought.';
COMMENT ON COLUMN usom.load_row.brought_by IS 'Session user who brought it.';
COMMENT ON COLUMN usom.load_row.loaded_at IS 'When it was last tried; null: not yet.';

SELECT usom._guard_cards('load_row');
SELECT usom._guard_kept('load_row', 'COPY usom.load_document (batch, document), or UPDATE or DELETE that view');
SELECT usom._audit_table('load_row');

CREATE VIEW usom.load_document WITH (security_invoker = true) AS
SELECT r.batch, r.load_row_id AS ordinal, usom._open(r.org_id, r.document) AS document, r.outcome, o.order_no, r.external_id, r.sqlstate, r.message,
	r.brought_at, r.brought_by, r.loaded_at
FROM usom.load_row r
LEFT JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.load_document IS 'Documents to be loaded: COPY or INSERT batch and document, then CALL usom.load_orders() or usom.load_history(). UPDATE document mends one that was not loaded; DELETE forgets one. Example: COPY usom.load_document (batch, document) FROM ''/tmp/orders.tsv'';';
COMMENT ON COLUMN usom.load_document.batch IS 'Name of the batch, any.';
COMMENT ON COLUMN usom.load_document.ordinal IS 'Number of the document, ascending in the order in which they came.';
COMMENT ON COLUMN usom.load_document.document IS 'JSON as usom.place_order() or usom.load_history() takes it; for roles that may read usom.vault_key; null once it was loaded.';
COMMENT ON COLUMN usom.load_document.outcome IS 'placed, repeated (the order was there), migrated (as history) or rejected; null: it is due.';
COMMENT ON COLUMN usom.load_document.order_no IS 'Its order.';
COMMENT ON COLUMN usom.load_document.external_id IS 'What its channel calls the order.';
COMMENT ON COLUMN usom.load_document.sqlstate IS 'Of one that was rejected: the code of the error.';
COMMENT ON COLUMN usom.load_document.message IS 'Of one that was rejected: why.';
COMMENT ON COLUMN usom.load_document.brought_at IS 'When it was brought.';
COMMENT ON COLUMN usom.load_document.brought_by IS 'Session user who brought it.';
COMMENT ON COLUMN usom.load_document.loaded_at IS 'When it was last tried; null: not yet.';

CREATE TRIGGER load_document INSTEAD OF INSERT OR UPDATE OR DELETE ON usom.load_document
	FOR EACH ROW EXECUTE FUNCTION usom._load_document();
CREATE TRIGGER load_written AFTER INSERT ON usom.load_document
	FOR EACH STATEMENT EXECUTE FUNCTION usom._load_written();

CREATE VIEW usom.load_batches WITH (security_invoker = true) AS
SELECT b.batch, b.documents, b.waiting, b.placed, b.repeated, b.migrated, b.rejected, b.brought_at, b.begun_at, b.worked_at,
	round(b.done / nullif(extract(epoch FROM b.worked_at - b.begun_at), 0), 1) AS rate,
	CASE WHEN b.waiting = 0 THEN 0 ELSE round(b.waiting * extract(epoch FROM b.worked_at - b.begun_at) / nullif(b.done, 0)) END AS seconds_left
FROM (
	SELECT r.batch, count(*) AS documents, count(*) FILTER (WHERE r.outcome IS NULL) AS waiting,
		count(*) FILTER (WHERE r.outcome = 'placed') AS placed, count(*) FILTER (WHERE r.outcome = 'repeated') AS repeated,
		count(*) FILTER (WHERE r.outcome = 'migrated') AS migrated, count(*) FILTER (WHERE r.outcome = 'rejected') AS rejected,
		count(*) FILTER (WHERE r.loaded_at IS NOT NULL) AS done,
		min(r.brought_at) AS brought_at, min(r.loaded_at) AS begun_at, max(r.loaded_at) AS worked_at
	FROM usom.load_row r
	WHERE r.org_id = usom.current_org()
	GROUP BY r.batch
) b;
COMMENT ON VIEW usom.load_batches IS 'Batches of documents and how far they are. Example: SELECT batch, documents, waiting, rejected, rate FROM usom.load_batches;';
COMMENT ON COLUMN usom.load_batches.batch IS 'Name.';
COMMENT ON COLUMN usom.load_batches.documents IS 'Documents that were brought, less those deleted.';
COMMENT ON COLUMN usom.load_batches.waiting IS 'Documents that are due.';
COMMENT ON COLUMN usom.load_batches.placed IS 'Documents that became orders.';
COMMENT ON COLUMN usom.load_batches.repeated IS 'Documents whose orders were there.';
COMMENT ON COLUMN usom.load_batches.migrated IS 'Documents that became orders of history.';
COMMENT ON COLUMN usom.load_batches.rejected IS 'Documents that were rejected, see message in usom.load_document.';
COMMENT ON COLUMN usom.load_batches.brought_at IS 'When the first was brought.';
COMMENT ON COLUMN usom.load_batches.begun_at IS 'When the first chunk was done.';
COMMENT ON COLUMN usom.load_batches.worked_at IS 'When the last chunk was done.';
COMMENT ON COLUMN usom.load_batches.rate IS 'Documents a second, between the first chunk and the last; null: one chunk, or none.';
COMMENT ON COLUMN usom.load_batches.seconds_left IS 'At that rate; null: not known.';
