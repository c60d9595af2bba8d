-- step 30
CREATE TABLE usom.draft (
	org_id bigint NOT NULL,
	draft_id bigint NOT NULL,
	draft_no text NOT NULL,
	channel_id bigint NOT NULL,
	agent text NOT NULL,
	status text NOT NULL DEFAULT 'open' CONSTRAINT draft_status_known CHECK (status IN ('open', 'submitted', 'dropped')),
	version integer NOT NULL DEFAULT 0,
	document text,
	customer text,
	findings jsonb NOT NULL DEFAULT '[]',
	told jsonb,
	quantity_told usom.quantity,
	quantity_held usom.quantity NOT NULL DEFAULT 0,
	held_until timestamptz NOT NULL,
	inbox_message_id bigint,
	submit_key text,
	sales_order_id bigint,
	quantity_reserved usom.quantity,
	started_at timestamptz NOT NULL,
	started_by text NOT NULL DEFAULT session_user,
	client_address text NOT NULL,
	application text NOT NULL,
	saved_at timestamptz NOT NULL,
	submitted_at timestamptz,
	submitted_by text,
	dropped_at timestamptz,
	dropped_because text,
	PRIMARY KEY (org_id, draft_id),
	CONSTRAINT draft_no_unique UNIQUE (org_id, draft_no),
	CONSTRAINT draft_has_document_iff_open CHECK ((status = 'open') = (document IS NOT NULL)),
	CONSTRAINT draft_document_sealed CHECK (usom._is_sealed(document)),
	CONSTRAINT draft_submitted_iff_order CHECK ((status = 'submitted') = (sales_order_id IS NOT NULL)),
	CONSTRAINT draft_submitted_iff_dated CHECK ((status = 'submitted') = (submitted_at IS NOT NULL)),
	CONSTRAINT draft_submitted_iff_reserved CHECK ((status = 'submitted') = (quantity_reserved IS NOT NULL)),
	CONSTRAINT draft_key_of_submitted CHECK (submit_key IS NULL OR status = 'submitted'),
	CONSTRAINT draft_dropped_iff_dated CHECK ((status = 'dropped') = (dropped_at IS NOT NULL)),
	CONSTRAINT draft_dropped_iff_because CHECK ((status = 'dropped') = (dropped_because IS NOT NULL)),
	CONSTRAINT draft_holds_only_open CHECK (status = 'open' OR quantity_held = 0),
	CONSTRAINT draft_ends_after_start CHECK (coalesce(submitted_at, dropped_at, saved_at) >= started_at)
) WITH (fillfactor = 70);
ALTER TABLE usom.draft ALTER COLUMN document SET STATISTICS 0;
CREATE UNIQUE INDEX draft_key_once ON usom.draft (org_id, submit_key) WHERE submit_key IS NOT NULL;
CREATE UNIQUE INDEX draft_of_message ON usom.draft (org_id, inbox_message_id) WHERE status = 'open';
CREATE INDEX draft_by_agent ON usom.draft (org_id, agent) WHERE status = 'open';
CREATE INDEX draft_submitted ON usom.draft (org_id, submitted_at) WHERE submitted_at IS NOT NULL;
COMMENT ON TABLE usom.draft IS 'Orders that somebody types: what stands so far, and when they were begun, saved and submitted. Kept by usom.';
COMMENT ON COLUMN usom.draft.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.draft.draft_id IS 'Key; also that of its key in the vault.';
COMMENT ON COLUMN usom.draft.draft_no IS 'Number for people.';
COMMENT ON COLUMN usom.draft.channel_id IS 'Channel of the order.';
COMMENT ON COLUMN usom.draft.agent IS 'Whose it is: usom.app_user of who began it, or the role; until it is handed over.';
COMMENT ON COLUMN usom.draft.status IS 'open, submitted or dropped.';
COMMENT ON COLUMN usom.draft.version IS 'How often it was saved.';
COMMENT ON COLUMN usom.draft.document IS 'The order document so far, sealed under a key of the draft; null once it is submitted or dropped: then the key is gone, too.';
COMMENT ON COLUMN usom.draft.customer IS 'Code of the customer as the document names it; null: none.';
COMMENT ON COLUMN usom.draft.findings IS 'What was wrong with the message that it came of; objects with path, source, code, message, detail, remedy.';
COMMENT ON COLUMN usom.draft.told IS 'What the last quote has said: valid, currency, total, promised_at, quantity_reserved, quantity_backordered, lines with line_no, sku, quantity, unit_price, reserved.';
COMMENT ON COLUMN usom.draft.quantity_told IS 'Units that the last quote said are in stock for it; null: it could not be placed as it stood.';
COMMENT ON COLUMN usom.draft.quantity_held IS 'Units held for it by the last save; they count until held_until.';
COMMENT ON COLUMN usom.draft.held_until IS 'Until when: usom.draft_hold after the last save.';
COMMENT ON COLUMN usom.draft.inbox_message_id IS 'Message that it came of; null: none.';
COMMENT ON COLUMN usom.draft.submit_key IS 'What the client called the submission; null: nothing.';
COMMENT ON COLUMN usom.draft.sales_order_id IS 'Order that it became.';
COMMENT ON COLUMN usom.draft.quantity_reserved IS 'Units that the order got when it was submitted.';
COMMENT ON COLUMN usom.draft.started_at IS 'When it was begun.';
COMMENT ON COLUMN usom.draft.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.draft.client_address IS 'From where: numeric address, or local.';
COMMENT ON COLUMN usom.draft.application IS 'With what: application_name.';
COMMENT ON COLUMN usom.draft.saved_at IS 'Last save.';
COMMENT ON COLUMN usom.draft.submitted_at IS 'When it became an order.';
COMMENT ON COLUMN usom.draft.submitted_by IS 'Session user who submitted it.';
COMMENT ON COLUMN usom.draft.dropped_at IS 'When it was given up.';
COMMENT ON COLUMN usom.draft.dropped_because IS 'Why.';

