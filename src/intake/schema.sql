-- step 1
CREATE TABLE usom.mapping (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	mapping_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT mapping_code_given CHECK (code <> ''),
	version integer NOT NULL DEFAULT 1 CONSTRAINT mapping_version_positive CHECK (version > 0),
	channel text CONSTRAINT mapping_channel_given CHECK (channel <> ''),
	kind text NOT NULL DEFAULT 'order' CONSTRAINT mapping_kind_known CHECK (kind IN ('order', 'change', 'cancellation')),
	applies jsonpath,
	root jsonpath,
	lines jsonpath,
	problems jsonpath,
	envelope text[] NOT NULL DEFAULT '{}',
	priority integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, mapping_id),
	CONSTRAINT mapping_code_unique UNIQUE (org_id, code, version)
);
COMMENT ON TABLE usom.mapping IS 'How payloads of a format become documents. Of the active mappings of the channel of a payload and of those for all, the first whose test it passes is taken, by priority, newer versions first; a payload that passes none is a document itself. Example: SELECT usom.add_mapping(''shopify'', ''web'');';
COMMENT ON COLUMN usom.mapping.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.mapping.mapping_id IS 'Key.';
COMMENT ON COLUMN usom.mapping.code IS 'Name of the format.';
COMMENT ON COLUMN usom.mapping.version IS 'Versions of a format stand beside each other; the newest that is active is tried first.';
COMMENT ON COLUMN usom.mapping.channel IS 'Code of the channel; null: every channel.';
COMMENT ON COLUMN usom.mapping.kind IS 'What comes out: order (a document as place_order() takes it), change (changes as change_order() takes them), cancellation (of an order).';
COMMENT ON COLUMN usom.mapping.applies IS 'Test, a jsonpath predicate: $.order.line_items.size() > 0; null: any payload.';
COMMENT ON COLUMN usom.mapping.root IS 'Where the order stands in the payload, a jsonpath: its first item is what the other paths begin at. Null: the payload itself.';
COMMENT ON COLUMN usom.mapping.lines IS 'Where the lines stand, a jsonpath: each item is a line. Null: there are none.';
COMMENT ON COLUMN usom.mapping.problems IS 'Where payloads say themselves what is wrong with them, a jsonpath: each item, a text or an object with path, message, detail and remedy, is a finding, and nothing is made of the payload. Null: they do not.';
COMMENT ON COLUMN usom.mapping.envelope IS 'Keys at the top of payloads that are another with every transmission: a message that comes again is the same whatever they say.';
COMMENT ON COLUMN usom.mapping.priority IS 'Lower is tried first.';
COMMENT ON COLUMN usom.mapping.active IS 'Off: not tried.';
COMMENT ON COLUMN usom.mapping.created_at IS 'When the row was made.';

CREATE TABLE usom.mapping_field (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	mapping_id bigint NOT NULL,
	target text NOT NULL CONSTRAINT mapping_field_target_is_a_path CHECK (target ~ '^(lines\[\]\.)?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?(\[\])?$'),
	ordinal integer NOT NULL DEFAULT 1,
	source jsonpath,
	transforms text[] NOT NULL DEFAULT '{}' CONSTRAINT mapping_field_transforms_known CHECK (transforms <@ ARRAY['trim', 'upper', 'lower', 'number', 'integer', 'boolean', 'date', 'currency', 'unit', 'lookup', 'join', 'multiply', 'add', 'divide']),
	argument jsonb NOT NULL DEFAULT '{}' CONSTRAINT mapping_field_argument_is_object CHECK (jsonb_typeof(argument) = 'object'),
	CONSTRAINT mapping_field_divides_by_a_path CHECK (NOT argument ? 'divide' OR (argument ->> 'divide')::jsonpath IS NOT NULL),
	fallback jsonb CONSTRAINT mapping_field_fallback_is_scalar CHECK (jsonb_typeof(fallback) NOT IN ('object', 'array')),
	required boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, mapping_id, target, ordinal),
	CONSTRAINT mapping_field_of_mapping FOREIGN KEY (org_id, mapping_id) REFERENCES usom.mapping ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT mapping_field_comes_from_somewhere CHECK (source IS NOT NULL OR fallback IS NOT NULL)
);
COMMENT ON TABLE usom.mapping_field IS 'A field of the document and where it comes from.';
COMMENT ON COLUMN usom.mapping_field.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.mapping_field.mapping_id IS 'Mapping: usom.mapping_id(''code'').';
COMMENT ON COLUMN usom.mapping_field.target IS 'Key of the document: customer, ship_to.city, coupons[], lines[].sku, lines[].tax.amount. external_id, revision and order_no (of changes and cancellations) may be targets, too.';
COMMENT ON COLUMN usom.mapping_field.ordinal IS 'Several rows for one target are tried in this order; the first that finds something counts; those with join are joined.';
COMMENT ON COLUMN usom.mapping_field.source IS 'Where the value stands, a jsonpath: from the root of the mapping, or from the line for a target of lines; $root is that root in both. Null: the fallback is a constant.';
COMMENT ON COLUMN usom.mapping_field.transforms IS 'What becomes of it, in this order: trim, upper, lower, number, integer, boolean, date (a time with zone), currency (ISO 4217), unit and lookup (by usom.mapping_value), join (several values to one text), multiply, add, divide.';
COMMENT ON COLUMN usom.mapping_field.argument IS 'What transforms need: {"date": "YYYYMMDD"} a format of to_timestamp(); {"zone": "Europe/Berlin"} of times without one, otherwise UTC; {"decimal": ","}; {"lookup": "list"}, with "keep": true a word that the list does not have stays as it is; {"join": " "}; {"multiply": 0.01}; {"add": 1}; {"divide": "$.basis"} a jsonpath to what is divided by; {"true": ["Y", "1"]}.';
COMMENT ON COLUMN usom.mapping_field.fallback IS 'What counts where the source has nothing.';
COMMENT ON COLUMN usom.mapping_field.required IS 'On: a payload without it is a finding.';

