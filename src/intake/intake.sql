CREATE FUNCTION usom.ingest(channel text, payload jsonb, external_id text DEFAULT NULL, revision integer DEFAULT NULL, process boolean DEFAULT true)
RETURNS TABLE (message_no text, status text, outcome text, order_no text, attempts integer, findings jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ingest'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ingest(text, jsonb, text, integer, boolean) IS
'Take in what a channel sends: the payload is written as it is, then read by a mapping of the channel, checked, and made an order, a change or a cancellation, in one transaction. If that fails the payload stays with its findings, and nothing else has happened.
channel: its code. payload: JSON of any shape that a mapping reads; without a mapping, a document as place_order() takes it. external_id: what the channel calls the order; null: as the payload says, or a name made of its digest. revision: of the order at its source, from 1; null: as the payload says, or 1. process: false leaves it to workers, see usom.retry_inbox().
Returns the message: status processed, failed (tried again by itself), dead or received; outcome placed, repeated, changed or cancelled, with the order; findings, an array of objects with path (in the document), source (in the payload), code, message, detail, remedy. The same message again is answered as before. A higher revision changes the order, a lower one is dead (US802).
Errors: US006 unknown channel, 42501 not the channel of the role, US801 the same identity with another payload, US502 a card number in the payload, 22023 revision below 1.
Example: SELECT * FROM usom.ingest(''web'', ''{"lines": [{"sku": "MUG", "quantity": 2}]}'', ''A-1001'');';

CREATE FUNCTION usom.work_inbox()
RETURNS TABLE (message_no text, status text, outcome text, order_no text, attempts integer, findings jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_work_inbox'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.work_inbox() IS
'Try the message that is due first: one that was only received, or failed and has waited long enough. Messages that other workers are at, or have leased, are passed over.
Returns it as usom.ingest() does, or no row if nothing is due. One message a transaction; usom.retry_inbox() does them all.
Errors: none of its own.
Example: SELECT * FROM usom.work_inbox();';

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.
CREATE PROCEDURE usom.retry_inbox(max_messages integer DEFAULT 1000)
LANGUAGE plpgsql
AS $$
DECLARE
	more boolean;
BEGIN
	FOR n IN 1 .. retry_inbox.max_messages LOOP
		BEGIN
			PERFORM w.message_no FROM usom.work_inbox() AS w;
			more := FOUND;
		EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
			more := true;	-- nothing has happened, and it is still due
		END;
		EXIT WHEN NOT more;
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE usom.retry_inbox(integer) IS
'Try the messages that are due, one after the other, each in a transaction of its own; several workers may do so at once.
max_messages: at most so many.
Errors: 2D000 inside a transaction block.
Example: CALL usom.retry_inbox();';

CREATE FUNCTION usom.replay(message_no text)
RETURNS TABLE (message_no text, status text, outcome text, order_no text, attempts integer, findings jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_replay'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.replay(text) IS
'Try a message now, whatever its status: failed, dead, parked, or received and not worked on.
message_no: as usom.inbox has it.
Returns it as usom.ingest() does.
Errors: US820 unknown message, US821 it was processed.
Example: SELECT * FROM usom.replay(''MS-000001'');';

CREATE FUNCTION usom.park(message_no text, reason text)
RETURNS TABLE (message_no text, status text, outcome text, order_no text, attempts integer, findings jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_park'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.park(text, text) IS
'Put a message aside: it is not tried again until somebody calls usom.replay() or usom.mend().
message_no: as usom.inbox has it. reason: why, for whoever looks next.
Returns it as usom.ingest() does.
Errors: US820 unknown message, US821 it was processed, 22004 no reason.
Example: SELECT * FROM usom.park(''MS-000001'', ''asked the partner'');';

CREATE FUNCTION usom.mend(message_no text, patch jsonb, reason text DEFAULT NULL)
RETURNS TABLE (message_no text, status text, outcome text, order_no text, attempts integer, findings jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_mend'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.mend(text, jsonb, text) IS
'Correct the payload of a message that was not processed, and try it. What came is kept beside it.
message_no: as usom.inbox has it. patch: steps, done in order: [{"path": ["lines", "0", "sku"], "value": "MUG"}, {"path": ["note"], "remove": true}]; a path is what the operator #> takes. reason: why, for the audit.
Returns it as usom.ingest() does.
Errors: US820 unknown message, US821 it was processed, US822 unreadable patch, US904 whoever it names was erased.
Example: SELECT * FROM usom.mend(''MS-000001'', ''[{"path": ["lines", "0", "sku"], "value": "MUG"}]'', ''wrong number in their catalogue'');';

CREATE FUNCTION usom.inbox_take("limit" integer DEFAULT 1, lease interval DEFAULT '1 minute')
RETURNS TABLE (message_no text, channel text, attempts integer, leased_until timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_inbox_take'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.inbox_take(integer, interval) IS
'Lease messages that are due to a worker, who then calls usom.replay() or usom.mend() for each. Nobody else gets them until the lease has passed; then they are due again.
limit: at most so many. lease: how long.
Returns the messages, those due first.
Errors: 22023 limit or lease not above zero.
Example: SELECT * FROM usom.inbox_take(10, ''5 minutes'');';

CREATE FUNCTION usom.explain_mapping(message_no text)
RETURNS TABLE (path text, source text, found text, result text, problem text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_explain_mapping'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_mapping(text) IS
'How a mapping reads the payload of a message today, field by field.
message_no: as usom.inbox has it.
Returns path (in the document), source (a jsonpath), found (what stands there, a JSON array), result (what became of it; null: nothing) and problem; no row if no mapping reads it.
Errors: US820 unknown message, 42501 the role may not read usom.vault_key, US904 whoever it names was erased.
Example: SELECT * FROM usom.explain_mapping(''MS-000001'') WHERE problem IS NOT NULL;';

CREATE FUNCTION usom.map_payload(channel text, payload jsonb)
RETURNS TABLE (kind text, mapping text, document jsonb, findings jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_map_payload'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.map_payload(text, jsonb) IS
'What a payload of a channel would be read as; writes nothing.
channel: its code. payload: JSON.
Returns kind (order, change, cancellation), the mapping (null: the payload is taken as a document), the document, and findings as usom.ingest() has them.
Errors: US006 unknown channel, 42501 not the channel of the role.
Example: SELECT document FROM usom.map_payload(''web'', ''{"order": {"name": "#1001"}}'');';

CREATE FUNCTION usom.mapping_id(code text, version integer DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	found bigint;
BEGIN
	SELECT m.mapping_id INTO found FROM usom.mapping m
	WHERE m.org_id = usom.current_org() AND m.code = mapping_id.code AND (mapping_id.version IS NULL OR m.version = mapping_id.version)
	ORDER BY m.version DESC LIMIT 1;
	IF found IS NULL THEN
		PERFORM usom._check_card('code', mapping_id.code);
		RAISE EXCEPTION 'mapping "%" does not exist', mapping_id.code USING ERRCODE = 'US006', HINT = format('SELECT usom.add_mapping(%L); or INSERT INTO usom.mapping (code) ...', mapping_id.code);
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION usom.mapping_id(text, integer) IS
'Key of a mapping, to insert fields.
code, version: of the mapping; version null: the newest.
Errors: US006 there is none.
Example: INSERT INTO usom.mapping_field (mapping_id, target, source) VALUES (usom.mapping_id(''ours''), ''customer'', ''$.buyer'');';

CREATE FUNCTION usom._retain_messages(org_id bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__retain_messages' LANGUAGE C STRICT
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._retain_messages(bigint) IS 'Deletes the keys of payloads, and of documents that were not loaded, that usom.retention keeps no longer; once an hour. For tick().';
REVOKE ALL ON FUNCTION usom._retain_messages(bigint) FROM PUBLIC;

CREATE FUNCTION usom._erase_messages() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__erase_messages' LANGUAGE C;
COMMENT ON FUNCTION usom._erase_messages() IS 'Trigger AFTER INSERT of a row of usom.erasure: deletes the keys of the messages that orders of the person came with.';
REVOKE ALL ON FUNCTION usom._erase_messages() FROM PUBLIC;
