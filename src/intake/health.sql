CREATE FUNCTION usom.heartbeat(channel text, note text DEFAULT NULL) RETURNS timestamptz
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_heartbeat'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.heartbeat(text, text) IS
'Say that the other side of a channel is there, although it has nothing to send. Every message is a sign of life, too.
channel: its code. note: a word for whoever looks at usom.channel_health.
Returns the time.
Errors: US006 unknown channel, 42501 not the channel of the role, US502 a card number in the note.
Example: SELECT usom.heartbeat(''edi'', ''mailbox polled, empty'');';

CREATE FUNCTION usom.set_circuit(channel text, circuit text, reason text DEFAULT NULL) RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_circuit'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_circuit(text, text, text) IS
'Stop a channel, or let it go on: while its circuit is open messages are written down and parked, and workers pass them over. Once it is closed they are tried in the order in which they came.
channel: its code. circuit: open or closed, until it is set otherwise; auto: as usom.intake_policy says, beginning closed. reason: for the audit.
Returns the circuit as it is now: open or closed.
Errors: US006 unknown channel, 42501 not the channel of the role, 22023 for another circuit.
Example: SELECT usom.set_circuit(''edi'', ''open'', ''they sent test messages to production'');';

CREATE FUNCTION usom._circuit_state(forced text, state text, retry_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT CASE WHEN forced IN ('open', 'closed') THEN forced WHEN state = 'open' AND retry_at <= statement_timestamp() THEN 'half open' ELSE coalesce(state, 'closed') END$$;
COMMENT ON FUNCTION usom._circuit_state(text, text, timestamptz) IS 'closed, open or half open: what is set by hand counts first.';
REVOKE ALL ON FUNCTION usom._circuit_state(text, text, timestamptz) FROM PUBLIC;

-- Days before the last 60 are not looked at: who was silent so long is silent.
CREATE FUNCTION usom._expected_time(since timestamptz, until timestamptz, opens time, closes time, days integer[], zone text) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN since < until - interval '60 days' THEN interval '60 days' ELSE coalesce(sum(least(until, h.ends) - greatest(since, h.begins)), interval '0') END
	FROM generate_series(((greatest(since, until - interval '60 days') AT TIME ZONE zone)::date - 1)::timestamp, (until AT TIME ZONE zone)::date::timestamp, interval '1 day') d,
		LATERAL (SELECT (d + opens) AT TIME ZONE zone AS begins,
			(d + closes + CASE WHEN closes <= opens THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE zone AS ends) h
	WHERE extract(isodow FROM d)::integer = ANY (days) AND h.begins < until AND h.ends > since
$$;
COMMENT ON FUNCTION usom._expected_time(timestamptz, timestamptz, time, time, integer[], text) IS 'How much of a span of time falls into the hours of the days, by the clock of the zone; closes not after opens: on the next day.';
REVOKE ALL ON FUNCTION usom._expected_time(timestamptz, timestamptz, time, time, integer[], text) FROM PUBLIC;

CREATE FUNCTION usom._channel_troubles(org_id bigint, at timestamptz) RETURNS TABLE (kind text, channel text, message text, detail jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	SELECT 'channel_silent', p.channel, format('channel "%s" is silent', p.channel), jsonb_build_object('last_sign_at', s.signed_at, 'expected_every', p.expected_every::text)
	FROM usom.intake_policy p
	JOIN usom.channel c ON c.org_id = $1 AND c.code = p.channel AND c.active
	CROSS JOIN LATERAL (SELECT greatest(p.created_at,
		(SELECT m.received_at FROM usom.inbox_message m WHERE m.org_id = $1 AND m.channel_id = c.channel_id ORDER BY m.received_at DESC LIMIT 1),
		(SELECT b.beat_at FROM usom.channel_beat b WHERE b.org_id = $1 AND b.channel_id = c.channel_id)) AS signed_at) s
	WHERE p.org_id = $1 AND p.expected_every IS NOT NULL
		AND usom._expected_time(s.signed_at, $2, p.expected_from, p.expected_to, p.expected_days, p.time_zone) > p.expected_every
	UNION ALL
	SELECT 'channel_stopped', c.code, format('the circuit of channel "%s" is open', c.code),
		jsonb_strip_nulls(jsonb_build_object('because', CASE WHEN p.circuit = 'open' THEN 'by hand' ELSE k.because END, 'since', CASE WHEN p.circuit <> 'open' OR p.circuit IS NULL THEN k.opened_at END))
	FROM usom.channel c
	LEFT JOIN usom.intake_policy p ON p.org_id = $1 AND p.channel = c.code
	LEFT JOIN usom.channel_circuit k ON k.org_id = $1 AND k.channel_id = c.channel_id
	WHERE c.org_id = $1 AND (p.circuit = 'open' OR k.state = 'open' AND coalesce(p.circuit, 'auto') = 'auto')
$$;
COMMENT ON FUNCTION usom._channel_troubles(bigint, timestamptz) IS 'Channels of an organisation that are silent, and those whose circuit is open: as exception cases.';
REVOKE ALL ON FUNCTION usom._channel_troubles(bigint, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._watch_channels(org_id bigint) RETURNS bigint
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__watch_channels'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._watch_channels(bigint) IS 'Opens the cases channel_silent and channel_stopped of an organisation, and closes those whose cause is gone: part of tick(). Returns how many were written.';
REVOKE ALL ON FUNCTION usom._watch_channels(bigint) FROM PUBLIC;
