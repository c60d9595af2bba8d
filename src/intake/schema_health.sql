-- step 62
--
-- How channels are: what stopped them, when they were last heard of, and who looks after what is wrong.
CREATE TABLE usom.channel_circuit (
	org_id bigint NOT NULL,
	channel_id bigint NOT NULL,
	state text NOT NULL CONSTRAINT channel_circuit_state_known CHECK (state IN ('open', 'closed')),
	because text NOT NULL,
	opened_at timestamptz NOT NULL,
	retry_at timestamptz,
	probes integer NOT NULL DEFAULT 0,
	closed_at timestamptz,
	PRIMARY KEY (org_id, channel_id),
	CONSTRAINT channel_circuit_tried_again_iff_open CHECK ((state = 'open') = (retry_at IS NOT NULL)),
	CONSTRAINT channel_circuit_closed_iff_dated CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
COMMENT ON TABLE usom.channel_circuit IS 'Channels that failed again and again: while the circuit is open their messages are parked. A row is written when it opens, when a probe fails, and when it closes; never by a message that went well. Kept by usom.';
COMMENT ON COLUMN usom.channel_circuit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.channel_circuit.channel_id IS 'Channel.';
COMMENT ON COLUMN usom.channel_circuit.state IS 'open or closed; open from retry_at on is half open: one message is tried.';
COMMENT ON COLUMN usom.channel_circuit.because IS 'Why it opened last.';
COMMENT ON COLUMN usom.channel_circuit.opened_at IS 'When it opened last.';
COMMENT ON COLUMN usom.channel_circuit.retry_at IS 'From when on one message is tried; null: it is closed.';
COMMENT ON COLUMN usom.channel_circuit.probes IS 'Messages that were tried since it opened, and failed.';
COMMENT ON COLUMN usom.channel_circuit.closed_at IS 'When it closed; null: it is open. Failures before that count no more.';

CREATE TABLE usom.channel_beat (
	org_id bigint NOT NULL,
	channel_id bigint NOT NULL,
	beat_at timestamptz NOT NULL,
	note text,
	beaten_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, channel_id)
);
COMMENT ON TABLE usom.channel_beat IS 'When the other side of a channel last said that it is there: usom.heartbeat(). Messages are signs of life, too, and stand in inbox_message.';
COMMENT ON COLUMN usom.channel_beat.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.channel_beat.channel_id IS 'Channel.';
COMMENT ON COLUMN usom.channel_beat.beat_at IS 'When.';
COMMENT ON COLUMN usom.channel_beat.note IS 'What it said.';
COMMENT ON COLUMN usom.channel_beat.beaten_by IS 'Session user that said it.';