SELECT usom._guard_cards('draft');
SELECT usom._guard_kept('draft', 'usom.start_draft()');
SELECT usom._audit_table('draft');

-- Who is erased leaves no draft behind.
CREATE TRIGGER usom_erase_drafts AFTER INSERT ON usom.erasure
	FOR EACH ROW EXECUTE FUNCTION usom._erase_drafts();
ALTER TABLE usom.erasure ENABLE ALWAYS TRIGGER usom_erase_drafts;

CREATE VIEW usom.drafts WITH (security_invoker = true) AS
SELECT d.draft_no, c.code AS channel, d.agent, d.status, d.version, d.customer, m.message_no, d.findings, d.told,
	(d.told->>'valid')::boolean AS valid, (d.told->>'total')::numeric AS total, d.told->>'currency' AS currency,
	(d.told->>'promised_at')::timestamptz AS promised_at,
	CASE WHEN d.status = 'open' AND d.held_until > statement_timestamp() THEN trim_scale(d.quantity_held) ELSE 0 END AS quantity_held, d.held_until,
	usom._open(d.org_id, d.document)::jsonb AS document, o.order_no, d.submit_key, d.started_at, d.started_by, d.client_address, d.application,
	d.saved_at, d.submitted_at, d.submitted_by, d.dropped_at, d.dropped_because