CREATE TABLE usom.mapping_value (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	list text NOT NULL CONSTRAINT mapping_value_list_given CHECK (list <> ''),
	source text NOT NULL,
	target text NOT NULL,
	PRIMARY KEY (org_id, list, source)
);
COMMENT ON TABLE usom.mapping_value IS 'Words of others and what they mean here: units, carriers, product numbers of a partner.';
COMMENT ON COLUMN usom.mapping_value.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.mapping_value.list IS 'Name of the list; the transform unit reads the list unit.';
COMMENT ON COLUMN usom.mapping_value.source IS 'Their word.';
COMMENT ON COLUMN usom.mapping_value.target IS 'Ours.';

CREATE TABLE usom.intake_policy (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	channel text NOT NULL,
	max_attempts integer NOT NULL DEFAULT 5 CONSTRAINT intake_policy_attempts_positive CHECK (max_attempts BETWEEN 1 AND 1000),
	back_off interval NOT NULL DEFAULT '1 minute' CONSTRAINT intake_policy_back_off_not_negative CHECK (back_off >= interval '0'),
	circuit text NOT NULL DEFAULT 'auto' CONSTRAINT intake_policy_circuit_known CHECK (circuit IN ('auto', 'open', 'closed')),
	open_after integer CONSTRAINT intake_policy_open_after_positive CHECK (open_after BETWEEN 1 AND 1000),
	open_above numeric(5,4) CONSTRAINT intake_policy_open_above_share CHECK (open_above >= 0 AND open_above < 1),
	open_window interval NOT NULL DEFAULT '1 hour' CONSTRAINT intake_policy_open_window_positive CHECK (open_window > interval '0'),
	open_at_least integer NOT NULL DEFAULT 20 CONSTRAINT intake_policy_open_at_least_positive CHECK (open_at_least > 0),
	pause interval NOT NULL DEFAULT '5 minutes' CONSTRAINT intake_policy_pause_positive CHECK (pause > interval '0'),
	expected_every interval CONSTRAINT intake_policy_expected_every_positive CHECK (expected_every > interval '0'),
	expected_from time NOT NULL DEFAULT '00:00',
	expected_to time NOT NULL DEFAULT '24:00',
	expected_days integer[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}' CONSTRAINT intake_policy_expected_days_of_week CHECK (expected_days <@ ARRAY[1, 2, 3, 4, 5, 6, 7] AND expected_days <> '{}'),
	time_zone text NOT NULL DEFAULT 'UTC',
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, channel)
);
COMMENT ON TABLE usom.intake_policy IS 'How often a message of a channel is tried, when the channel is left alone for a while because it fails, and when it is missed because it is silent. Channels without a row have the defaults.';
COMMENT ON COLUMN usom.intake_policy.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.intake_policy.channel IS 'Code of the channel.';
COMMENT ON COLUMN usom.intake_policy.max_attempts IS 'After so many the message is dead.';
COMMENT ON COLUMN usom.intake_policy.back_off IS 'From the first attempt to the second; each further wait is twice as long, a day at most.';
COMMENT ON COLUMN usom.intake_policy.circuit IS 'auto: it opens and closes by itself; open: messages are parked until it is set otherwise; closed: they are always tried. usom.set_circuit() writes it with a reason.';
COMMENT ON COLUMN usom.intake_policy.open_after IS 'It opens when so many messages, the last that were tried, have all failed; null: that is not looked at.';
COMMENT ON COLUMN usom.intake_policy.open_above IS 'It opens when a larger share than this of the messages of open_window has failed, 0 to 1; null: that is not looked at.';
COMMENT ON COLUMN usom.intake_policy.open_window IS 'Time that open_above looks back.';
COMMENT ON COLUMN usom.intake_policy.open_at_least IS 'Fewer messages than this in open_window say nothing.';
COMMENT ON COLUMN usom.intake_policy.pause IS 'How long it stays open before one message is tried; if that goes well it closes, otherwise it pauses again.';
COMMENT ON COLUMN usom.intake_policy.expected_every IS 'Without a message or a usom.heartbeat() for longer than this, within its hours, the channel is silent; null: it is not watched.';
COMMENT ON COLUMN usom.intake_policy.expected_from IS 'Hour of the day from which on signs are expected, in time_zone.';
COMMENT ON COLUMN usom.intake_policy.expected_to IS 'Hour up to which they are; not after expected_from: of the next day.';
COMMENT ON COLUMN usom.intake_policy.expected_days IS 'Days of the week on which the hours begin, 1 Monday to 7 Sunday.';
COMMENT ON COLUMN usom.intake_policy.time_zone IS 'Clock of the hours: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.intake_policy.created_at IS 'When the row was made; silence is counted from then on at the earliest.';