CREATE TABLE usom.field_owner (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	field_owner_id bigint NOT NULL DEFAULT usom.next_id(),
	field text NOT NULL DEFAULT '' CONSTRAINT field_owner_field_is_a_path CHECK (field ~ '^([a-z][a-z0-9_]*(\[\])?(\.[a-z][a-z0-9_]*(\[\])?)?)?$'),
	channel text CONSTRAINT field_owner_channel_given CHECK (channel <> ''),
	owner text NOT NULL CONSTRAINT field_owner_owner_given CHECK (owner <> ''),
	PRIMARY KEY (org_id, field_owner_id),
	CONSTRAINT field_owner_one_of_a_field UNIQUE NULLS NOT DISTINCT (org_id, field, channel)
);
COMMENT ON TABLE usom.field_owner IS 'Which team sees to a finding about a field. The longest field that the path of the finding begins with counts, the row of its channel before that of all. Example: INSERT INTO usom.field_owner (field, owner) VALUES (''lines[].sku'', ''catalogue''), ('''', ''order desk'');';
COMMENT ON COLUMN usom.field_owner.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.field_owner.field_owner_id IS 'Key.';
COMMENT ON COLUMN usom.field_owner.field IS 'Path in the document without numbers of lines: lines[].sku, ship_to, ship_to.country; empty: all the rest.';
COMMENT ON COLUMN usom.field_owner.channel IS 'Code of the channel; null: every channel.';
COMMENT ON COLUMN usom.field_owner.owner IS 'Team, for the people who read it.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.channel_circuit FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.channel_circuit ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER usom_time_zone BEFORE INSERT OR UPDATE ON usom.intake_policy FOR EACH ROW EXECUTE FUNCTION usom._check_time_zone();
ALTER TABLE usom.intake_policy ENABLE ALWAYS TRIGGER usom_time_zone;
SELECT usom._guard_cards('channel_circuit');
SELECT usom._guard_cards('channel_beat');
SELECT usom._guard_cards('field_owner');
SELECT usom._guard_kept('channel_circuit', 'usom.set_circuit()');
SELECT usom._guard_kept('channel_beat', 'usom.heartbeat()');
SELECT usom._audit_table('channel_circuit');
SELECT usom._audit_table('channel_beat');
SELECT usom._audit_table('field_owner');

CREATE VIEW usom.channel_health WITH (security_invoker = true) AS
SELECT c.code AS channel,
	v.hour AS messages_hour, v.day AS messages_day, v.failed_hour, v.failed_day,
	CASE WHEN v.tried_day > 0 THEN round(v.failed_day::numeric / v.tried_day, 4) END AS failure_rate,
	w.waiting, w.dead, w.parked,
	greatest(round(extract(epoch FROM statement_timestamp() - w.oldest_at), 3), 0) AS lag_seconds,
	w.amounts AS amounts_waiting,
	m.received_at AS last_message_at, s.attempted_at AS last_success_at, b.beat_at AS last_beat_at, b.note AS last_beat_note,
	CASE WHEN p.expected_every IS NOT NULL THEN g.silent END AS silent, CASE WHEN g.silent THEN g.signed_at END AS silent_since,
	usom._circuit_state(p.circuit, k.state, k.retry_at) AS circuit,
	CASE WHEN k.state = 'open' THEN k.opened_at END AS circuit_open_since,
	CASE WHEN p.circuit = 'open' THEN 'by hand' WHEN k.state = 'open' THEN k.because END AS circuit_because,
	CASE WHEN coalesce(p.circuit, 'auto') = 'auto' THEN k.retry_at END AS circuit_retry_at
FROM usom.channel c
LEFT JOIN usom.intake_policy p ON p.org_id = c.org_id AND p.channel = c.code
LEFT JOIN usom.channel_circuit k ON k.org_id = c.org_id AND k.channel_id = c.channel_id
LEFT JOIN usom.channel_beat b ON b.org_id = c.org_id AND b.channel_id = c.channel_id
LEFT JOIN LATERAL (SELECT x.received_at FROM usom.inbox_message x WHERE x.org_id = c.org_id AND x.channel_id = c.channel_id ORDER BY x.received_at DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT x.attempted_at FROM usom.inbox_message x WHERE x.org_id = c.org_id AND x.channel_id = c.channel_id AND x.status = 'processed' ORDER BY x.received_at DESC LIMIT 1) s ON true
CROSS JOIN LATERAL (SELECT count(*) AS day, count(*) FILTER (WHERE x.received_at > statement_timestamp() - interval '1 hour') AS hour,
	count(*) FILTER (WHERE x.status IN ('failed', 'dead')) AS failed_day,
	count(*) FILTER (WHERE x.status IN ('failed', 'dead') AND x.received_at > statement_timestamp() - interval '1 hour') AS failed_hour,
	count(*) FILTER (WHERE x.status IN ('processed', 'failed', 'dead')) AS tried_day
	FROM usom.inbox_message x WHERE x.org_id = c.org_id AND x.channel_id = c.channel_id AND x.received_at > statement_timestamp() - interval '1 day') v
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE x.status IN ('received', 'failed')) AS waiting, count(*) FILTER (WHERE x.status = 'dead') AS dead,
	count(*) FILTER (WHERE x.status = 'parked') AS parked, min(x.received_at) FILTER (WHERE x.status <> 'dead') AS oldest_at,
	(SELECT jsonb_object_agg(coalesce(y.currency, ''), y.amount) FROM (SELECT z.currency, trim_scale(sum(z.amount)) AS amount FROM usom.inbox_message z
		WHERE z.org_id = c.org_id AND z.channel_id = c.channel_id AND z.status <> 'processed' AND z.amount IS NOT NULL GROUP BY z.currency) y) AS amounts
	FROM usom.inbox_message x WHERE x.org_id = c.org_id AND x.channel_id = c.channel_id AND x.status <> 'processed') w
CROSS JOIN LATERAL (SELECT greatest(m.received_at, b.beat_at, p.created_at) AS signed_at,
	coalesce(usom._expected_time(greatest(m.received_at, b.beat_at, p.created_at), statement_timestamp(), p.expected_from, p.expected_to, p.expected_days, p.time_zone)
		> p.expected_every, false) AS silent) g
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.channel_health IS 'How each channel is: what came, what failed, what waits and what it is worth, when it was last heard of, and its circuit. All is read when it is asked for. Example: SELECT channel, failure_rate, circuit FROM usom.channel_health WHERE silent OR circuit <> ''closed'';';
COMMENT ON COLUMN usom.channel_health.channel IS 'Channel.';
COMMENT ON COLUMN usom.channel_health.messages_hour IS 'Messages that came in the last 60 minutes.';
COMMENT ON COLUMN usom.channel_health.messages_day IS 'Messages that came in the last 24 hours.';
COMMENT ON COLUMN usom.channel_health.failed_hour IS 'Of those of the last 60 minutes, failed or dead now.';
COMMENT ON COLUMN usom.channel_health.failed_day IS 'Of those of the last 24 hours, failed or dead now.';
COMMENT ON COLUMN usom.channel_health.failure_rate IS 'Share of those of the last 24 hours that were tried and are failed or dead, 0 to 1; null: none was tried.';
COMMENT ON COLUMN usom.channel_health.waiting IS 'Messages that are received or failed: tried by themselves.';
COMMENT ON COLUMN usom.channel_health.dead IS 'Messages that are not tried again.';
COMMENT ON COLUMN usom.channel_health.parked IS 'Messages put aside, by somebody or by the circuit.';
COMMENT ON COLUMN usom.channel_health.lag_seconds IS 'Age of the oldest message that waits or is parked; null: none.';
COMMENT ON COLUMN usom.channel_health.amounts_waiting IS 'Value of the goods of all messages that are no orders, dead ones included: amounts by currency; null: none that could be read.';
COMMENT ON COLUMN usom.channel_health.last_message_at IS 'When the last message came.';
COMMENT ON COLUMN usom.channel_health.last_success_at IS 'When the message that came last of those that went well was processed.';
COMMENT ON COLUMN usom.channel_health.last_beat_at IS 'Last usom.heartbeat().';
COMMENT ON COLUMN usom.channel_health.last_beat_note IS 'What it said.';
COMMENT ON COLUMN usom.channel_health.silent IS 'True: for longer than usom.intake_policy expects within its hours, neither message nor heartbeat; null: nothing is expected.';
COMMENT ON COLUMN usom.channel_health.silent_since IS 'Last sign of a channel that is silent.';
COMMENT ON COLUMN usom.channel_health.circuit IS 'closed: messages are tried; open: they are parked; half open: one is tried.';
COMMENT ON COLUMN usom.channel_health.circuit_open_since IS 'When it opened by itself.';
COMMENT ON COLUMN usom.channel_health.circuit_because IS 'Why it is open.';
COMMENT ON COLUMN usom.channel_health.circuit_retry_at IS 'From when on one message is tried; null: closed, or set by hand.';

CREATE VIEW usom.intake_failures WITH (security_invoker = true) AS
SELECT row_number() OVER (ORDER BY m.amount DESC NULLS LAST, m.received_at, m.inbox_message_id) AS rank,
	m.message_no, c.code AS channel, m.external_id, m.kind, m.status, trim_scale(m.amount) AS amount, m.currency,
	f.finding->>'path' AS path, f.finding->>'code' AS code, f.finding->>'message' AS message, f.finding->>'remedy' AS remedy, o.owner,
	jsonb_array_length(m.findings) AS findings, m.attempts, m.received_at, m.next_attempt_at, m.parked_because
FROM usom.inbox_message m
JOIN usom.channel c ON c.org_id = m.org_id AND c.channel_id = m.channel_id
CROSS JOIN LATERAL (SELECT m.findings->0 AS finding, coalesce(regexp_replace(m.findings->0->>'path', '\[[0-9]+\]', '[]', 'g'), '') AS field) f
LEFT JOIN LATERAL (SELECT x.owner FROM usom.field_owner x WHERE x.org_id = m.org_id AND (x.channel IS NULL OR x.channel = c.code)
	AND (x.field IN ('', f.field) OR starts_with(f.field, x.field || '.') OR starts_with(f.field, x.field || '['))
	ORDER BY length(x.field) DESC, x.channel NULLS LAST LIMIT 1) o ON true
WHERE m.org_id = usom.current_org() AND m.status IN ('failed', 'dead', 'parked')
ORDER BY 1;
COMMENT ON VIEW usom.intake_failures IS 'Messages that are no orders yet, those that are worth most first, each with its first finding and the team that sees to it. Example: SELECT rank, message_no, amount, message, owner FROM usom.intake_failures LIMIT 10;';
COMMENT ON COLUMN usom.intake_failures.rank IS 'Place by value of the goods, of all currencies alike; those that say none come last, older ones first.';
COMMENT ON COLUMN usom.intake_failures.message_no IS 'Number, for usom.replay(), usom.park(), usom.mend().';
COMMENT ON COLUMN usom.intake_failures.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.intake_failures.external_id IS 'What the channel calls the order.';
COMMENT ON COLUMN usom.intake_failures.kind IS 'order, change or cancellation.';
COMMENT ON COLUMN usom.intake_failures.status IS 'failed (tried again by itself), dead or parked.';
COMMENT ON COLUMN usom.intake_failures.amount IS 'Value of the goods as the message has it; null: it could not be read.';
COMMENT ON COLUMN usom.intake_failures.currency IS 'Of the amount; null: the message says none.';
COMMENT ON COLUMN usom.intake_failures.path IS 'Field of the first finding; null: not known.';
COMMENT ON COLUMN usom.intake_failures.code IS 'SQLSTATE of it.';
COMMENT ON COLUMN usom.intake_failures.message IS 'What is wrong.';
COMMENT ON COLUMN usom.intake_failures.remedy IS 'What to do.';
COMMENT ON COLUMN usom.intake_failures.owner IS 'Team that sees to the field, by usom.field_owner.';
COMMENT ON COLUMN usom.intake_failures.findings IS 'How many findings there are.';
COMMENT ON COLUMN usom.intake_failures.attempts IS 'How often it was tried.';
COMMENT ON COLUMN usom.intake_failures.received_at IS 'When it came.';
COMMENT ON COLUMN usom.intake_failures.next_attempt_at IS 'When it is tried again; null: not by itself.';
COMMENT ON COLUMN usom.intake_failures.parked_because IS 'Why it was put aside.';

CREATE VIEW usom.check_counts WITH (security_invoker = true) AS
SELECT h.check_code, c.code AS channel, u.code AS customer,
	count(*) AS hits,
	count(*) FILTER (WHERE h.severity = 'warn') AS warned,
	count(*) FILTER (WHERE h.severity = 'hold') AS held,
	count(*) FILTER (WHERE h.severity = 'refuse') AS refused,
	count(*) FILTER (WHERE h.overridden OR l.released) AS overrides,
	count(*) FILTER (WHERE h.overridden OR l.unchanged) AS false_positives,
	count(*) FILTER (WHERE l.settled) AS corrected,
	CASE WHEN count(*) FILTER (WHERE h.overridden OR l.decided) > 0
		THEN round(count(*) FILTER (WHERE h.overridden OR l.unchanged)::numeric / count(*) FILTER (WHERE h.overridden OR l.decided), 4) END AS false_positive_rate,
	max(h.occurred_at) AS last_hit_at
FROM usom.check_hit h
JOIN usom.check_rule r ON r.org_id = h.org_id AND r.check_rule_id = h.check_rule_id
LEFT JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
LEFT JOIN usom.channel c ON c.org_id = h.org_id AND (c.channel_id = o.channel_id OR o.sales_order_id IS NULL AND c.code = r.channel)
LEFT JOIN usom.customer u ON u.org_id = h.org_id AND (u.customer_id = o.customer_id OR o.sales_order_id IS NULL AND u.code = r.customer)
LEFT JOIN LATERAL (SELECT true AS decided, x.settled, NOT x.settled AS released, NOT x.settled AND NOT EXISTS (SELECT FROM usom.order_history y
		WHERE y.org_id = x.org_id AND y.sales_order_id = x.sales_order_id AND y.event IN ('change', 'cancel', 'reject') AND y.occurred_at BETWEEN x.placed_at AND x.released_at) AS unchanged
	FROM usom.hold x WHERE h.severity = 'hold' AND NOT h.overridden AND x.org_id = h.org_id AND x.sales_order_id = h.sales_order_id
		AND x.check_code = h.check_code AND x.placed_at >= h.occurred_at AND x.released_at IS NOT NULL ORDER BY x.placed_at, x.hold_id LIMIT 1) l ON true
WHERE h.org_id = usom.current_org()
GROUP BY h.check_code, c.code, u.code;
COMMENT ON VIEW usom.check_counts IS 'What each check has found, by channel and customer, and how often it was wrong: somebody said that it is all right, and nothing was changed. Example: SELECT check_code, channel, false_positive_rate FROM usom.check_counts ORDER BY false_positives DESC;';
COMMENT ON COLUMN usom.check_counts.check_code IS 'Check, see usom.checks().';
COMMENT ON COLUMN usom.check_counts.channel IS 'Channel of the orders; of refused documents that of the rule; null: any.';
COMMENT ON COLUMN usom.check_counts.customer IS 'Customer of the orders; of refused documents that of the rule; null: guests, or any.';
COMMENT ON COLUMN usom.check_counts.hits IS 'How often it found something.';
COMMENT ON COLUMN usom.check_counts.warned IS 'Of them, said in the messages only.';
COMMENT ON COLUMN usom.check_counts.held IS 'Of them, that put the order on hold.';
COMMENT ON COLUMN usom.check_counts.refused IS 'Of them, that refused a document of a batch.';
COMMENT ON COLUMN usom.check_counts.overrides IS 'Of them, that the document, or somebody who released the hold, said were all right.';
COMMENT ON COLUMN usom.check_counts.false_positives IS 'Of the overrides, those after which nothing had been changed: the order was right all along.';
COMMENT ON COLUMN usom.check_counts.corrected IS 'Holds that ended because their cause was gone: the check was right.';
COMMENT ON COLUMN usom.check_counts.false_positive_rate IS 'False positives as a share of what was decided (overridden, released or corrected), 0 to 1; null: nothing was.';
COMMENT ON COLUMN usom.check_counts.last_hit_at IS 'Time of the last one.';
