-- Channels that fail again and again are left alone for a while; those that are silent are missed.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('circuit');
SET usom.org = 'circuit';
INSERT INTO usom.location (code) VALUES ('CI-W');
INSERT INTO usom.product (sku) VALUES ('CI-A');
SELECT on_hand FROM usom.receive_stock('CI-W', 'CI-A', 100);
CREATE FUNCTION pg_temp.took(channel text, external_id text, sku text DEFAULT 'CI-A') RETURNS TABLE (status text, outcome text, attempts integer, code text, message text) LANGUAGE sql AS $$
	SELECT i.status, i.outcome, i.attempts, f->>'code', f->>'message'
	FROM usom.ingest(channel, jsonb_build_object('currency', 'EUR', 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', 2, 'unit_price', 3))), external_id) i
	LEFT JOIN jsonb_array_elements(i.findings) f ON true
$$;
CREATE VIEW pg_temp.health AS
SELECT channel, circuit, circuit_because, circuit_retry_at > clock_timestamp() AS pauses, waiting, dead, parked, failed_hour, failure_rate, amounts_waiting FROM usom.channel_health WHERE channel IN ('edi', 'web') ORDER BY 1;
CREATE VIEW pg_temp.cases AS
SELECT kind, reference, message, detail - 'since' - 'last_sign_at' AS detail, open, resolution FROM usom.exceptions WHERE kind LIKE 'channel%' ORDER BY exception_id;

-- Without a policy a channel may fail as often as it likes.
SELECT status FROM generate_series(1, 3) n, LATERAL pg_temp.took('web', 'W-' || n, 'CI-NONE') ORDER BY n;
SELECT * FROM pg_temp.health;

-- With one it opens after the third in a row; one that goes well begins anew.
INSERT INTO usom.intake_policy (channel, open_after, pause, back_off) VALUES ('edi', 3, interval '1 hour', interval '0');
SELECT * FROM pg_temp.took('edi', 'E-1', 'CI-NONE');
SELECT * FROM pg_temp.took('edi', 'E-2', 'CI-NONE');
SELECT * FROM pg_temp.took('edi', 'E-3');
SELECT * FROM pg_temp.took('edi', 'E-4', 'CI-NONE');
-- the same one again is no other one
SELECT * FROM pg_temp.took('edi', 'E-4', 'CI-NONE');
SELECT * FROM pg_temp.took('edi', 'E-5', 'CI-NONE');
SELECT * FROM pg_temp.health;
SELECT * FROM pg_temp.took('edi', 'E-6', 'CI-NONE');
SELECT * FROM pg_temp.health;
SELECT * FROM pg_temp.cases;

-- While it is open, messages are written down; workers pass them over, and so they do with those that failed.
SELECT * FROM pg_temp.took('edi', 'E-7');
SELECT * FROM pg_temp.took('edi', 'E-7');
SELECT * FROM pg_temp.took('edi', 'E-8');
SELECT status FROM usom.ingest('edi', '{"lines": [{"sku": "CI-A", "quantity": 1}]}', 'E-9', process => false);
SELECT count(*) FROM usom.work_inbox();
SELECT count(*) FROM usom.inbox_take(10);
SELECT status, outcome FROM usom.ingest('web', '{"lines": [{"sku": "CI-A", "quantity": 1}]}', 'W-9', process => false);
SELECT status, outcome FROM usom.work_inbox();
SELECT external_id, status, parked_because, next_attempt_at <= clock_timestamp() AS due, amount, currency FROM usom.inbox WHERE status = 'parked' ORDER BY 1;
SELECT rank, channel, external_id, status, amount, currency, path, code, owner FROM usom.intake_failures WHERE channel = 'edi';
SELECT * FROM pg_temp.health;

-- Somebody tries one by hand: that it goes well closes the circuit, and the others come in order.
INSERT INTO usom.field_owner (field, owner) VALUES ('lines[].sku', 'catalogue'), ('lines', 'order desk'), ('', 'integration');
INSERT INTO usom.field_owner (field, channel, owner) VALUES ('lines[].sku', 'web', 'shop');
SELECT channel, external_id, path, code, owner FROM usom.intake_failures ORDER BY channel, external_id;
SELECT p.status, p.outcome FROM usom.inbox m, usom.replay(m.message_no) p WHERE m.external_id = 'E-8' AND m.channel = 'edi';
SELECT * FROM pg_temp.health;
SELECT kind, open, resolution FROM pg_temp.cases;
UPDATE usom.intake_policy SET max_attempts = 2 WHERE channel = 'edi';
CALL usom.retry_inbox();
SELECT external_id, status, outcome, attempts FROM usom.inbox WHERE channel = 'edi' ORDER BY message_no;
SELECT count(*) FROM (SELECT o.order_no, row_number() OVER (ORDER BY m.message_no) - row_number() OVER (ORDER BY o.order_no) AS apart FROM usom.inbox m JOIN usom.orders o USING (order_no) WHERE m.external_id IN ('E-7', 'E-9')) x WHERE apart <> 0;

-- Half open: one is tried.  It fails: the circuit pauses again; it goes well: it closes.
UPDATE usom.intake_policy SET open_after = 1, pause = interval '1 microsecond', max_attempts = 5 WHERE channel = 'edi';
SELECT channel, circuit, waiting, dead, parked FROM pg_temp.health WHERE channel = 'edi';
SELECT * FROM pg_temp.took('edi', 'H-1', 'CI-NONE');
SELECT channel, circuit, circuit_because FROM pg_temp.health WHERE channel = 'edi';
SELECT * FROM pg_temp.took('edi', 'H-2', 'CI-NONE');
SELECT probes, state FROM usom.channel_circuit WHERE org_id = usom.current_org();
UPDATE usom.intake_policy SET pause = interval '1 hour' WHERE channel = 'edi';
SELECT * FROM pg_temp.took('edi', 'H-3', 'CI-NONE');
SELECT * FROM pg_temp.took('edi', 'H-4');
SELECT probes, state FROM usom.channel_circuit WHERE org_id = usom.current_org();
UPDATE usom.intake_policy SET pause = interval '1 microsecond' WHERE channel = 'edi';
SELECT p.status FROM usom.inbox m, usom.replay(m.message_no) p WHERE m.external_id = 'H-3' AND m.channel = 'edi';
SELECT t.attempts, t.channel FROM usom.inbox_take(10, interval '1 microsecond') t;
SELECT probes, state FROM usom.channel_circuit WHERE org_id = usom.current_org();
SELECT * FROM pg_temp.took('edi', 'H-5');
SELECT channel, circuit, parked FROM pg_temp.health WHERE channel = 'edi';
SELECT external_id, status FROM usom.inbox WHERE external_id LIKE 'H-%' ORDER BY 1;

-- By hand it counts whatever the messages say; a share of a window opens it, too.
SELECT usom.set_circuit('web', 'open', 'test messages');
SELECT * FROM pg_temp.took('web', 'W-10');
SELECT channel, circuit, circuit_because FROM pg_temp.health WHERE channel = 'web';
SELECT kind, reference, detail, open FROM pg_temp.cases WHERE open;
SELECT usom.set_circuit('web', 'auto');
SELECT count(*) FROM pg_temp.cases WHERE open;
SELECT status, outcome FROM usom.work_inbox() WHERE status = 'processed';
UPDATE usom.intake_policy SET open_above = 0.5, open_at_least = 4 WHERE channel = 'web';
SELECT status FROM pg_temp.took('web', 'W-11', 'CI-NONE');
SELECT circuit FROM pg_temp.health WHERE channel = 'web';
SELECT status FROM pg_temp.took('web', 'W-12', 'CI-NONE');
SELECT circuit, circuit_because FROM pg_temp.health WHERE channel = 'web';
SELECT usom.set_circuit('web', 'closed');
SELECT status FROM pg_temp.took('web', 'W-13', 'CI-NONE');
SELECT circuit FROM pg_temp.health WHERE channel = 'web';
\set VERBOSITY terse
SELECT usom.set_circuit('web', 'ajar');
SELECT usom.set_circuit('none', 'open');
SELECT usom.heartbeat('none');
UPDATE usom.intake_policy SET time_zone = 'Mars' WHERE channel = 'web';
\set VERBOSITY default

-- Silence: within the hours of the days, by the clock of the channel.
SELECT usom._expected_time(since::timestamptz, until::timestamptz, opens::time, closes::time, days, zone) FROM (VALUES
	('2026-03-02 07:00+00', '2026-03-02 12:00+00', '08:00', '18:00', '{1,2,3,4,5}'::integer[], 'UTC'),
	('2026-03-06 17:00+00', '2026-03-09 09:00+00', '08:00', '18:00', '{1,2,3,4,5}', 'UTC'),
	('2026-03-28 12:00+00', '2026-03-29 12:00+00', '00:00', '24:00', '{1,2,3,4,5,6,7}', 'Europe/Berlin'),
	('2026-03-29 00:00+00', '2026-03-29 06:00+00', '00:00', '08:00', '{7}', 'Europe/Berlin'),
	('2026-03-01 20:00+00', '2026-03-02 07:00+00', '22:00', '06:00', '{7}', 'UTC'),
	('2026-03-02 12:00+00', '2026-03-02 12:00+00', '08:00', '18:00', '{1}', 'UTC'),
	('2020-01-01 00:00+00', '2026-03-02 12:00+00', '08:00', '18:00', '{1}', 'UTC')) AS v (since, until, opens, closes, days, zone);
INSERT INTO usom.channel (code) VALUES ('mailbox');
INSERT INTO usom.intake_policy (channel, expected_every, created_at) VALUES ('mailbox', interval '15 minutes', now() - interval '1 day');
SELECT channel, silent, silent_since IS NOT NULL AS since, last_beat_at FROM usom.channel_health WHERE silent IS NOT NULL;
SELECT usom._watch_channels(usom.current_org()), usom._watch_channels(usom.current_org());
SELECT kind, reference, message, detail FROM pg_temp.cases WHERE open;
SELECT usom.heartbeat('mailbox', 'polled, empty') IS NOT NULL AS beat;
SELECT channel, silent, silent_since, last_beat_note FROM usom.channel_health WHERE silent IS NOT NULL;
SELECT usom._watch_channels(usom.current_org()), usom._watch_channels(usom.current_org());
SELECT kind, reference, open, resolution FROM pg_temp.cases WHERE kind = 'channel_silent';
SELECT * FROM usom.verify();