FROM usom.draft d
JOIN usom.channel c ON c.org_id = d.org_id AND c.channel_id = d.channel_id
LEFT JOIN usom.inbox_message m ON m.org_id = d.org_id AND m.inbox_message_id = d.inbox_message_id
LEFT JOIN usom.sales_order o ON o.org_id = d.org_id AND o.sales_order_id = d.sales_order_id
WHERE d.org_id = usom.current_org();
COMMENT ON VIEW usom.drafts IS 'Orders that are being typed, or were. Example: SELECT draft_no, customer, total FROM usom.drafts WHERE agent = ''anna'' AND status = ''open'';';
COMMENT ON COLUMN usom.drafts.draft_no IS 'Number, for usom.save_draft(), usom.submit_draft(), usom.drop_draft(), usom.hand_over_draft().';
COMMENT ON COLUMN usom.drafts.channel IS 'Channel of the order.';
COMMENT ON COLUMN usom.drafts.agent IS 'Whose it is.';
COMMENT ON COLUMN usom.drafts.status IS 'open, submitted or dropped.';
COMMENT ON COLUMN usom.drafts.version IS 'How often it was saved; the next save names it.';
COMMENT ON COLUMN usom.drafts.customer IS 'Code of the customer as the document names it.';
COMMENT ON COLUMN usom.drafts.message_no IS 'Message of the inbox that it came of.';
COMMENT ON COLUMN usom.drafts.findings IS 'What was wrong with that message.';
COMMENT ON COLUMN usom.drafts.told IS 'What the last quote has said, as it may have been told the customer.';
COMMENT ON COLUMN usom.drafts.valid IS 'Could it be placed as it stands?';
COMMENT ON COLUMN usom.drafts.total IS 'Total of the last quote.';
COMMENT ON COLUMN usom.drafts.currency IS 'Its currency.';
COMMENT ON COLUMN usom.drafts.promised_at IS 'Its promise.';
COMMENT ON COLUMN usom.drafts.quantity_held IS 'Units held for it now.';
COMMENT ON COLUMN usom.drafts.held_until IS 'Until when they were held, or are.';
COMMENT ON COLUMN usom.drafts.document IS 'The order document so far, for roles that may read usom.vault_key; null once it is submitted or dropped.';
COMMENT ON COLUMN usom.drafts.order_no IS 'Order that it became.';
COMMENT ON COLUMN usom.drafts.submit_key IS 'What the client called the submission.';
COMMENT ON COLUMN usom.drafts.started_at IS 'When it was begun.';
COMMENT ON COLUMN usom.drafts.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.drafts.client_address IS 'From where.';
COMMENT ON COLUMN usom.drafts.application IS 'With what.';
COMMENT ON COLUMN usom.drafts.saved_at IS 'Last save.';
COMMENT ON COLUMN usom.drafts.submitted_at IS 'When it became an order.';
COMMENT ON COLUMN usom.drafts.submitted_by IS 'Session user who submitted it.';
COMMENT ON COLUMN usom.drafts.dropped_at IS 'When it was given up.';
COMMENT ON COLUMN usom.drafts.dropped_because IS 'Why.';

CREATE VIEW usom.abandoned_drafts WITH (security_invoker = true) AS
SELECT d.draft_no, c.code AS channel, d.agent, d.customer, (d.told->>'total')::numeric AS total, d.told->>'currency' AS currency, d.version,
	d.started_at, d.saved_at, d.held_until, floor(extract(epoch FROM statement_timestamp() - d.saved_at) / 60) AS idle_minutes
FROM usom.draft d
JOIN usom.channel c ON c.org_id = d.org_id AND c.channel_id = d.channel_id
WHERE d.org_id = usom.current_org() AND d.status = 'open' AND d.held_until <= statement_timestamp();
COMMENT ON VIEW usom.abandoned_drafts IS 'Open drafts that nobody has saved for so long that nothing is held for them any more. Example: SELECT draft_no, agent, idle_minutes FROM usom.abandoned_drafts ORDER BY total DESC;';
COMMENT ON COLUMN usom.abandoned_drafts.draft_no IS 'Number.';
COMMENT ON COLUMN usom.abandoned_drafts.channel IS 'Channel of the order.';
COMMENT ON COLUMN usom.abandoned_drafts.agent IS 'Whose it is.';
COMMENT ON COLUMN usom.abandoned_drafts.customer IS 'Code of the customer as the document names it.';
COMMENT ON COLUMN usom.abandoned_drafts.total IS 'Total of the last quote.';
COMMENT ON COLUMN usom.abandoned_drafts.currency IS 'Its currency.';
COMMENT ON COLUMN usom.abandoned_drafts.version IS 'How often it was saved.';
COMMENT ON COLUMN usom.abandoned_drafts.started_at IS 'When it was begun.';
COMMENT ON COLUMN usom.abandoned_drafts.saved_at IS 'Last save.';
COMMENT ON COLUMN usom.abandoned_drafts.held_until IS 'When its units were free again.';
COMMENT ON COLUMN usom.abandoned_drafts.idle_minutes IS 'Whole minutes since the last save.';

CREATE VIEW usom.entry_times WITH (security_invoker = true) AS
SELECT o.order_no, d.draft_no, c.code AS channel, d.agent, d.started_by, d.submitted_by, d.client_address, d.application, m.message_no,
	d.started_at, d.submitted_at, round(extract(epoch FROM d.submitted_at - d.started_at), 3) AS seconds, d.version AS saves,
	trim_scale(d.quantity_told) AS quantity_told, trim_scale(d.quantity_reserved) AS quantity_reserved,
	d.quantity_reserved >= coalesce(d.quantity_told, 0) AS promise_kept