CREATE TABLE usom.inbox_message (
	org_id bigint NOT NULL,
	inbox_message_id bigint NOT NULL,
	message_no text NOT NULL,
	channel_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT inbox_message_kind_known CHECK (kind IN ('order', 'change', 'cancellation')),
	external_id text NOT NULL,
	revision usom.ordinal NOT NULL,
	mapping text,
	digest bytea NOT NULL,
	status text NOT NULL CONSTRAINT inbox_message_status_known CHECK (status IN ('received', 'processed', 'failed', 'dead', 'parked')),
	outcome text CONSTRAINT inbox_message_outcome_known CHECK (outcome IN ('placed', 'repeated', 'changed', 'cancelled')),
	attempts integer NOT NULL DEFAULT 0,
	findings jsonb NOT NULL DEFAULT '[]',
	sales_order_id bigint,
	amount usom.amount,
	currency text,
	received_at timestamptz NOT NULL DEFAULT now(),
	received_by text NOT NULL DEFAULT session_user,
	attempted_at timestamptz,
	next_attempt_at timestamptz,
	leased_until timestamptz,
	parked_because text,
	PRIMARY KEY (org_id, inbox_message_id),
	CONSTRAINT inbox_message_no_unique UNIQUE (org_id, message_no),
	CONSTRAINT inbox_message_once UNIQUE (org_id, channel_id, external_id, kind, revision),
	CONSTRAINT inbox_message_processed_iff_outcome CHECK ((status = 'processed') = (outcome IS NOT NULL)),
	CONSTRAINT inbox_message_processed_has_order CHECK (status <> 'processed' OR sales_order_id IS NOT NULL),
	CONSTRAINT inbox_message_tried_again_iff_waiting CHECK (status = 'parked' OR (status IN ('received', 'failed')) = (next_attempt_at IS NOT NULL)),
	CONSTRAINT inbox_message_parked_iff_because CHECK ((status = 'parked') = (parked_because IS NOT NULL)),
	CONSTRAINT inbox_message_failed_says_why CHECK (status NOT IN ('failed', 'dead') OR findings <> '[]')
) WITH (fillfactor = 80);
CREATE INDEX inbox_message_due ON usom.inbox_message (org_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX inbox_message_by_time ON usom.inbox_message (org_id, channel_id, received_at);
CREATE INDEX inbox_message_unprocessed ON usom.inbox_message (org_id, channel_id) WHERE status <> 'processed';
CREATE INDEX inbox_message_of_order ON usom.inbox_message (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.inbox_message IS 'What channels sent, and what became of it. Kept by usom.';
COMMENT ON COLUMN usom.inbox_message.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.inbox_message.inbox_message_id IS 'Key; also that of its key in the vault.';
COMMENT ON COLUMN usom.inbox_message.message_no IS 'Number for people.';
COMMENT ON COLUMN usom.inbox_message.channel_id IS 'Channel it came by.';
COMMENT ON COLUMN usom.inbox_message.kind IS 'order, change or cancellation.';
COMMENT ON COLUMN usom.inbox_message.external_id IS 'What the channel calls the order; of a payload that does not say, a name made of its digest.';
COMMENT ON COLUMN usom.inbox_message.revision IS 'Revision of the order at its source.';
COMMENT ON COLUMN usom.inbox_message.mapping IS 'Mapping and version that read it; null: it was a document itself, or nothing could read it.';
COMMENT ON COLUMN usom.inbox_message.digest IS 'HMAC-SHA-256 of the payload under the organisation''s key.';
COMMENT ON COLUMN usom.inbox_message.status IS 'received, processed, failed (tried again), dead (not tried again by itself) or parked (put aside by somebody, or, if it has a next attempt, until the circuit of its channel closes).';
COMMENT ON COLUMN usom.inbox_message.outcome IS 'Of one that was processed: placed, repeated (the order was there), changed or cancelled.';
COMMENT ON COLUMN usom.inbox_message.attempts IS 'How often it was tried.';
COMMENT ON COLUMN usom.inbox_message.findings IS 'What the last attempt found: objects with path, source, code, message, detail, remedy.';
COMMENT ON COLUMN usom.inbox_message.sales_order_id IS 'Order that it is about; null: none yet.';
COMMENT ON COLUMN usom.inbox_message.amount IS 'Value of the goods as the message has it; null: it could not be read.';
COMMENT ON COLUMN usom.inbox_message.currency IS 'Code of the amount as the message has it; null: it says none.';
COMMENT ON COLUMN usom.inbox_message.received_at IS 'When it came.';
COMMENT ON COLUMN usom.inbox_message.received_by IS 'Session user that brought it.';
COMMENT ON COLUMN usom.inbox_message.attempted_at IS 'Last attempt; null: none.';
COMMENT ON COLUMN usom.inbox_message.next_attempt_at IS 'When it is due again.';
COMMENT ON COLUMN usom.inbox_message.leased_until IS 'A worker has it until then; null: nobody.';
COMMENT ON COLUMN usom.inbox_message.parked_because IS 'Why it was put aside.';

CREATE TABLE usom.inbox_payload (
	org_id bigint NOT NULL,
	inbox_message_id bigint NOT NULL,
	channel_id bigint NOT NULL,
	revision_no integer NOT NULL,
	payload text NOT NULL,
	reason text,
	written_at timestamptz NOT NULL DEFAULT now(),
	written_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, inbox_message_id, revision_no),
	CONSTRAINT inbox_payload_of_message FOREIGN KEY (org_id, inbox_message_id) REFERENCES usom.inbox_message ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT inbox_payload_sealed CHECK (usom._is_sealed(payload))
);
ALTER TABLE usom.inbox_payload ALTER COLUMN payload SET STATISTICS 0;
COMMENT ON TABLE usom.inbox_payload IS 'Payloads as they came, and as they were mended. Sealed under a key of the message. Rows are only added.';
COMMENT ON COLUMN usom.inbox_payload.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.inbox_payload.inbox_message_id IS 'Message.';
COMMENT ON COLUMN usom.inbox_payload.channel_id IS 'Channel of the message.';
COMMENT ON COLUMN usom.inbox_payload.revision_no IS '0: as it came; then one for each time it was mended.';
COMMENT ON COLUMN usom.inbox_payload.payload IS 'JSON, sealed.';
COMMENT ON COLUMN usom.inbox_payload.reason IS 'Why it was mended.';
COMMENT ON COLUMN usom.inbox_payload.written_at IS 'When.';
COMMENT ON COLUMN usom.inbox_payload.written_by IS 'Session user who did it.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.mapping FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.mapping_field FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.mapping_value FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.intake_policy FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.mapping ENABLE ALWAYS TRIGGER _memo_changed;
ALTER TABLE usom.mapping_field ENABLE ALWAYS TRIGGER _memo_changed;
ALTER TABLE usom.mapping_value ENABLE ALWAYS TRIGGER _memo_changed;
ALTER TABLE usom.intake_policy ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('mapping');
SELECT usom._guard_cards('mapping_field');
SELECT usom._guard_cards('mapping_value');
SELECT usom._guard_cards('intake_policy');
SELECT usom._guard_cards('inbox_message');
SELECT usom._guard_cards('inbox_payload');
SELECT usom._guard_kept('inbox_message', 'usom.ingest()');
SELECT usom._guard_ledger('inbox_payload', 'usom.ingest() or usom.mend()');
SELECT usom._audit_table('mapping');
SELECT usom._audit_table('mapping_field');
SELECT usom._audit_table('mapping_value');
SELECT usom._audit_table('intake_policy');
SELECT usom._audit_table('inbox_message');
SELECT usom._audit_table('inbox_payload');

-- Who is erased leaves no payload behind that names him: the keys of his messages go with his own.
CREATE TRIGGER usom_erase_messages AFTER INSERT ON usom.erasure
	FOR EACH ROW EXECUTE FUNCTION usom._erase_messages();
ALTER TABLE usom.erasure ENABLE ALWAYS TRIGGER usom_erase_messages;

CREATE VIEW usom.inbox WITH (security_invoker = true) AS
SELECT m.message_no, c.code AS channel, m.kind, m.external_id, m.revision::integer AS revision, m.mapping, m.status, m.outcome, o.order_no,
	m.attempts, m.findings, trim_scale(m.amount) AS amount, m.currency, m.received_at, m.received_by, m.attempted_at, m.next_attempt_at, m.leased_until, m.parked_because,
	usom._open(m.org_id, p.payload) AS payload
FROM usom.inbox_message m
JOIN usom.channel c ON c.org_id = m.org_id AND c.channel_id = m.channel_id
LEFT JOIN usom.sales_order o ON o.org_id = m.org_id AND o.sales_order_id = m.sales_order_id
LEFT JOIN LATERAL (SELECT q.payload FROM usom.inbox_payload q WHERE q.org_id = m.org_id AND q.inbox_message_id = m.inbox_message_id
	ORDER BY q.revision_no DESC LIMIT 1) p ON true
WHERE m.org_id = usom.current_org();
COMMENT ON VIEW usom.inbox IS 'Messages of channels and what became of them. Example: SELECT message_no, findings FROM usom.inbox WHERE status IN (''failed'', ''dead'');';
COMMENT ON COLUMN usom.inbox.message_no IS 'Number, for usom.replay(), usom.park(), usom.mend(), usom.explain_mapping().';
COMMENT ON COLUMN usom.inbox.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.inbox.kind IS 'order, change or cancellation.';
COMMENT ON COLUMN usom.inbox.external_id IS 'What the channel calls the order.';
COMMENT ON COLUMN usom.inbox.revision IS 'Revision of the order at its source.';
COMMENT ON COLUMN usom.inbox.mapping IS 'Mapping and version that read it; null: none.';
COMMENT ON COLUMN usom.inbox.status IS 'received, processed, failed, dead or parked.';
COMMENT ON COLUMN usom.inbox.outcome IS 'placed, repeated, changed or cancelled; null: not processed.';
COMMENT ON COLUMN usom.inbox.order_no IS 'Order that it is about.';
COMMENT ON COLUMN usom.inbox.attempts IS 'How often it was tried.';
COMMENT ON COLUMN usom.inbox.findings IS 'What the last attempt found: path in the document, source in the payload, code, message, detail, remedy.';
COMMENT ON COLUMN usom.inbox.amount IS 'Value of the goods as the message has it.';
COMMENT ON COLUMN usom.inbox.currency IS 'Of the amount; null: the message says none.';
COMMENT ON COLUMN usom.inbox.received_at IS 'When it came.';
COMMENT ON COLUMN usom.inbox.received_by IS 'Session user that brought it.';
COMMENT ON COLUMN usom.inbox.attempted_at IS 'Last attempt.';
COMMENT ON COLUMN usom.inbox.next_attempt_at IS 'When it is due again, once the circuit of its channel is closed; null: not by itself.';
COMMENT ON COLUMN usom.inbox.leased_until IS 'A worker has it until then.';
COMMENT ON COLUMN usom.inbox.parked_because IS 'Why it was put aside.';
COMMENT ON COLUMN usom.inbox.payload IS 'JSON as it came, or as it was last mended; for roles that may read usom.vault_key.';
