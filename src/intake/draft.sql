CREATE FUNCTION usom.start_draft(document jsonb DEFAULT '{}')
RETURNS TABLE (draft_no text, status text, version integer, held_until timestamptz, quantity_held numeric, findings jsonb, quote jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_start_draft'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.start_draft(jsonb) IS
'Begin an order that somebody types. It is quoted each time it is saved, and the units that it would get are held for it meanwhile, for usom.draft_hold (10 minutes) after each save; then they count no more, without anybody tidying up.
document: as place_order() takes it, as far as it is known; {} is a beginning. draft and reservation_owner are not looked at.
Returns the draft: its number; version, which the next save names; held_until and quantity_held; findings (of drafts that came of messages); quote, as quote() answers it: prices, availability, promise, and all that fails. What cannot be placed as it stands keeps the units that were held before.
The draft is that of usom.app_user, or of the role if the application claims no user. The time that entry takes is counted from here: usom.entry_times.
Errors: US803 the document is no object, US006 unknown channel, 42501 not the channel of the role, US502 a card number.
Example: SELECT draft_no, quote->>''total'' FROM usom.start_draft(''{"channel": "phone", "lines": [{"sku": "MUG", "quantity": 2}]}'');';

CREATE FUNCTION usom.save_draft(draft_no text, document jsonb, version integer DEFAULT NULL)
RETURNS TABLE (draft_no text, status text, version integer, held_until timestamptz, quantity_held numeric, findings jsonb, quote jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_save_draft'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.save_draft(text, jsonb, integer) IS
'Save a draft while it is being typed: the whole document again. It is quoted, and what it would get is held from now on instead of what was held before.
draft_no: of usom.start_draft(). document: as there. version: that the last save answered; null: whatever it is. The same document again under the version before is no conflict: its answer may have been lost.
Returns what usom.start_draft() does.
Errors: US835 unknown draft, US836 submitted or dropped, US837 it is another agent''s, US103 somebody saved it meanwhile, US803, US006, 42501, US502.
Example: SELECT version, quantity_held FROM usom.save_draft(''DR-000001'', ''{"lines": [{"sku": "MUG", "quantity": 3}]}'', 1);';

CREATE FUNCTION usom.submit_draft(draft_no text, key text DEFAULT NULL, version integer DEFAULT NULL)
RETURNS TABLE (order_no text, status text, total numeric, currency text, quantity_reserved numeric, quantity_backordered numeric,
	promised_at timestamptz, messages jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_submit_draft'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.submit_draft(text, text, integer) IS
'Place the order that a draft has become: its own units go over to it under one lock, so that nobody is served in between. If they ran out meanwhile, it gets what there is.
draft_no: of usom.start_draft(). key: what the client calls this submission; called again with it, or without one, the answer is that of the order. version: null, or that of the last save.
Returns what place_order() does; messages also have promise_lost (of a line that got fewer units than the last quote said: how many fewer) and total_changed. The document is gone from the draft then. A message that the draft came of is processed.
Errors: US835 unknown draft, US836 submitted under another key, or dropped, US837 it is another agent''s, US103 saved meanwhile, US801 the key has submitted another draft, US821 the message was processed otherwise, and those of place_order().
Example: SELECT order_no, promised_at FROM usom.submit_draft(''DR-000001'', ''7d3f'');';

CREATE FUNCTION usom.drop_draft(draft_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, agent text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_drop_draft'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.drop_draft(text, text) IS
'Give a draft up: what was held for it is free at once, and its document is gone. A message that it came of stays parked.
draft_no: of usom.start_draft(). reason: why; null: not wanted. Again, it is the same answer.
Errors: US835 unknown draft, US836 it was submitted, US837 it is another agent''s.
Example: SELECT * FROM usom.drop_draft(''DR-000001'', ''caller hung up'');';

CREATE FUNCTION usom.hand_over_draft(draft_no text, agent text, reason text DEFAULT NULL)
RETURNS TABLE (status text, agent text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_hand_over_draft'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.hand_over_draft(text, text, text) IS
'A draft is another agent''s from now on; what is held for it stays. One''s own can be handed over, and by who may call usom.reject_order() any.
draft_no: of usom.start_draft(). agent: the usom.app_user, or role, that goes on. reason: why, for the audit.
Errors: US835 unknown draft, US836 submitted or dropped, US837 it is another agent''s.
Example: SELECT * FROM usom.hand_over_draft(''DR-000001'', ''bert'', ''end of shift'');';

CREATE FUNCTION usom.draft_from_message(message_no text)
RETURNS TABLE (draft_no text, status text, version integer, held_until timestamptz, quantity_held numeric, findings jsonb, quote jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_draft_from_message'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.draft_from_message(text) IS
'Enter by hand what a message brought and could not be placed: a draft with what could be read of it, and the findings for the rest. The message is parked; it is processed when the draft is submitted, under its own channel, external id and revision. Again, it is the same draft.
message_no: as usom.inbox has it.
Returns what usom.start_draft() does.
Errors: US820 unknown message, US821 it was processed, US838 it brings no new order, US837 another agent is at it, US904 whoever it names was erased.
Example: SELECT draft_no, findings FROM usom.draft_from_message(''MS-000001'');';

CREATE FUNCTION usom._tidy_drafts(org_id bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__tidy_drafts' LANGUAGE C STRICT
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tidy_drafts(bigint) IS 'Drops drafts that usom.retention keeps no longer, 1,000 at most; once an hour. For tick(). Returns how many.';
REVOKE ALL ON FUNCTION usom._tidy_drafts(bigint) FROM PUBLIC;

CREATE FUNCTION usom._erase_drafts() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__erase_drafts' LANGUAGE C;
COMMENT ON FUNCTION usom._erase_drafts() IS 'Trigger AFTER INSERT of a row of usom.erasure: drops the open drafts for the customer, with their keys.';
REVOKE ALL ON FUNCTION usom._erase_drafts() FROM PUBLIC;

CREATE FUNCTION usom.verify_drafts()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'drafts', format('draft %s', d.draft_no), w.problem, w.expected, w.actual
		FROM usom.draft d
		LEFT JOIN usom.channel c ON c.org_id = org AND c.channel_id = d.channel_id
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = d.sales_order_id
		LEFT JOIN usom.inbox_message m ON m.org_id = org AND m.inbox_message_id = d.inbox_message_id
		CROSS JOIN LATERAL (SELECT coalesce(sum(r.quantity) FILTER (WHERE r.expires_at > now()), 0) AS held, max(r.expires_at) AS until
			FROM usom.reservation r WHERE r.org_id = org AND r.owner = 'draft:' || d.draft_no) r
		CROSS JOIN LATERAL (VALUES
			('draft of no channel', 'a channel', d.channel_id::text, c.channel_id IS NULL),
			('draft whose document cannot be opened', 'sealed', usom._seal_state(org, d.document),
				d.status = 'open' AND usom._seal_state(org, d.document) <> 'sealed'),
			('draft that is not open and has a key', 'none', 'a key', d.status <> 'open' AND usom._has_key(org, d.draft_id)),
			('draft of an order that is not there', 'an order', d.sales_order_id::text, d.sales_order_id IS NOT NULL AND o.sales_order_id IS NULL),
			('draft of a message that is not there', 'a message', d.inbox_message_id::text, d.inbox_message_id IS NOT NULL AND m.inbox_message_id IS NULL),
			('message of a submitted draft has another order', d.sales_order_id::text, m.sales_order_id::text,
				d.status = 'submitted' AND m.inbox_message_id IS NOT NULL AND m.sales_order_id IS DISTINCT FROM d.sales_order_id),
			('more is held than the draft knows of', trim_scale(d.quantity_held)::text, trim_scale(r.held)::text, d.status = 'open' AND r.held > d.quantity_held),
			('units are held longer than the draft says', d.held_until::text, r.until::text, r.until > d.held_until))
			AS w (problem, expected, actual, wrong)
		WHERE d.org_id = org AND w.wrong;
END
$$;
COMMENT ON FUNCTION usom.verify_drafts() IS
'Drafts that do not fit their channel, their document, their order, their message or what is held for them. Part of verify(); empty when all is well.
Example: SELECT * FROM usom.verify_drafts();';