FROM usom.draft d
JOIN usom.channel c ON c.org_id = d.org_id AND c.channel_id = d.channel_id
JOIN usom.sales_order o ON o.org_id = d.org_id AND o.sales_order_id = d.sales_order_id
LEFT JOIN usom.inbox_message m ON m.org_id = d.org_id AND m.inbox_message_id = d.inbox_message_id
WHERE d.org_id = usom.current_org() AND d.status = 'submitted';
COMMENT ON VIEW usom.entry_times IS 'How long orders took to type, who typed them and from where. Example: SELECT order_no, agent, seconds FROM usom.entry_times ORDER BY submitted_at DESC LIMIT 20;';
COMMENT ON COLUMN usom.entry_times.order_no IS 'Order.';
COMMENT ON COLUMN usom.entry_times.draft_no IS 'Draft that it was.';
COMMENT ON COLUMN usom.entry_times.channel IS 'Channel.';
COMMENT ON COLUMN usom.entry_times.agent IS 'Whose it was when it was submitted.';
COMMENT ON COLUMN usom.entry_times.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.entry_times.submitted_by IS 'Session user who submitted it.';
COMMENT ON COLUMN usom.entry_times.client_address IS 'From where: numeric address, or local.';
COMMENT ON COLUMN usom.entry_times.application IS 'With what: application_name.';
COMMENT ON COLUMN usom.entry_times.message_no IS 'Message that was entered by hand; null: none.';
COMMENT ON COLUMN usom.entry_times.started_at IS 'When it was begun.';
COMMENT ON COLUMN usom.entry_times.submitted_at IS 'When it was submitted.';
COMMENT ON COLUMN usom.entry_times.seconds IS 'From the one to the other.';
COMMENT ON COLUMN usom.entry_times.saves IS 'How often it was saved.';
COMMENT ON COLUMN usom.entry_times.quantity_told IS 'Units that the last quote said are in stock.';
COMMENT ON COLUMN usom.entry_times.quantity_reserved IS 'Units that the order got.';
COMMENT ON COLUMN usom.entry_times.promise_kept IS 'Did it get at least as many?';

CREATE VIEW usom.manual_entry WITH (security_invoker = true) AS
SELECT (coalesce(d.submitted_at, d.dropped_at) AT TIME ZONE 'UTC')::date AS entered_on, d.agent, c.code AS channel,
	count(*) FILTER (WHERE d.status = 'submitted') AS orders, count(*) FILTER (WHERE d.status = 'dropped') AS dropped,
	round((avg(extract(epoch FROM d.submitted_at - d.started_at)) FILTER (WHERE d.status = 'submitted') / 60)::numeric, 2) AS minutes_per_order,
	round(avg(d.version) FILTER (WHERE d.status = 'submitted'), 2) AS saves_per_order,
	round(100.0 * count(*) FILTER (WHERE d.status = 'submitted' AND d.quantity_reserved >= coalesce(d.quantity_told, 0))
		/ nullif(count(*) FILTER (WHERE d.status = 'submitted'), 0), 1) AS correct_stock_percent
FROM usom.draft d
JOIN usom.channel c ON c.org_id = d.org_id AND c.channel_id = d.channel_id
WHERE d.org_id = usom.current_org() AND d.status <> 'open'
GROUP BY 1, 2, 3;
COMMENT ON VIEW usom.manual_entry IS 'Manual entry by day, agent and channel. Example: SELECT agent, sum(orders) FROM usom.manual_entry WHERE entered_on = current_date GROUP BY agent;';
COMMENT ON COLUMN usom.manual_entry.entered_on IS 'Day in UTC on which drafts were submitted or dropped.';
COMMENT ON COLUMN usom.manual_entry.agent IS 'Whose they were.';
COMMENT ON COLUMN usom.manual_entry.channel IS 'Channel.';
COMMENT ON COLUMN usom.manual_entry.orders IS 'Drafts that became orders.';
COMMENT ON COLUMN usom.manual_entry.dropped IS 'Drafts that were given up.';
COMMENT ON COLUMN usom.manual_entry.minutes_per_order IS 'Mean time from begin to submission.';
COMMENT ON COLUMN usom.manual_entry.saves_per_order IS 'Mean number of saves.';
COMMENT ON COLUMN usom.manual_entry.correct_stock_percent IS 'Of 100 orders, how many got at least the units that the last quote said are in stock.';
